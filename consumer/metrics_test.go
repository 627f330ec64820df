package consumer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/battlereport/battlereport/consumer"
)

func TestMetricsTellWhatWasTakenAndWhatIsBehind(t *testing.T) {
	virtual(t, 1, func(w *world) {
		reader := metric.NewManualReader()
		w.Sever()
		m := w.join(func(cfg *consumer.Config, m *member) {
			cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
			cfg.CommitInterval = time.Hour
			m.held = func(r consumer.Record) bool { return r.Offset >= 2 }
		})
		expect(w, reader, `
battlereport.consumer.bytes{topic} 0
battlereport.consumer.commit.failures{} 0
battlereport.consumer.commits{} 0
battlereport.consumer.fetch.errors{topic} 0
battlereport.consumer.generations{} 0
battlereport.consumer.odd_timestamps{future,topic} 0
battlereport.consumer.odd_timestamps{missing,topic} 0
battlereport.consumer.odd_timestamps{past,topic} 0
battlereport.consumer.partitions{} 0
battlereport.consumer.paused_partitions{error} 0
battlereport.consumer.paused_partitions{note} 0
battlereport.consumer.paused_partitions{unreadable} 0
battlereport.consumer.records{topic} 0`)

		w.Restore()
		w.until("joined", m.Joined)
		written := time.Now()
		w.publish(0, "12345", "6", "", "7")
		w.untilTaken(m, 4)
		time.Sleep(time.Until(written.Add(1500 * time.Millisecond)))
		expect(w, reader, `
battlereport.consumer.age{0,topic} 1.5
battlereport.consumer.bytes{topic} 7
battlereport.consumer.commit.failures{} 0
battlereport.consumer.commits{} 1
battlereport.consumer.deferred{0,topic} 0
battlereport.consumer.deleted{0,topic} 0
battlereport.consumer.fetch.errors{topic} 0
battlereport.consumer.generations{} 1
battlereport.consumer.lag{0,topic} 4
battlereport.consumer.odd_timestamps{future,topic} 0
battlereport.consumer.odd_timestamps{missing,topic} 0
battlereport.consumer.odd_timestamps{past,topic} 0
battlereport.consumer.partitions{} 1
battlereport.consumer.paused_partitions{error} 0
battlereport.consumer.paused_partitions{note} 0
battlereport.consumer.paused_partitions{unreadable} 0
battlereport.consumer.pending{0,topic} 2
battlereport.consumer.records{topic} 4`)
		want := consumer.PartitionLag{Topic: w.topic, Partition: 0, Committed: 0, End: 4, Lag: 4, Pending: 2, Age: 1500 * time.Millisecond}
		if got := m.Lag(); len(got) != 1 || got[0] != want {
			w.t.Errorf("lag %+v, want %+v", got, want)
		}
		m.stop()
		expect(w, reader, `
battlereport.consumer.bytes{topic} 7
battlereport.consumer.commit.failures{} 0
battlereport.consumer.commits{} 2
battlereport.consumer.deleted{0,topic} 0
battlereport.consumer.fetch.errors{topic} 0
battlereport.consumer.generations{} 1
battlereport.consumer.odd_timestamps{future,topic} 0
battlereport.consumer.odd_timestamps{missing,topic} 0
battlereport.consumer.odd_timestamps{past,topic} 0
battlereport.consumer.records{topic} 4`)
	})
}

// expect compares all metrics.
func expect(w *world, reader metric.Reader, want string) {
	w.t.Helper()
	if got := strings.Join(metricsOf(w, reader), "\n"); got != strings.TrimSpace(want) {
		w.t.Errorf("metrics:\n%s\nwant:\n%s", got, want)
	}
}

// metricsOf are all metrics, written as NAME{LABEL VALUES} VALUE in alphabetical order.
func metricsOf(w *world, reader metric.Reader) (lines []string) {
	w.t.Helper()
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(w.t.Context(), &collected); err != nil {
		w.t.Fatal(err)
	}
	add := func(name string, labels attribute.Set, value any) {
		var values []string
		for _, l := range labels.ToSlice() {
			values = append(values, strings.ReplaceAll(l.Value.String(), w.topic, "topic"))
		}
		lines = append(lines, fmt.Sprintf("%s{%s} %v", name, strings.Join(values, ","), value))
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// measured has a member measured, as reader tells.
func measured(reader metric.Reader) func(*consumer.Config, *member) {
	return func(cfg *consumer.Config, _ *member) {
		cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	}
}

// metricOf is what is measured of a kind, without the name before it.
func metricOf(w *world, reader metric.Reader, name string) (values []string) {
	w.t.Helper()
	for _, line := range metricsOf(w, reader) {
		if rest, is := strings.CutPrefix(line, "battlereport.consumer."+name+"{"); is {
			values = append(values, "{"+rest)
		}
	}
	return values
}
