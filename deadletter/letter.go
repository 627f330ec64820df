// Package deadletter writes the records that cannot be delivered to a
// dead-letter topic, unchanged and explained, and lets people find them there,
// repair them, and send them on their way again, each once.
//
// # Letters
//
// A letter is the record itself, key, value and headers as they came, with
// headers of the form deadletter.* that say what happened. [Writer.Write]
// returns once all in-sync replicas have a letter, so that the record's offset
// may be committed, and keeps no order. It writes each once, as Kafka's idempotent
// producers do; but a process that is killed in the middle and the one that takes
// over may each write a letter. Such twins have the same deadletter.source.* and
// deadletter.replays: they count as one, and are resolved as one.
//
// A letter's name is TOPIC/PARTITION/OFFSET in the dead-letter topic ([Name]).
// [Store] reads letters, the newest or the oldest first, filtered ([Filter]), in
// bounded memory whatever their number.
//
// # Resolutions
//
// What has been done about the letters of topic T lies in the compacted topic
// T.resolutions and nowhere else. A letter that has no record there, or a
// tombstone, is pending. The key is the letter's name; the value is JSON, to
// which fields may be added:
//
//	{"state": "replayed", "time": "2026-01-02T03:04:05.678Z", "by": "ann", "run": "7f3a",
//	 "topic_id": "q83vEjRWeJCrze8SNFZ4kA", "replay_topic": "battle-reports.replay", "repaired": true,
//	 "source": {"topic": …, "partition": …, "offset": …, "timestamp": …}, "replays": 1}
//	{"state": "discarded", "time": "2026-01-02T03:04:05.678Z", "by": "ann", "run": "7f3a",
//	 "topic_id": "q83vEjRWeJCrze8SNFZ4kA", "because": "test players", "source": …}
//
// "repaired" says that the value was changed on the way, and "replays" how often
// the letter had been replayed before; they are left out otherwise. "source" is
// where it first came from: with "replays" it says which other letters are this
// one's twins.
//
// A name means a place in a topic, and a topic is its id, which Kafka gives it
// when it is made, as kafka-topics.sh --describe shows it: if T is deleted and
// made anew, other letters get the same names. A resolution with the id of
// another topic than the one that is there is as none. One that has no "topic_id"
// counts for its name: an older version wrote it, or the brokers are older than
// Kafka 2.8 and know no ids; there, whoever makes T anew must do the same with
// T.resolutions.
//
// # Replays
//
// A [Resolver] writes a letter to the replay topic, and its resolution, in one
// transaction, so that a reader of committed records finds there each letter at
// most once, and in the end once, whoever is killed meanwhile and however many
// try at the same time. All resolvers of T share the transactional id
// T.resolutions; the one that came last fences off the others. The replayed
// record has the letter's key, its own headers, and deadletter.source.*,
// deadletter.replays (one more than the letter's) and deadletter.previous (the
// letter's name), which [OriginOf] reads.
//
// What happens to a replayed record afterwards is its reader's business: should
// it fail again, it becomes a new letter, which names the former.
package deadletter

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/battlereport/battlereport/consumer"
)

// Reason says why a record was given up.
type Reason string

// The reasons there are.
const (
	InvalidJSON     Reason = "invalid_json"     // not JSON as every parser reads it
	SchemaViolation Reason = "schema_violation" // JSON, but not what the app's schema asks for
	TooLarge        Reason = "too_large"        // larger than a record may be
	UnknownApp      Reason = "unknown_app"      // no app is configured for it
	Rejected        Reason = "rejected"         // the platform refused this very record
	Exhausted       Reason = "exhausted"        // retries, or the hold of its app, used up
	Expired         Reason = "expired"          // older than the configured age
)

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{InvalidJSON, SchemaViolation, TooLarge, UnknownApp, Rejected, Exhausted, Expired}
}

// Delivery says whether the platform may have the record all the same.
type Delivery string

// What is known of the delivery.
const (
	None      Delivery = "none"      // it does not have it
	Uncertain Delivery = "uncertain" // a call ended without a readable answer
)

// Violation is one way in which a value breaks its schema.
type Violation struct {
	Instance string `json:"instance"` // JSON Pointer into the value
	Keyword  string `json:"keyword"`  // JSON Pointer into the schema
	Message  string `json:"message"`
}

// Source is where a record first came from, replays included.
type Source struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
}

// Omitted says which parts of a record its letter goes without.
type Omitted struct{ Value, Key, Headers bool }

// Letter is a record that was given up, and why.
type Letter struct {
	Key, Value []byte // nil and empty are not the same
	Headers    []consumer.Header
	Omitted    Omitted // which of these it goes without: they were too large

	Reason     Reason
	Detail     string      // for a person; line breaks are taken out
	Violations []Violation // as many of the first as fit into 64 KiB are written
	Ret        *int        // the platform's last answer, if it gave one
	HTTPStatus int         // 0: none
	Attempts   int         // calls made with this record in them
	Delivery   Delivery
	AppID      string // empty: unknown
	Route      string
	Source     Source
	Time       time.Time // when it was given up
	Replays    int       // how often it has been replayed already
	Previous   Name      // the letter that it was before it was replayed; zero: none
}

// The headers of a letter. All values are text.
const (
	HeaderPrefix = "deadletter."

	HeaderReason          = HeaderPrefix + "reason"
	HeaderDetail          = HeaderPrefix + "detail"
	HeaderViolations      = HeaderPrefix + "violations"
	HeaderRet             = HeaderPrefix + "ret"
	HeaderHTTPStatus      = HeaderPrefix + "http_status"
	HeaderAttempts        = HeaderPrefix + "attempts"
	HeaderDelivery        = HeaderPrefix + "delivery"
	HeaderAppID           = HeaderPrefix + "appid"
	HeaderRoute           = HeaderPrefix + "route"
	HeaderSourceTopic     = HeaderPrefix + "source.topic"
	HeaderSourcePartition = HeaderPrefix + "source.partition"
	HeaderSourceOffset    = HeaderPrefix + "source.offset"
	HeaderSourceTimestamp = HeaderPrefix + "source.timestamp"
	HeaderTime            = HeaderPrefix + "time"
	HeaderReplays         = HeaderPrefix + "replays"
	HeaderPrevious        = HeaderPrefix + "previous"

	// HeaderValue (and HeaderKey, HeaderHeaders) say "omitted" in a letter that
	// the topic would not take whole, or that was too large to be kept in memory.
	HeaderValue   = HeaderPrefix + "value"
	HeaderKey     = HeaderPrefix + "key"
	HeaderHeaders = HeaderPrefix + "headers"
)

// timeLayout is RFC 3339 in UTC with milliseconds, Kafka's own precision.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// readable is a time as close to t as the header that has it can be read back:
// Kafka's times begin at -1 ms, for "none", and a producer may write any number,
// but RFC 3339 ends with the year 9999.
func readable(t time.Time) time.Time {
	first, last := time.UnixMilli(-1), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	switch {
	case t.Before(first):
		t = first
	case t.After(last):
		t = last
	}
	return t.UTC()
}

// allHeaders is the record's own headers, less those of a letter that it was
// before, and this letter's.
func (l *Letter) allHeaders() []consumer.Header {
	headers := make([]consumer.Header, 0, len(l.Headers)+16)
	for _, h := range l.Headers {
		if !strings.HasPrefix(h.Key, HeaderPrefix) {
			headers = append(headers, h)
		}
	}
	return append(headers, l.ownHeaders()...)
}

func (l *Letter) ownHeaders() (headers []consumer.Header) {
	add := func(key, value string) {
		headers = append(headers, consumer.Header{Key: key, Value: []byte(value)})
	}
	add(HeaderReason, string(l.Reason))
	add(HeaderDetail, oneLine(l.Detail))
	if len(l.Violations) > 0 {
		add(HeaderViolations, l.violations())
	}
	if l.Ret != nil {
		add(HeaderRet, strconv.Itoa(*l.Ret))
	}
	if l.HTTPStatus != 0 {
		add(HeaderHTTPStatus, strconv.Itoa(l.HTTPStatus))
	}
	add(HeaderAttempts, strconv.Itoa(l.Attempts))
	delivery := l.Delivery
	if delivery == "" {
		delivery = None
	}
	add(HeaderDelivery, string(delivery))
	if l.AppID != "" {
		add(HeaderAppID, l.AppID)
		add(HeaderRoute, l.Route)
	}
	add(HeaderTime, l.Time.UTC().Format(timeLayout))
	return append(headers, l.originHeaders()...)
}

// originHeaders are those that a replayed record has too.
func (l *Letter) originHeaders() (headers []consumer.Header) {
	add := func(key, value string) {
		headers = append(headers, consumer.Header{Key: key, Value: []byte(value)})
	}
	add(HeaderSourceTopic, l.Source.Topic)
	add(HeaderSourcePartition, strconv.Itoa(l.Source.Partition))
	add(HeaderSourceOffset, strconv.FormatInt(l.Source.Offset, 10))
	add(HeaderSourceTimestamp, readable(l.Source.Time).Format(timeLayout))
	add(HeaderReplays, strconv.Itoa(l.Replays))
	if l.Previous != (Name{}) {
		add(HeaderPrevious, l.Previous.String())
	}
	return headers
}

// replayHeaders are the headers of the letter, whose name is given, when it is
// replayed. [OriginOf] reads them.
func (l *Letter) replayHeaders(name Name) []consumer.Header {
	origin := Letter{Source: l.Source, Replays: l.Replays + 1, Previous: name}
	return append(slices.Clip(slices.Clone(l.Headers)), origin.originHeaders()...)
}

// maxViolations bounds the violations, in bytes: each names a place in the
// value, whose keys may be as long as the value, and a letter that is too large
// without its record is too large for ever.
const maxViolations = 64 << 10

func (l *Letter) violations() string {
	text := []byte{'['}
	for _, v := range l.Violations {
		one, _ := json.Marshal(v) // strings only: cannot fail
		if len(text)+len(one)+len(",]") > maxViolations {
			break
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, one...)
	}
	return string(append(text, ']'))
}

// Origin is what a record in a replay topic says of the letter that it was.
type Origin struct {
	Source  Source // where it first came from
	Replays int    // how often it has been replayed, this time included
	Letter  Name   // the letter that was replayed; zero: not said
}

// OriginOf reads the origin from a record's headers. A record that merely looks
// like a replayed letter, with those headers missing or broken or any
// deadletter header doubled, is none: ok is false.
func OriginOf(headers []consumer.Header) (o Origin, ok bool) {
	p := parser{found: map[string]string{}}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, HeaderPrefix) {
			continue
		}
		if _, twice := p.found[h.Key]; twice {
			return Origin{}, false
		}
		p.found[h.Key] = string(h.Value)
	}
	o = Origin{Source: p.source(), Replays: int(p.number(HeaderReplays, 0, 1<<31-1))}
	if name, said := p.found[HeaderPrevious]; said {
		var err error
		if o.Letter, err = ParseName(name); err != nil {
			return Origin{}, false
		}
	}
	if p.err != nil {
		return Origin{}, false
	}
	return o, true
}

// maxDetail bounds the detail, in bytes.
const maxDetail = 1000

// oneLine makes s one line of valid UTF-8 of bounded length, fit to be shown on
// a terminal: no control characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
