package sandbox

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// newProducerTracer is nil where nobody follows.
func newProducerTracer(p trace.TracerProvider) trace.Tracer {
	if p == nil {
		return nil
	}
	return p.Tracer("github.com/battlereport/battlereport/cmd/internal/sandbox")
}

// follow begins the span of an event that is published, as game servers may, and puts its name into the record's headers.
// It ends when written is called.
func (p *publisher) follow(r *kgo.Record) (written func()) {
	if p.tracer == nil {
		return func() {}
	}
	ctx, span := p.tracer.Start(context.Background(), "send "+r.Topic, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		semconv.MessagingSystemKafka, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("send"), semconv.MessagingDestinationName(r.Topic)))
	names := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, names)
	for key, value := range names {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return func() { span.End() }
}
