//go:build !race

package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// aBatch is one of 100 records, each made in a span of its own.
func aBatch() *batch {
	cfg := config.Default()
	cfg.Apps = []config.App{{AppID: "wx1", Route: config.RouteBattleReport, Schema: "builtin:any"}}
	directory, err := admission.New(&cfg)
	if err != nil {
		panic(err)
	}
	b := &batch{app: platform.NewApp(directory.Apps[0], cfg.Delivery.Breaker)}
	from := &consumer.Partition{Topic: "battle-reports"}
	for i := range 100 {
		b.items = append(b.items, &batcher.Item[*event]{Value: &event{record: consumer.Record{Partition: from, Headers: []consumer.Header{
			{Key: "traceparent", Value: fmt.Appendf(nil, "00-%032x-%016x-00", i+1, i+1)},
		}}}})
	}
	return b
}

// through has a tracer told all that may happen to a batch and its letters.
func through(t *tracer, b *batch, lost *event, err *msdkclient.Error, now time.Time) {
	t.gathered(b)
	_ = b.span.within(context.Background())
	_ = b.span.context()
	b.span.called(b)
	b.span.failed(b, err, now, again)
	b.span.failed(b, err, now, apart)
	b.span.held()
	b.span.split(b, nil)
	b.span.advanced(b)
	b.span.gaveUp(lost, now)
	b.span.givenUp(b, deadletter.Rejected)
	b.span.delivered(b)
	b.span.letGo(b)
	t.lost(nil)
	t.written(lost, "battle-reports.dlq")
}

func TestWhereNobodyFollowsTracingCostsNothing(t *testing.T) {
	b, now := aBatch(), time.Now()
	lost := &event{refusal: &admission.Refusal{Reason: deadletter.Rejected}}
	err := &msdkclient.Error{Class: msdkclient.Retry, HasRet: true, Ret: -1}
	for rule, provider := range map[string]trace.TracerProvider{"none is given": nil, "one that does nothing": noop.NewTracerProvider()} {
		tracer := newTracer(provider, "group")
		if allocs := testing.AllocsPerRun(100, func() { through(tracer, b, lost, err, now) }); allocs > 0 || tracer != nil || b.span != nil || lost.lost != nil {
			t.Errorf("%s: %v allocations", rule, allocs)
		}
	}
}

// BenchmarkTracing is what a batch of 100 records costs that is delivered at the first call, without the call itself.
func BenchmarkTracing(b *testing.B) {
	batch := aBatch()
	for _, of := range []struct {
		name     string
		provider trace.TracerProvider
	}{
		{"off", nil},
		{"unsampled", sdktrace.NewTracerProvider(sdktrace.WithSampler(telemetry.LinkBased(sdktrace.NeverSample())))},
		{"sampled", sdktrace.NewTracerProvider(sdktrace.WithSampler(telemetry.LinkBased(sdktrace.AlwaysSample())))},
	} {
		b.Run(of.name, func(b *testing.B) {
			tracer := newTracer(of.provider, "group")
			b.ReportAllocs()
			for b.Loop() {
				tracer.gathered(batch)
				_ = batch.span.within(context.Background())
				batch.span.called(batch)
				batch.span.delivered(batch)
			}
		})
	}
}
