package pipeline_test

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// meter measures the pipelines that are started from now on. What it returns tells all
// that they have measured, by NAME{LABEL VALUES} as instruments are called, without
// battlereport. before it; of a histogram, how much it has counted.
func (w *world) meter() (all func() map[string]float64) {
	w.t.Helper()
	reader := sdkmetric.NewManualReader()
	w.opts.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return func() map[string]float64 {
		w.t.Helper()
		var collected metricdata.ResourceMetrics
		if err := reader.Collect(w.t.Context(), &collected); err != nil {
			w.t.Fatal(err)
		}
		values := map[string]float64{}
		for _, scope := range collected.ScopeMetrics {
			for _, m := range scope.Metrics {
				name := strings.TrimPrefix(m.Name, "battlereport.")
				switch data := m.Data.(type) {
				case metricdata.Sum[int64]:
					points(values, name, data.DataPoints)
				case metricdata.Sum[float64]:
					points(values, name, data.DataPoints)
				case metricdata.Gauge[int64]:
					points(values, name, data.DataPoints)
				case metricdata.Gauge[float64]:
					points(values, name, data.DataPoints)
				case metricdata.Histogram[int64]:
					counts(values, name, data.DataPoints)
				case metricdata.Histogram[float64]:
					counts(values, name, data.DataPoints)
				}
			}
		}
		return values
	}
}

func points[N int64 | float64](values map[string]float64, name string, of []metricdata.DataPoint[N]) {
	for _, p := range of {
		values[name+labelled(p.Attributes)] = float64(p.Value)
	}
}

func counts[N int64 | float64](values map[string]float64, name string, of []metricdata.HistogramDataPoint[N]) {
	for _, p := range of {
		values[name+labelled(p.Attributes)] = float64(p.Count)
	}
}

func labelled(labels attribute.Set) string {
	var values []string
	for _, l := range labels.ToSlice() {
		values = append(values, l.Value.String())
	}
	return "{" + strings.Join(values, ",") + "}"
}

// total adds up what was measured by a name, whatever its labels.
func total(values map[string]float64, name string) (sum float64) {
	for key, v := range values {
		if strings.HasPrefix(key, name+"{") {
			sum += v
		}
	}
	return sum
}
