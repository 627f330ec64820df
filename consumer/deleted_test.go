package consumer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// deletedOf is how many records a member counts as deleted.
func deletedOf(w *world, reader metric.Reader) int {
	w.t.Helper()
	lines := metricOf(w, reader, "deleted")
	if len(lines) != 1 {
		w.t.Fatalf("metrics %v", lines)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(lines[0], "{0,topic} "))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

const (
	saysDeleted  = "level=ERROR msg=\"records were deleted by retention before they were taken\""
	saysSomebody = "level=WARN msg=\"the committed offset, beside which there is no note of this program, is before the log's first record"
)

// 25 records, of which 10 to 14 were not settled when the first member ended; then some are deleted.
func TestRecordsThatRetentionDeletedBeforeTheyWereTakenAreCounted(t *testing.T) {
	for rule, test := range map[string]struct {
		meanwhile func(w *world)
		want      int
		said      string
		taken     string
	}{
		"none, if none was": {
			func(*world) {}, 0, "", "10 11 12 13 14 25 26",
		},
		"none that was settled": {
			func(w *world) { w.deleteRecords(0, 10) }, 0, "", "10 11 12 13 14 25 26",
		},
		"those that were not": {
			func(w *world) { w.deleteRecords(0, 13) }, 3, saysDeleted, "13 14 25 26",
		},
		"not those that were settled out of turn": {
			func(w *world) { w.deleteRecords(0, 20) }, 5, saysDeleted, "25 26",
		},
		"and those that nobody has read": {
			func(w *world) { w.deleteRecords(0, 26) }, 6, saysDeleted, "26",
		},
		"up to the end": {
			func(w *world) { w.deleteRecords(0, 27) }, 7, saysDeleted, "",
		},
		"none, where somebody has moved the offset": {
			func(w *world) { w.commit(0, 2, nil); w.deleteRecords(0, 26) }, 0, saysSomebody, "26",
		},
		"with the metadata that was there likewise": {
			func(w *world) { w.commit(0, 2, w.fetchCommit(0).Metadata); w.deleteRecords(0, 26) }, 0, saysSomebody, "26",
		},
		"none, in a topic made anew": {
			func(w *world) {
				old := w.fetchCommit(0)
				w.recreate(1)
				w.publish(0, batch("", 27)...)
				w.deleteRecords(0, 26)
				w.commit(0, old.Offset, old.Metadata)
			}, 0, "", "26",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			planned(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				first := w.join(func(_ *consumer.Config, m *member) {
					m.held = func(r consumer.Record) bool { return r.Offset >= 10 && r.Offset < 15 }
				})
				w.untilTaken(first, 25)
				first.stop()
				w.publish(0, "25", "26")
				test.meanwhile(w)

				reader := metric.NewManualReader()
				second := w.join(measured(reader))
				w.untilCommitted(map[int32]int64{0: 27})
				if got := strings.Join(second.values(), " "); got != test.taken {
					w.t.Errorf("taken %s", got)
				}
				if n := deletedOf(w, reader); n != test.want {
					w.t.Errorf("%d are counted", n)
				}
				for _, said := range []string{saysDeleted, saysSomebody} {
					if n := w.log.count(said); (n == 1) != (said == test.said) || n > 1 {
						w.t.Errorf("said %d times: %s", n, said)
					}
				}
				second.stop()

				again := metric.NewManualReader()
				third := w.join(measured(again))
				w.publish(0, "27")
				w.untilTaken(third, 1)
				if n := deletedOf(w, again); n != 0 {
					w.t.Errorf("after a restart %d are counted again", n)
				}
			})
		})
	}
}

// One record is in hand meanwhile, so that the commit stays where it was.
func TestRecordsDeletedByRetentionAreCountedOnceThoughTheCommitStays(t *testing.T) {
	virtual(t, 1, func(w *world) {
		opts := func(reader metric.Reader) []func(*consumer.Config, *member) {
			return []func(*consumer.Config, *member){measured(reader), func(cfg *consumer.Config, m *member) {
				cfg.FetchBytes = 16 << 10
				m.held = func(r consumer.Record) bool { return r.Offset == 0 }
			}}
		}
		big := strings.Repeat("v", 10<<10)
		w.publish(0, "held")
		reader := metric.NewManualReader()
		first := w.join(opts(reader)...)
		w.untilTaken(first, 1)
		refusal := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: -1})
		for range 9 {
			w.publish(0, big)
		}
		w.deleteRecords(0, 8)
		refusal.Remove()
		w.untilTaken(first, 3)
		if n := deletedOf(w, reader); n != 7 {
			w.t.Errorf("%d are counted", n)
		}
		w.until("committed", func() bool { return w.Committed(w.t, w.group, w.topic)[0] == 0 })
		first.stop()

		again := metric.NewManualReader()
		second := w.join(opts(again)...)
		w.publish(0, "last")
		w.until("the last is taken", func() bool { return len(second.of("last")) == 1 })
		if n := deletedOf(w, again); n != 1 { // the one that was in hand, and is gone too
			w.t.Errorf("after a restart %d are counted", n)
		}
	})
}

func TestWhatCompactionTookOutIsNotCountedAsDeleted(t *testing.T) {
	virtual(t, 1, func(w *world) {
		fake := w.RequireKfake(w.t)
		w.topic += "-compacted"
		if err := w.CreateTopic(w.t.Context(), w.topic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
			w.t.Fatal(err)
		}
		write := func(n int) {
			for i := range n {
				w.Produce(w.t, kafkatest.Record{Topic: w.topic, Key: fmt.Append(nil, "key", i%3), Value: fmt.Append(nil, i)})
			}
		}
		// It stays: the fake has a log begin at the first that is left, which compaction does not.
		w.Produce(w.t, kafkatest.Record{Topic: w.topic, Key: []byte("another"), Value: []byte("first")})
		write(10)
		first := w.join()
		w.untilCommitted(map[int32]int64{0: 11})
		first.stop()
		write(50)
		fake.Compact()
		reader := metric.NewManualReader()
		second := w.join(measured(reader))
		w.untilCommitted(map[int32]int64{0: 61})
		if n := len(second.records()); n >= 50 {
			w.t.Fatal("nothing was compacted")
		}
		if n := deletedOf(w, reader); n != 0 {
			w.t.Errorf("%d are counted", n)
		}
		if l, _ := second.behind(0); l.Lag != 0 {
			w.t.Errorf("lag %+v", l)
		}
	})
}
