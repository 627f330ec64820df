package consumer_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// known is how long the end of a log may be unknown.
const known = 10 * time.Second

// behind is how far a partition is behind, by a member that holds it.
func (m *member) behind(partition int) (l consumer.PartitionLag, held bool) {
	for _, l := range m.Lag() {
		if l.Partition == partition {
			return l, true
		}
	}
	return l, false
}

// expectLag expects it of a partition.
func expectLag(m *member, partition int, committed, end, lag int64) {
	m.w.t.Helper()
	l, held := m.behind(partition)
	if !held || l.Committed != committed || l.End != end || l.Lag != lag {
		m.w.t.Errorf("partition %d: held: %v, %+v; want committed %d, end %d, lag %d", partition, held, l, committed, end, lag)
	}
}

// stuck has a member take nothing more, of any partition, than the first records it gets; goOn lets it.
func stuck() (opt func(*consumer.Config, *member), goOn func()) {
	taken := make(chan struct{})
	return func(_ *consumer.Config, m *member) {
		m.held = func(consumer.Record) bool { <-taken; return false }
	}, sync.OnceFunc(func() { close(taken) })
}

func TestTheLagIsRightWhileNothingIsTaken(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("", 10)...)
		full, goOn := stuck()
		m := w.join(full)
		defer goOn()
		w.untilTaken(m, 10)
		for n := int64(1); n <= 10; n++ {
			w.publish(0, batch("more", 100)...)
			time.Sleep(known)
			expectLag(m, 0, 0, 10+100*n, 10+100*n)
		}
	})
}

func TestTheLagIsRightWhileAPartitionPauses(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.joinPaused()
		for n := range int64(3) {
			time.Sleep(known)
			expectLag(m, 0, 1, tooMany+n, tooMany+n-1)
			w.publish(0, "more")
		}
	})
}

func TestTheLagIsRightWhileAMemberDrains(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(holdAll, func(_ *consumer.Config, m *member) {
			m.drain = func() {
				w.publish(0, batch("more", 100)...)
				time.Sleep(known)
				expectLag(m, 0, 0, 110, 110)
			}
		})
		w.publish(0, batch("", 10)...)
		w.untilTaken(m, 10)
		m.stop()
	})
}

func TestAPartitionOfWhichNoEndIsToldLeavesThoseOfTheOthers(t *testing.T) {
	virtual(t, 6, func(w *world) {
		full, goOn := stuck()
		m := w.join(full)
		defer goOn()
		for p := range int32(6) {
			if err := w.RequireKfake(w.t).MoveTopicPartition(w.topic, p, p%2); err != nil {
				w.t.Fatal(err)
			}
			w.publish(p, "first")
		}
		w.untilTaken(m, 6)
		w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: w.topic, Partitions: []int32{0, 3}, Err: kerr.OffsetNotAvailable, Count: -1})
		for p := range int32(6) {
			w.publish(p, "more")
		}
		time.Sleep(known)
		for p := range 6 {
			end := int64(2)
			if p == 0 || p == 3 {
				end = 1
			}
			expectLag(m, p, 0, end, end)
		}
		if n := w.log.count("where logs end cannot be found out"); n != 1 {
			w.t.Errorf("said %d times", n)
		}
	})
}

// What is handed on last was fetched first.
func TestALogsEndIsNotThatOfWhenItsRecordsWereFetched(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("", 600)...)
		let := make(chan struct{}, 600)
		m := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(consumer.Record) bool { <-let; return false }
		})
		defer close(let)
		w.until("some are taken", func() bool { return len(m.records()) > 0 })
		some := len(m.records())
		if some >= 300 {
			w.t.Fatalf("%d are handed on at once", some)
		}
		w.publish(0, batch("more", 100)...)
		time.Sleep(known)
		for range some {
			let <- struct{}{}
		}
		w.untilTaken(m, some+1)
		if l, _ := m.behind(0); l.End != 700 {
			w.t.Errorf("%+v, want an end of 700", l)
		}
	})
}

// While fetches tell where the logs end, nobody is asked; then each broker, for all of its partitions at once.
func TestABrokerIsAskedAtOnceForAllItsPartitions(t *testing.T) {
	const partitions = 60
	virtual(t, partitions, func(w *world) {
		asked := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Count: -1, Observe: true})
		full, goOn := stuck()
		m := w.join(full)
		defer goOn()
		w.until("all begin", func() bool { return len(w.Committed(w.t, w.group, w.topic)) == partitions })
		begun := asked.Hits()
		time.Sleep(time.Minute)
		if n := asked.Hits() - begun; n > 0 {
			w.t.Errorf("%d times, while all are fetched", n)
		}
		for p := range int32(partitions) {
			w.publish(p, "first", "second")
		}
		w.untilTaken(m, partitions)
		time.Sleep(time.Minute)
		if n := asked.Hits() - begun; n < 3*6 || n > 3*10 {
			w.t.Errorf("%d times in a minute, of three brokers", n)
		}
		for p := range partitions {
			expectLag(m, p, 0, 2, 2)
		}
	})
}

// Ten records are there before the group is, and five come then.
func TestTheLagIsRightFromTheStart(t *testing.T) {
	for rule, test := range map[string]struct {
		start          consumer.Start
		deleted        int64 // of the ten
		committed, lag int64
	}{
		"of a group that begins at the first":                     {consumer.Earliest, 0, 0, 15},
		"of one that begins at the first that is left":            {consumer.Earliest, 4, 4, 11},
		"of one that begins at the end":                           {consumer.Latest, 0, 10, 5},
		"of one that begins at the end, of a log that is shorter": {consumer.Latest, 4, 10, 5},
	} {
		t.Run(rule, func(t *testing.T) {
			planned(t, 1, func(w *world) {
				w.publish(0, batch("", 10)...)
				w.deleteRecords(0, test.deleted)
				m := w.join(holdAll, func(cfg *consumer.Config, _ *member) { cfg.Start = test.start })
				w.until("begun", w.pinned(1))
				w.publish(0, batch("more", 5)...)
				w.untilTaken(m, int(test.lag))
				w.until("it has heard of that", func() bool { l, held := m.behind(0); return held && l.End == 15 && l.Committed >= 0 })
				expectLag(m, 0, test.committed, 15, test.lag)
			})
		})
	}
}

// What has settled would be taken again.
func TestTheLagOfAGroupThatCannotCommitIsOfAllThereIs(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("", 10)...)
		w.deleteRecords(0, 4)
		refusal := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		m := w.join()
		w.untilTaken(m, 6)
		time.Sleep(known)
		expectLag(m, 0, -1, 10, 6)
		refusal.Remove()
		time.Sleep(known)
		expectLag(m, 0, 10, 10, 0)
	})
}

func TestThereAreFiguresOfThePartitionsHeldAlone(t *testing.T) {
	virtual(t, 2, func(w *world) {
		both := metric.NewManualReader()
		first := w.join(measured(both), holdAll)
		w.until("it has both", func() bool { return len(first.partitions()) == 2 })
		w.publish(0, "a")
		w.publish(1, "b", "c")
		w.untilTaken(first, 3)
		expectGauges := func(reader metric.Reader, lag, pending string) {
			w.t.Helper()
			if got := strings.Join(metricOf(w, reader, "lag"), " "); got != lag {
				w.t.Errorf("lag %s, want %s", got, lag)
			}
			if got := strings.Join(metricOf(w, reader, "pending"), " "); got != pending {
				w.t.Errorf("pending %s, want %s", got, pending)
			}
			if n, want := len(metricOf(w, reader, "age")), strings.Count(lag, "{"); n != want {
				w.t.Errorf("%d ages, want %d", n, want)
			}
		}
		expectGauges(both, "{0,topic} 1 {1,topic} 2", "{0,topic} 1 {1,topic} 2")
		one := metric.NewManualReader()
		second := w.join(measured(one), holdAll)
		w.until("each has one", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
		time.Sleep(known)
		if first.partitions()[0] == 1 {
			both, one = one, both
		}
		expectGauges(both, "{0,topic} 1", "{0,topic} 1")
		expectGauges(one, "{1,topic} 2", "{1,topic} 2")
		first.stop()
		second.stop()
		expectGauges(both, "", "")
		expectGauges(one, "", "")
	})
}

// expectLagAlways looks at it for some time.
func expectLagAlways(m *member, partition int, d time.Duration, is func(consumer.PartitionLag) bool) {
	m.w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		m.w.rest()
		if l, held := m.behind(partition); held && !is(l) {
			m.w.t.Fatalf("lag %+v", l)
		}
	}
}

func TestTheLagOfATopicMadeAnewIsThatOfTheNewOne(t *testing.T) {
	for rule, records := range map[string]int64{"that is shorter": 5, "that is longer": 500} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				full, goOn := stuck()
				m := w.join(full)
				defer goOn()
				w.publish(0, batch("old", 20)...)
				w.untilTaken(m, 20)
				w.recreate(1)
				w.publish(0, batch("new", int(records))...)
				// There is more to do than has been done, whichever of them is asked about.
				expectLagAlways(m, 0, time.Minute, func(l consumer.PartitionLag) bool { return l.Lag >= 20 })
				goOn()
				w.untilCommitted(map[int32]int64{0: records})
				time.Sleep(known)
				expectLag(m, 0, records, records, 0)
			})
		})
	}
}

// What was committed of the old topic, with the new one's records held.
func TestWhatIsCommittedOfATopicMadeAnewIsNotCountedFrom(t *testing.T) {
	virtual(t, 1, func(w *world) {
		fake := w.RequireKfake(w.t)
		first := w.join()
		w.publish(0, batch("old", 10)...)
		w.untilCommitted(map[int32]int64{0: 10})
		first.stop()
		old := w.fetchCommit(0)
		if err := errors.Join(fake.DeleteTopic(w.topic), fake.CreateTopic(w.topic, 1, nil)); err != nil {
			w.t.Fatal(err)
		}
		w.publish(0, batch("new", 25)...)
		w.commit(0, old.Offset, old.Metadata)
		fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		second := w.join()
		w.untilTaken(second, 25)
		time.Sleep(known)
		expectLag(second, 0, 10, 25, 25)
	})
}

func TestTheLagOfALogThatHasLostRecordsIsOfWhatIsLeft(t *testing.T) {
	for how, truncate := range truncated {
		t.Run(how, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := w.join()
				w.publish(0, batch("", 10)...)
				w.untilCommitted(map[int32]int64{0: 10})
				refusal := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
				m.held = func(consumer.Record) bool { return true }
				truncate(w, 7)
				w.untilTaken(m, 13)
				time.Sleep(known)
				expectLag(m, 0, 10, 10, 3) // of the new ones, at 7 to 9, none is settled
				settled := m.records()
				for _, r := range settled[10:] {
					r.Settle()
				}
				refusal.Remove()
				time.Sleep(known)
				expectLag(m, 0, 10, 10, 0)
			})
		})
	}
}

func TestTheAgeIsThatOfTheRecord(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 1 }
		})
		w.until("serving", m.serving)
		written := time.Now().Truncate(time.Millisecond).Add(-time.Hour)
		for _, ago := range []time.Duration{0, -time.Minute, 30 * time.Minute} {
			w.Produce(w.t, kafkatest.Record{Topic: w.topic, Value: []byte("v"), Timestamp: written.Add(ago)})
		}
		w.untilTaken(m, 3)
		time.Sleep(10 * time.Minute)
		if l, _ := m.behind(0); l.Pending != 1 || l.Age != time.Since(written.Add(-time.Minute)) {
			w.t.Errorf("%+v, want an age of %v", l, time.Since(written.Add(-time.Minute)))
		}
		i := slices.IndexFunc(m.records(), func(r consumer.Record) bool { return r.Offset == 1 })
		m.records()[i].Settle()
		if l, _ := m.behind(0); l.Pending != 0 || l.Age != 0 {
			w.t.Errorf("%+v, want no age", l)
		}
	})
}
