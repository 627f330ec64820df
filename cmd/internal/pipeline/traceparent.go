package pipeline

import (
	"encoding/hex"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/battlereport/battlereport/consumer"
)

// A record's headers traceparent and tracestate (W3C Trace Context) tell in which span of its producer's it was made.
// Whoever may write to a topic chooses them, so what is kept of them is bounded.
const (
	headerTraceparent = "traceparent"
	headerTracestate  = "tracestate"

	maxStateBytes  = 512     // what the standard has everybody pass on
	maxStatesBytes = 8 << 10 // of all records of a batch; those beyond are linked without theirs
)

// anySampled tells whether one of the items was made in a span that is sampled.
func anySampled(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return producerOf(it.Value.record.Headers, nil).IsSampled() })
}

// linksOf are links to the spans in which items were made, each once.
func linksOf(items []item) (links []trace.Link) {
	budget := maxStatesBytes
	type span struct {
		trace trace.TraceID
		span  trace.SpanID
	}
	var seen map[span]bool
	for _, it := range items {
		left := budget
		producer := producerOf(it.Value.record.Headers, &left)
		if !producer.IsValid() {
			continue
		}
		if seen == nil {
			seen = make(map[span]bool, len(items))
			links = make([]trace.Link, 0, len(items))
		}
		if at := (span{producer.TraceID(), producer.SpanID()}); !seen[at] {
			seen[at], budget = true, left
			links = append(links, trace.Link{SpanContext: producer})
		}
	}
	return links
}

// producerOf is the span in which a record with the headers was made; an invalid one if they do not say, or not in a way
// that the standard has. Of a key that occurs several times the last counts. The state takes up some of the budget, in
// bytes, or is left out, as it is if the budget is nil.
//
// It is what OpenTelemetry's propagation.TraceContext makes of them, which a test holds it against; but that takes a
// microsecond and five allocations a record, sampled or not.
func producerOf(headers []consumer.Header, budget *int) trace.SpanContext {
	var parent, state []byte
	for i := range headers {
		switch h := &headers[i]; h.Key {
		case headerTraceparent:
			parent = h.Value
		case headerTracestate:
			state = h.Value
		}
	}
	c, ok := parseParent(parent)
	if !ok {
		return trace.SpanContext{}
	}
	if budget != nil && len(state) > 0 && len(state) <= min(maxStateBytes, *budget) {
		*budget -= len(state)
		c.TraceState, _ = trace.ParseTraceState(string(state)) // one that is malformed is none
	}
	return trace.NewSpanContext(c)
}

// parseParent reads a traceparent: VERSION-TRACE-SPAN-FLAGS, in small hexadecimal digits, and in versions to come more
// behind another dash.
func parseParent(text []byte) (c trace.SpanContextConfig, ok bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return c, false
	}
	var version, flags [1]byte
	if !digits(version[:], text[:2]) || !digits(c.TraceID[:], text[3:35]) || !digits(c.SpanID[:], text[36:52]) || !digits(flags[:], text[53:55]) {
		return c, false
	}
	more := text[length:]
	const known = trace.FlagsSampled | trace.FlagsRandom
	switch c.TraceFlags = trace.TraceFlags(flags[0]) & known; {
	case version[0] == 0xff, len(more) > 0 && more[0] != '-',
		version[0] == 0 && (len(more) > 0 || trace.TraceFlags(flags[0]) != c.TraceFlags),
		!c.TraceID.IsValid(), !c.SpanID.IsValid():
		return c, false
	}
	c.Remote = true
	return c, true
}

// digits reads small hexadecimal digits.
func digits(dst, text []byte) bool {
	for _, d := range text {
		if 'A' <= d && d <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, text)
	return err == nil
}
