package consumer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/battlereport/battlereport/consumer"
)

// paused expects how many partitions are said to stand still, for each reason.
func (w *world) paused(reader metric.Reader, when string, byError, byNote, unreadable string) {
	w.t.Helper()
	want := []string{"{error} " + byError, "{note} " + byNote, "{unreadable} " + unreadable}
	if got := metricOf(w, reader, "paused_partitions"); !slices.Equal(got, want) {
		w.t.Errorf("%s: %v stand still, want %v", when, got, want)
	}
}

func TestAPartitionThatStandsStillIsCountedForItsReasonUntilItGoesOn(t *testing.T) {
	t.Run("its note is full", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			reader := metric.NewManualReader()
			w.publish(0, batch("", tooMany)...)
			m := w.join(everyOther, measured(reader))
			w.until("the partition pauses", func() bool { return w.log.count(saysPauses) == 1 })
			w.paused(reader, "full", "0", "1", "0")
			settleHeld(m.records())
			w.until("the partition goes on", func() bool { return w.log.count(saysGoesOn) == 1 })
			w.paused(reader, "as records have settled", "0", "0", "0")
		})
	})
	t.Run("its note was full, and nothing comes any more", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			reader := metric.NewManualReader()
			w.publish(0, batch("", tooMany)...)
			m := w.join(everyOther, measured(reader))
			w.until("the partition pauses", func() bool { return w.log.count(saysPauses) == 1 })
			settled := 0
			for range 100 { // a little at a time, so that all is taken before half of the room is free
				taken := m.records()
				if len(taken) == tooMany {
					break
				}
				next := min(settled+500, len(taken))
				settleHeld(taken[settled:next])
				settled = next
				time.Sleep(time.Second)
			}
			if len(m.records()) != tooMany {
				w.t.Fatalf("%d were taken of %d", len(m.records()), tooMany)
			}
			w.paused(reader, "nearly full", "0", "1", "0")
			settleHeld(m.records()[settled:])
			w.paused(reader, "settled", "0", "0", "0")
		})
	})
	t.Run("a batch cannot be read", func(t *testing.T) {
		virtual(t, 2, func(w *world) {
			reader := metric.NewManualReader()
			w.publish(1, "a")
			w.ProduceUnreadable(w.t, w.topic, 0, 3)
			m := w.join(measured(reader))
			w.untilTaken(m, 1)
			time.Sleep(10 * time.Second)
			w.paused(reader, "unreadable", "0", "0", "1")
			w.deleteRecords(0, 3) // it is gone
			w.publish(0, "b")
			w.untilTaken(m, 2)
			w.paused(reader, "gone", "0", "0", "0")
		})
	})
	t.Run("its fetches fail, which is counted", func(t *testing.T) {
		virtual(t, 2, func(w *world) {
			reader := metric.NewManualReader()
			m := w.join(measured(reader))
			w.until("joined", m.Joined)
			heal := w.fault(kerr.KafkaStorageError)
			time.Sleep(10 * time.Second)
			w.paused(reader, "failing", "1", "0", "0")
			failed := metricOf(w, reader, "fetch.errors")
			if slices.Equal(failed, []string{"{topic} 0"}) {
				w.t.Error("no fetch failed")
			}
			heal()
			w.publish(0, "a")
			w.publish(1, "b")
			w.untilTaken(m, 2)
			w.paused(reader, "healed", "0", "0", "0")
			failed = metricOf(w, reader, "fetch.errors")
			time.Sleep(time.Minute)
			if now := metricOf(w, reader, "fetch.errors"); !slices.Equal(now, failed) {
				w.t.Errorf("%v fetches failed, %v had when it was over", now, failed)
			}
		})
	})
}

func TestPartitionsAreCountedWhileTheyAreHeldAndTheDrainIsMeasured(t *testing.T) {
	virtual(t, 4, func(w *world) {
		const drain = 700 * time.Millisecond
		slow := func(_ *consumer.Config, m *member) { m.drain = func() { time.Sleep(drain) } }
		readers := []*metric.ManualReader{metric.NewManualReader(), metric.NewManualReader()}
		held := func(n int) string { return metricOf(w, readers[n], "partitions")[0] }
		first := w.join(slow, measured(readers[0]))
		w.until("the first is in", first.Joined)
		if got := held(0); got != "{} 4" {
			w.t.Errorf("alone it holds %s", got)
		}
		second := w.join(measured(readers[1]))
		if got := held(1); got != "{} 0" {
			w.t.Errorf("while it joins the second holds %s", got)
		}
		w.until("both hold two", func() bool { return len(first.partitions()) == 2 && len(second.partitions()) == 2 })
		if a, b := held(0), held(1); a != "{} 2" || b != "{} 2" {
			w.t.Errorf("they hold %s and %s", a, b)
		}
		if n, sum := drains(w, readers[0]); n != 1 || sum < drain || sum > drain+time.Second {
			w.t.Errorf("%d drains took %s, one of %s was made", n, sum, drain)
		}
		if n, _ := drains(w, readers[1]); n != 0 {
			w.t.Errorf("%d drains of a member that has only come", n)
		}
	})
}

// drains is how many drains were measured, and how long they took.
func drains(w *world, reader metric.Reader) (n uint64, sum time.Duration) {
	w.t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(w.t.Context(), &all); err != nil {
		w.t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if h, is := m.Data.(metricdata.Histogram[float64]); is && m.Name == "battlereport.consumer.drain" {
				for _, p := range h.DataPoints {
					n, sum = n+p.Count, sum+time.Duration(p.Sum*float64(time.Second))
				}
			}
		}
	}
	return n, sum
}
