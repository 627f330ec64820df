package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/consumer"
)

func TestAProducersSpanIsWhatTheHeadersSayInTheStandardsWay(t *testing.T) {
	t.Parallel()
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	good := "00-" + id + "-" + span + "-01"
	long := "a=" + strings.Repeat("b", 250)
	for rule, test := range map[string]struct {
		headers []string // name, value, name, value
		want    string   // span, flags and state; empty: none
	}{
		"none without headers":                           {nil, ""},
		"none among other headers":                       {[]string{"appid", "wx1"}, ""},
		"a span that is sampled":                         {[]string{"traceparent", good}, span + " 01 "},
		"a span that is not":                             {[]string{"traceparent", "00-" + id + "-" + span + "-00"}, span + " 00 "},
		"with a state":                                   {[]string{"traceparent", good, "tracestate", "a=1,b=2"}, span + " 01 a=1,b=2"},
		"the last one of several":                        {[]string{"traceparent", "00-" + id + "-" + strings.Repeat("1", 16) + "-00", "traceparent", good}, span + " 01 "},
		"a later version, of which the beginning counts": {[]string{"traceparent", "cc-" + id + "-" + span + "-01-what-comes"}, span + " 01 "},
		"none for an empty one":                          {[]string{"traceparent", ""}, ""},
		"none for a version that cannot be":              {[]string{"traceparent", "ff-" + id + "-" + span + "-01"}, ""},
		"none for capital letters":                       {[]string{"traceparent", strings.ToUpper(good)}, ""},
		"none for a trace of zeros":                      {[]string{"traceparent", "00-" + strings.Repeat("0", 32) + "-" + span + "-01"}, ""},
		"none for a span of zeros":                       {[]string{"traceparent", "00-" + id + "-" + strings.Repeat("0", 16) + "-01"}, ""},
		"none for more than the version has":             {[]string{"traceparent", good + "-01"}, ""},
		"none for half of one":                           {[]string{"traceparent", good[:40]}, ""},
		"a megabyte, of which the beginning counts":      {[]string{"traceparent", "cc-" + id + "-" + span + "-01-" + strings.Repeat("0", 1<<20)}, span + " 01 "},
		"no state that is malformed, but the span":       {[]string{"traceparent", good, "tracestate", "=,="}, span + " 01 "},
		"no state that is too long, but the span":        {[]string{"traceparent", good, "tracestate", long + "," + long[:1] + "b" + long[1:] + ",c=12345678"}, span + " 01 "},
		"no span for a state alone":                      {[]string{"tracestate", "a=1"}, ""},
	} {
		var headers []consumer.Header
		for pair := range slices.Chunk(test.headers, 2) {
			headers = append(headers, consumer.Header{Key: pair[0], Value: []byte(pair[1])})
		}
		budget := maxStatesBytes
		got := ""
		if sc := producerOf(headers, &budget); sc.IsValid() {
			got = fmt.Sprintf("%s %s %s", sc.SpanID(), sc.TraceFlags(), sc.TraceState())
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", rule, got, test.want)
		}
	}
}

// TestParsingATraceparentIsWhatOpenTelemetryDoes changes some of a good one.
func TestParsingATraceparentIsWhatOpenTelemetryDoes(t *testing.T) {
	t.Parallel()
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch c := rapid.SampledFrom([]byte("0123456789abcdefABCDEF-g \x00")).Draw(t, "byte"); rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				text = slices.Insert(text, at, c)
			case 1:
				text = slices.Delete(text, at, at+1)
			case 2:
				text = append(text, c)
			default:
				text[at] = c
			}
		}
		if len(text) == 56 && text[55] == '-' {
			t.Skip("OpenTelemetry takes a dash with nothing behind it, which the standard does not")
		}
		carrier := propagation.MapCarrier{"traceparent": string(text), "tracestate": "a=1"}
		want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
		budget := maxStatesBytes
		got := producerOf([]consumer.Header{{Key: "traceparent", Value: text}, {Key: "tracestate", Value: []byte("a=1")}}, &budget)
		if !got.Equal(want) {
			t.Fatalf("%q: got %+v, want %+v", text, got, want)
		}
		if got.IsValid() {
			valid++
		}
	})
	if valid == 0 {
		t.Error("none was good: nothing was tried")
	}
}

// TestLinksAreBoundedWhateverProducersWrite counts what is kept of a batch of hostile records.
func TestLinksAreBoundedWhateverProducersWrite(t *testing.T) {
	t.Parallel()
	const records, same = 1000, 10 // of each span
	var items []item
	for i := range records {
		items = append(items, &batcher.Item[*event]{Value: &event{record: consumer.Record{Headers: []consumer.Header{
			{Key: "traceparent", Value: fmt.Appendf(nil, "00-%032x-%016x-01", 1, i/same+1)},
			{Key: "tracestate", Value: []byte("a=" + strings.Repeat("b", 200))},
		}}}})
	}
	links := linksOf(items)
	bytes := 0
	for _, l := range links {
		bytes += len(l.SpanContext.TraceState().String())
	}
	if len(links) != records/same || bytes == 0 || bytes > maxStatesBytes {
		t.Errorf("%d links with states of %d bytes", len(links), bytes)
	}
}
