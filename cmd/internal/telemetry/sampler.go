package telemetry

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// linkBased samples a span without a parent if one of those that it is linked to is sampled, and otherwise as the root
// sampler says; one with a parent, as the parent is. A batch has no parent but many producers, to each of whom it is a
// part of what they follow: OpenTelemetry's ParentBased does not look at links.
type linkBased struct {
	sdktrace.Sampler // for spans whose links do not decide
}

// LinkBased is [sdktrace.ParentBased] for spans that have links in the place of a parent.
func LinkBased(root sdktrace.Sampler) sdktrace.Sampler { return linkBased{sdktrace.ParentBased(root)} }

func (s linkBased) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if !trace.SpanContextFromContext(p.ParentContext).IsValid() {
		for _, l := range p.Links {
			if l.SpanContext.IsSampled() {
				return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
			}
		}
	}
	return s.Sampler.ShouldSample(p)
}

func (s linkBased) Description() string { return "LinkBased{" + s.Sampler.Description() + "}" }
