// Package admission is the one rule for which app a record is of, and whether it is fit to be delivered. The pipeline
// asks it of each record it takes; who publishes a report, or replays a dead letter, asks it beforehand, so that nobody
// is told another thing than the pipeline will do.
//
// A record is of the only app that its topic serves, or of the one that its header [HeaderAppID] names. A record in a
// replay topic is of the topic that it was in first. It is fit if its headers and its key are within the limits, and its
// value is within the schema's limits and valid by it; for the legacy route it must also have a score.
//
// It promises the first reason found and not all of them, in the order of [Feed.Admit]. Nothing here knows what
// becomes of a record, and whether it is too old is not asked: that depends on when. All is made from the configuration
// once, is not changed after that, and is safe for concurrent use.
package admission

import (
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/schema"
)

// HeaderAppID is the header that picks the app of a record in a topic of several.
const HeaderAppID = "appid"

// The limits of a record's headers. Those that a letter has, and a replay of it, are beside them.
const (
	maxHeaders     = 1_000
	maxHeaderBytes = 1 << 20 // keys and values
)

// Refusal is why a record is not fit. Its text may quote what a player wrote.
type Refusal struct {
	Reason     deadletter.Reason
	Detail     string
	Violations []deadletter.Violation // of schema_violation alone
}

func (r *Refusal) String() string { return string(r.Reason) + ": " + r.Detail }

func refuse(reason deadletter.Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// Admission is what is known of a record before anything is done with it.
type Admission struct {
	App      *App               // nil: nobody's
	Home     string             // the source topic in whose dead letters it belongs
	Replayed bool               // it came from a replay topic
	Origin   *deadletter.Origin // of a replayed letter; nil: it is not one

	OpenID, Score []byte   // parts of its value, as a rule
	Refusal       *Refusal // nil: it is fit
}

// Admit says whose a record of the feed is and what it reports, or why it is refused. That it is nobody's comes first;
// then its headers, its key and its value are asked about.
func (f *Feed) Admit(r *consumer.Record) Admission {
	var excess consumer.Excess
	if r.Excess != nil {
		excess = *r.Excess
	}
	a, why := f.identify(r.Headers)
	switch {
	case why == "":
	case excess.Headers > 0: // the one that tells the app may be among those that are not kept
		a.Refusal = tooManyHeaders(r.Headers, excess)
		return a
	default:
		a.Refusal = &Refusal{Reason: deadletter.UnknownApp, Detail: why}
		return a
	}
	var report schema.Report
	report, a.Refusal = a.App.Admit(r.Key, r.Value, r.Headers, excess)
	a.OpenID, a.Score = report.OpenID, report.Score
	return a
}

// tooManyHeaders says why the headers are refused; nil: they are not.
func tooManyHeaders(headers []consumer.Header, excess consumer.Excess) *Refusal {
	n, bytes := excess.Headers, excess.HeaderBytes
	for i := range headers {
		if h := &headers[i]; excess.Headers == 0 && !strings.HasPrefix(h.Key, deadletter.HeaderPrefix) {
			n++
			bytes += len(h.Key) + len(h.Value)
		}
	}
	switch {
	case n > maxHeaders:
		return refuse(deadletter.TooLarge, "the record has %d headers, %d are allowed", n, maxHeaders)
	case bytes > maxHeaderBytes:
		return refuse(deadletter.TooLarge, "the headers have %d bytes, %d are allowed", bytes, maxHeaderBytes)
	}
	return nil
}
