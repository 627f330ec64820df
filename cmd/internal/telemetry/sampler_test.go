package telemetry_test

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/battlereport/battlereport/cmd/internal/telemetry"
)

func TestASpanWithoutAParentIsSampledIfOneThatItIsLinkedToIs(t *testing.T) {
	t.Parallel()
	span := func(flags trace.TraceFlags) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: flags})
	}
	on, off := span(trace.FlagsSampled), span(0)
	for rule, test := range map[string]struct {
		root   sdktrace.Sampler
		parent trace.SpanContext
		links  []trace.SpanContext
		want   bool
	}{
		"one of its links is":                         {sdktrace.NeverSample(), trace.SpanContext{}, []trace.SpanContext{off, on}, true},
		"none of its links is, and the root says no":  {sdktrace.NeverSample(), trace.SpanContext{}, []trace.SpanContext{off}, false},
		"none of its links is, but the root says yes": {sdktrace.AlwaysSample(), trace.SpanContext{}, []trace.SpanContext{off}, true},
		"a parent that is not goes before links":      {sdktrace.AlwaysSample(), off, []trace.SpanContext{on}, false},
		"a parent that is":                            {sdktrace.NeverSample(), on, nil, true},
	} {
		p := sdktrace.SamplingParameters{ParentContext: trace.ContextWithSpanContext(context.Background(), test.parent), TraceID: trace.TraceID{1}}
		for _, l := range test.links {
			p.Links = append(p.Links, trace.Link{SpanContext: l})
		}
		if got := telemetry.LinkBased(test.root).ShouldSample(p).Decision == sdktrace.RecordAndSample; got != test.want {
			t.Errorf("%s: sampled is %t", rule, got)
		}
	}
}
