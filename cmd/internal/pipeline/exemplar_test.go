package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
)

func TestWhatIsMeasuredOfACallLeadsToItsTraceIfItIsSampled(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		sampler trace.Sampler // nil: nobody follows
		want    []string
	}{
		"sampled":        {trace.AlwaysSample(), []string{"batch.bytes", "batch.fill_ratio", "batch.records", "delivered", "delivery.latency", "msdk.answers", "msdk.call.duration", "msdk.calls"}},
		"not sampled":    {trace.NeverSample(), nil},
		"nobody follows": {nil, nil},
	} {
		cfg := config.Default()
		cfg.Apps = []config.App{{AppID: "wx1", AppKey: "k", Encode: 1, Topics: []string{"t"}, Route: config.RouteBattleReport, Schema: "builtin:any"}}
		directory, err := admission.New(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		app := platform.NewApp(directory.Apps[0], cfg.Delivery.Breaker)
		reader := sdkmetric.NewManualReader()
		m, err := newMetrics(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), &cfg, directory, []*platform.App{app})
		if err != nil {
			t.Fatal(err)
		}
		out := outcome{batch: &batch{app: app, items: []item{{}}}, took: time.Second, bytes: 100, oldest: time.Now().Add(-time.Minute)}
		id := ""
		if test.sampler != nil {
			ctx, span := trace.NewTracerProvider(trace.WithSampler(test.sampler)).Tracer("test").Start(context.Background(), "call")
			out.ctx, id = ctx, span.SpanContext().TraceID().String()
		}
		m.called(out)
		m.delivered(out)
		if got := exemplars(t, reader, id); !slices.Equal(got, test.want) {
			t.Errorf("%s: the trace is an example of %q, want %q", rule, got, test.want)
		}
	}
}

// exemplars are the metrics, without battlereport. before them, that have the trace as their example; another is an error.
func exemplars(t *testing.T, reader sdkmetric.Reader, id string) []string {
	t.Helper()
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	note := func(name string, trace []byte) {
		if got := fmt.Sprintf("%x", trace); got != id {
			t.Errorf("an example of %s is of the trace %s, not %s", name, got, id)
		}
		found[name[len("battlereport."):]] = true
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					for _, e := range p.Exemplars {
						note(m.Name, e.TraceID)
					}
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					for _, e := range p.Exemplars {
						note(m.Name, e.TraceID)
					}
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					for _, e := range p.Exemplars {
						note(m.Name, e.TraceID)
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
