package pipeline

import (
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// Labels are made once, since that costs more than the counting.

// classDelivered is the class of a call that succeeded, as a label.
const classDelivered = "ok"

// classes are those of the calls that are made: they carry no user's token.
var classes = []string{
	classDelivered, msdkclient.Retry.String(), msdkclient.Throttle.String(), msdkclient.Record.String(),
	msdkclient.AppClass.String(), msdkclient.Endpoint.String(),
}

// What the check of a record finds.
const (
	foundFit int = iota
	foundInvalidJSON
	foundSchemaViolation
	foundTooLarge
	foundUnknownApp
	foundExpired
	allFindings
)

// findings are how many records were found to be what.
type findings [allFindings]int

// findingNames are the findings as labels.
var findingNames = [allFindings]string{
	foundFit: "fit", foundInvalidJSON: string(deadletter.InvalidJSON), foundSchemaViolation: string(deadletter.SchemaViolation),
	foundTooLarge: string(deadletter.TooLarge), foundUnknownApp: string(deadletter.UnknownApp), foundExpired: string(deadletter.Expired),
}

// findingsOf counts what the check of some records has found.
func findingsOf(piece []arrival) (found findings) {
	for i := range piece {
		if a := &piece[i]; a.number != noLane {
			found[foundFit]++
		} else {
			found[findingOf(a.refusal)]++
		}
	}
	return found
}

func findingOf(why *admission.Refusal) int {
	return max(foundInvalidJSON, slices.Index(findingNames[:], string(why.Reason)))
}

// feedLabels are a topic's labels.
type feedLabels struct {
	found [allFindings][]metric.AddOption
}

func newFeedLabels(topic string) *feedLabels {
	l := new(feedLabels)
	for f, name := range findingNames {
		l.found[f] = adding(attribute.String("topic", topic), attribute.String("outcome", name))
	}
	return l
}

// appLabels are an app's labels in the forms that counting takes. But for answer it is
// safe for concurrent use.
type appLabels struct {
	app        []attribute.KeyValue
	add        []metric.AddOption
	record     []metric.RecordOption
	classes    map[string][]metric.AddOption // with the class of a call's outcome
	reasons    map[deadletter.Reason][]metric.AddOption
	answers    map[answer][]metric.AddOption
	maxRecords float64 // of a call
	maxBytes   float64
}

func newAppLabels(appid, route string, cfg *config.Config) *appLabels {
	id := attribute.String("appid", appid)
	app := []attribute.KeyValue{id, attribute.String("route", route)}
	limits := limitsOf(cfg, route)
	l := &appLabels{
		app: []attribute.KeyValue{id},
		add: adding(app...), record: []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(app...))},
		classes: map[string][]metric.AddOption{}, reasons: map[deadletter.Reason][]metric.AddOption{}, answers: map[answer][]metric.AddOption{},
		maxRecords: float64(limits.Records), maxBytes: float64(limits.Bytes),
	}
	for _, class := range classes {
		l.classes[class] = adding(append(slices.Clip(app), attribute.String("class", class))...)
	}
	for _, reason := range deadletter.Reasons() {
		l.reasons[reason] = adding(id, attribute.String("reason", string(reason)))
	}
	return l
}

func adding(labels ...attribute.KeyValue) []metric.AddOption {
	return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(labels...))}
}

// fill is how full a call is.
func (l *appLabels) fill(records, bytes int) float64 {
	return min(1, max(float64(records)/l.maxRecords, float64(bytes)/l.maxBytes))
}

// answer is the platform's to a call, as labels: documented codes, or one of those
// below. Inner is the code that ret passes on, empty if it passes on none.
type answer struct{ ret, inner string }

const (
	retAccepted = "0"
	retOther    = "other" // a code that is not documented
	retNone     = "none"  // no answer that can be read
)

// documented tells of the platform's codes that they are.
var documented = func() map[int]bool {
	all := map[int]bool{}
	for _, m := range msdkclient.Codes() {
		all[m.Code] = true
	}
	return all
}()

func answerOf(err *msdkclient.Error) answer {
	switch {
	case err == nil:
		return answer{ret: retAccepted}
	case !err.HasRet:
		return answer{ret: retNone}
	case err.Inner == 0:
		return answer{ret: codeLabel(err.Ret)}
	}
	return answer{codeLabel(err.Ret), codeLabel(err.Inner)}
}

func codeLabel(code int) string {
	if !documented[code] {
		return retOther
	}
	return strconv.Itoa(code)
}

// answer is the labels of an answer.
func (l *appLabels) answer(a answer) []metric.AddOption {
	of := l.answers[a]
	if of == nil {
		labels := append(slices.Clip(l.app), attribute.String("ret", a.ret))
		if a.inner != "" {
			labels = append(labels, attribute.String("inner", a.inner))
		}
		of = adding(labels...)
		l.answers[a] = of
	}
	return of
}
