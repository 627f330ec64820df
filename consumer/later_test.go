package consumer_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
)

func TestWhatIsDeferredIsTakenLaterAndOthersPass(t *testing.T) {
	planned(t, 1, func(w *world) {
		s := bar("AB")
		m := w.join(s.defers)
		w.publish(0, interleaved(1000, "A", "B", "C", "-")...)
		w.until("the others are taken", func() bool { return len(m.of("C"))+len(m.of("-")) == 2000 })
		w.until("all others are deferred", func() bool { return m.deferred() == 2000 })
		w.untilCommitted(map[int32]int64{0: 0})
		s.open("B")
		w.until("one strand has caught up", func() bool { return len(m.of("A")) == 1000 })
		w.untilCommitted(map[int32]int64{0: 1})
		w.publish(0, interleaved(1, "A1000 ")...)
		w.until("it is taken as any other", func() bool { return len(m.of("A")) == 1001 })
		s.open("")
		w.untilCommitted(map[int32]int64{0: 4001})
		for _, strand := range []string{"B", "C", "-"} {
			expectAll(w, strand, 1000, m)
		}
		if n := s.beyond.Load(); n > 0 {
			w.t.Errorf("%d pieces were larger than the room for them", n)
		}
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
	})
}

// What is deferred is noted with the commit: whoever comes next takes that, and nothing else again.
func TestWhatIsDeferredIsHandedOn(t *testing.T) {
	for rule, hand := range map[string]func(w *world, s *strands, first *member) []*member{
		"by a restart": func(w *world, s *strands, first *member) []*member {
			first.stop()
			return []*member{first, w.join(s.defers)}
		},
		"by many restarts": func(w *world, s *strands, first *member) (all []*member) {
			for m := first; ; m = w.join(s.defers) {
				if all = append(all, m); len(all) == 6 {
					return all
				}
				time.Sleep(time.Duration(len(all)) * 300 * time.Millisecond)
				m.stop()
			}
		},
		"in a rebalance": func(w *world, s *strands, first *member) []*member {
			second := w.join(s.defers)
			w.until("both hold some", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
			first.stop()
			return []*member{first, second}
		},
		"to the same member": func(w *world, s *strands, first *member) []*member {
			second := w.join(s.defers)
			w.until("both hold some", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
			second.stop()
			return []*member{first, second}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				s := bar("A")
				first := w.join(s.defers)
				for p := range int32(2) {
					w.publish(p, interleaved(500, "A", "-")...)
				}
				w.until("the others are taken", func() bool { return len(first.of("-")) == 1000 })
				all := hand(w, s, first)
				w.publish(0, interleaved(10, "A+", "+")...)
				w.until("they go on", func() bool { return all[len(all)-1].deferred() >= 500 || first.deferred() >= 500 })
				s.open("")
				w.untilCommitted(map[int32]int64{0: 1020, 1: 1000})
				if r := w.repeats(); len(r) > 0 {
					w.t.Errorf("taken twice: %v", r)
				}
				n := 0
				for _, m := range all {
					n += len(m.records())
				}
				if n != 2020 {
					w.t.Errorf("%d taken", n)
				}
			})
		})
	}
}

// Records that are larger than what all cursors of the member may have in memory are
// deferred, and taken again, like others, by one member after the other.
func TestLargeRecordsAreDeferredAndTakenAgainLikeOthers(t *testing.T) {
	virtual(t, 3, func(w *world) {
		s := bar("AB")
		little := func(cfg *consumer.Config, _ *member) { cfg.FetchTotal = 64 << 10 }
		m := w.join(s.defers, little)
		values := interleaved(20, "A", "-", "B")
		for i := range values {
			values[i] += strings.Repeat(".", 10_000+3_000*(i%10))
		}
		for p := range int32(3) {
			w.publish(p, values...)
		}
		w.until("the others are taken", func() bool { return len(m.of("-")) == 60 && m.deferred() == 120 })
		m.stop()
		m2 := w.join(s.defers, little)
		s.open("B")
		w.until("one strand is taken", func() bool { return len(m2.of("A")) == 60 })
		s.open("")
		w.untilCommitted(map[int32]int64{0: 60, 1: 60, 2: 60})
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
		for _, letter := range []string{"A", "B"} {
			got := map[int][]int64{}
			for _, r := range m2.records() {
				if r.Value[0] == letter[0] {
					got[r.Partition.ID] = append(got[r.Partition.ID], r.Offset)
				}
			}
			for p, offsets := range got {
				if !slices.IsSorted(offsets) || len(offsets) != 20 {
					w.t.Errorf("partition %d, %s: taken %v", p, letter, offsets)
				}
			}
		}
		m2.stop()
	})
}

// What follows a strand's last deferred record is not taken before that is.
func TestWhoHasJustCaughtUpIsNotOvertaken(t *testing.T) {
	virtual(t, 1, func(w *world) {
		s, goesOn := bar("A"), make(chan struct{})
		s.handing = func() { <-goesOn }
		m := w.join(s.defers)
		goOn := sync.OnceFunc(func() { close(goesOn) })
		w.t.Cleanup(goOn)
		w.publish(0, "A0", "-", "A1", "-")
		w.until("the others are taken", func() bool { return len(m.of("-")) == 2 && m.deferred() == 2 })
		s.open("")
		w.until("it has caught up", func() bool { return m.deferred() == 0 })
		w.publish(0, "A2", "-")
		time.Sleep(time.Minute)
		if got := m.of("A"); len(got) > 0 {
			w.t.Errorf("taken %v, and what was before is still on its way", got)
		}
		goOn()
		w.untilCommitted(map[int32]int64{0: 6})
		expectAll(w, "A", 3, m)
	})
}

// Retention deletes what is deferred: the rest is taken, and what is gone is counted, once.
func TestWhatIsDeferredAndDeletedIsCounted(t *testing.T) {
	virtual(t, 1, func(w *world) {
		reader := metric.NewManualReader()
		s := bar("A")
		m := w.join(s.defers, func(cfg *consumer.Config, _ *member) {
			cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
		})
		w.publish(0, interleaved(100, "A", "-")...)
		w.until("the others are taken", func() bool { return len(m.of("-")) == 100 && m.deferred() == 100 })
		w.deleteRecords(0, 60)
		s.open("")
		w.untilCommitted(map[int32]int64{0: 200})
		if got, want := m.of("A"), batch("A", 100)[30:]; !slices.Equal(got, want) {
			w.t.Errorf("taken %v, want %v", got, want)
		}
		if got := metricsOf(w, reader); !slices.Contains(got, "battlereport.consumer.deleted{0,topic} 30") {
			w.t.Errorf("metrics %v", got)
		}
		if n := w.log.count("records that were left for later are gone"); n != 1 {
			w.t.Errorf("said %d times", n)
		}
	})
}

func TestOfATopicMadeAnewNothingIsDeferredStill(t *testing.T) {
	virtual(t, 1, func(w *world) {
		s := bar("A")
		m := w.join(s.defers)
		w.publish(0, interleaved(100, "A", "-")...)
		w.until("the others are taken", func() bool { return len(m.of("-")) == 100 })
		w.recreate(1)
		w.publish(0, interleaved(50, "Anew", "new")...)
		w.until("the others are taken", func() bool { return len(m.of("new")) == 50 })
		s.open("")
		w.untilCommitted(map[int32]int64{0: 100})
		expectAll(w, "Anew", 50, m)
		expectAll(w, "new", 50, m)
		if got := len(m.of("A")); got != 50 {
			w.t.Errorf("%d of A were taken", got)
		}
	})
}

// A log that has lost its last records is taken again from there, deferred strands as well, of which nothing more is taken
// before.
func TestALogThatDiffersIsTakenAgainWhateverIsDeferred(t *testing.T) {
	virtual(t, 1, func(w *world) {
		s := bar("A")
		var settles atomic.Bool
		m := w.join(s.defers, func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return !settles.Load() && r.Offset == 191 || r.Offset == 8 }
		})
		w.publish(0, interleaved(100, "A", "-")...)
		w.until("the others are taken", func() bool { return len(m.of("-")) == 100 })
		truncated["by the leader epoch"](w, 150)
		w.until("it has to go back", func() bool { return w.log.count("going back to offset 150 once") == 1 })
		s.open("")
		time.Sleep(time.Minute)
		if got := m.of("A"); len(got) > 0 {
			w.t.Errorf("taken %v of the old log", got)
		}
		settles.Store(true)
		m.records()[95].Settle() // 191
		w.until("it has gone back", func() bool { return len(m.of("-")) == 125 && len(m.of("A")) == 100 })
		for _, r := range m.records() {
			if r.Offset == 8 {
				r.Settle()
			}
		}
		w.untilCommitted(map[int32]int64{0: 200})
		expectAll(w, "A", 100, m)
	})
}

// The second cursor stays behind the first, which may have stopped for any reason.
func TestWhatIsDeferredIsNotTakenBeyondWhatOthersAre(t *testing.T) {
	virtual(t, 1, func(w *world) {
		reader := metric.NewManualReader()
		s := bar("A")
		goesOn := make(chan struct{})
		m := w.join(s.defers, func(cfg *consumer.Config, m *member) {
			cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
			m.held = func(r consumer.Record) bool {
				if string(r.Value) == "-100" {
					<-goesOn
				}
				return false
			}
		})
		w.publish(0, interleaved(1000, "A", "-")...)
		w.until("the first cursor stops", func() bool { return len(m.of("-")) >= 100 })
		s.open("")
		time.Sleep(time.Minute)
		if n := len(m.of("A")); n == 0 || n > 200 {
			w.t.Errorf("%d were taken meanwhile", n)
		}
		close(goesOn)
		w.untilCommitted(map[int32]int64{0: 2000})
		expectAll(w, "A", 1000, m)
		expectAll(w, "-", 1000, m)
		if got := metricsOf(w, reader); !slices.Contains(got, "battlereport.consumer.deleted{0,topic} 0") {
			w.t.Errorf("metrics %v", got)
		}
	})
}

// Where what is deferred cannot be noted, or the note is not read, records are taken again: none is lost.
func TestWhatIsDeferredIsTakenAgainRatherThanLost(t *testing.T) {
	for rule, test := range map[string]struct {
		before func(w *world)
		join   func(*consumer.Config, *member)
	}{
		"by a member that knows of no strands": {join: func(*consumer.Config, *member) {}},
		"where the broker takes notes no more": {before: func(w *world) {
			w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: 5})
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				s := bar("AB")
				first := w.join(s.defers)
				w.publish(0, interleaved(300, "A", "-")...)
				w.until("the others are taken", func() bool { return len(first.of("-")) == 300 })
				if test.before != nil {
					test.before(w)
					w.publish(0, interleaved(100, "A+", "+")...)
					time.Sleep(time.Minute)
					w.publish(0, interleaved(200, "A+ ", "B")...)
					time.Sleep(time.Minute)
					if n := s.refused.Load(); n != 200 {
						w.t.Errorf("of a strand that cannot be noted %d are refused", n)
					}
				}
				first.stop()
				s.open("")
				join := test.join
				if join == nil {
					join = s.defers
				}
				second := w.join(join)
				end := int64(600)
				if test.before != nil {
					end = 1200
				}
				w.untilCommitted(map[int32]int64{0: end})
				seen := map[string]bool{}
				for _, v := range append(first.values(), second.values()...) {
					seen[v] = true
				}
				if int64(len(seen)) != end {
					w.t.Errorf("%d of %d taken", len(seen), end)
				}
			})
		})
	}
}

// There is not room in a note for any number of strands: those for which there is none are taken as they come.
func TestNoMoreStrandsAreDeferredThanCanBeNoted(t *testing.T) {
	virtual(t, 1, func(w *world) {
		letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
		s := bar(letters)
		first := w.join(s.defers)
		w.publish(0, interleaved(100, strings.Split(letters+"-", "")...)...)
		w.until("the others are taken", func() bool { return len(first.of("-")) == 100 })
		if n := int(s.refused.Load()); n == 0 || n > 100*len(letters)/3 {
			w.t.Errorf("%d refused", n)
		}
		first.stop()
		if text := *w.fetchCommit(0).Metadata; !strings.HasPrefix(text, "battlereport/3:") || len(text) > 4096 {
			w.t.Errorf("%d characters are noted: %.20s", len(text), text)
		}
		second := w.join(s.defers)
		time.Sleep(time.Minute)
		s.open("")
		w.untilCommitted(map[int32]int64{0: 3200})
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
		if n := len(first.records()) + len(second.records()); n != 3200 {
			w.t.Errorf("%d taken", n)
		}
	})
}

// A partition's age is that of its oldest record, be it deferred: also in the eyes of whoever comes next.
func TestTheAgeIsThatOfTheOldestDeferred(t *testing.T) {
	virtual(t, 1, func(w *world) {
		s := bar("A")
		first := w.join(s.defers)
		written := time.Now()
		w.publish(0, interleaved(10, "A", "-")...)
		w.until("deferred", func() bool { return first.deferred() == 10 })
		expect := func(m *member, deferred int64) {
			w.t.Helper()
			got := m.Lag()[0]
			if age := time.Since(written); got.Age < age-20*time.Millisecond || got.Age > age || got.Deferred != deferred || got.Lag != 20 || got.Pending != 0 {
				w.t.Errorf("after %s: %+v", age, got)
			}
		}
		time.Sleep(10 * time.Minute)
		expect(first, 10)
		first.stop()
		second := w.join(s.defers)
		w.until("it knows", func() bool { return second.serving() && len(second.Lag()) == 1 && second.Lag()[0].End == 20 })
		expect(second, 10)
		s.open("")
		w.untilCommitted(map[int32]int64{0: 20})
		if got := second.Lag()[0]; got.Age != 0 || got.Deferred != 0 || got.Lag != 0 {
			w.t.Errorf("in the end: %+v", got)
		}
	})
}
