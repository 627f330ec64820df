package consumer_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// planned runs a test of planned changes on the broker of the environment, and in virtual time.
func planned(t *testing.T, partitions int32, test func(w *world)) {
	t.Run("loopback", func(t *testing.T) { test(loopback(t, partitions)) })
	t.Run("virtual", func(t *testing.T) { virtual(t, partitions, test) })
}

func TestAMemberAloneHoldsAllPartitions(t *testing.T) {
	planned(t, 4, func(w *world) {
		m := w.join()
		w.until("all four held", func() bool { return slices.Equal(m.partitions(), []int{0, 1, 2, 3}) })
	})
}

func TestPartitionsAreHandedOverAfterTheirRecordsAreSettledAndCommitted(t *testing.T) {
	planned(t, 4, func(w *world) {
		publish := func(values ...string) {
			for p := range int32(4) {
				w.publish(p, values...)
			}
		}
		publish("a", "b")
		drains, settle := make(chan struct{}), make(chan struct{})
		first := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return string(r.Value) < "c" }
			m.drain = sync.OnceFunc(func() {
				close(drains)
				<-settle
				m.settleAll()
			})
		})
		w.untilTaken(first, 8)
		second := w.join()
		<-drains
		publish("c")
		time.Sleep(500 * time.Millisecond)
		if n, m := len(first.records()), len(second.records()); n != 8 || m != 0 {
			w.t.Errorf("while the first drains, it has taken %d records, the second %d", n, m)
		}
		close(settle)
		w.until("both hold two", func() bool { return len(first.partitions()) == 2 && len(second.partitions()) == 2 })
		w.until("all taken", func() bool { return len(first.records())+len(second.records()) == 12 })
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
		// The second leaves: the first takes over.
		second.stop()
		w.until("the first holds four", func() bool { return len(first.partitions()) == 4 })
		publish("d")
		w.until("all taken", func() bool { return len(first.records())+len(second.records()) == 16 })
		w.untilCommitted(map[int32]int64{0: 4, 1: 4, 2: 4, 3: 4})
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
	})
}

func TestMembersComeAndGoUnderLoadAndNoRecordIsTakenTwice(t *testing.T) {
	virtual(t, 6, func(w *world) {
		var members []*member
		total := 0
		for round := range 12 {
			if round%3 == 2 {
				go members[round/3].stop() // while others join
			}
			members = append(members, w.join())
			for p := range int32(6) {
				w.publish(p, "a", "b", "c")
				total += 3
			}
			time.Sleep(time.Duration(round%4) * 700 * time.Millisecond)
		}
		taken := func() (n int) {
			for _, m := range members {
				n += len(m.records())
			}
			return n
		}
		w.until("all taken", func() bool { return taken() >= total })
		if r := w.repeats(); len(r) > 0 || taken() != total {
			w.t.Errorf("of %d records %d were taken, twice: %v", total, taken(), r)
		}
	})
}

func TestADrainOfNearlyDrainTimeoutSurvives(t *testing.T) {
	for _, timeout := range []time.Duration{5 * time.Second, 20 * time.Second, 4 * time.Minute} {
		t.Run(timeout.String(), func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				with := func(cfg *consumer.Config, _ *member) {
					cfg.DrainTimeout = timeout
					cfg.HeartbeatInterval = 3 * time.Second
				}
				w.publish(0, "a")
				w.publish(1, "b")
				first := w.join(holdAll, with, func(_ *consumer.Config, m *member) {
					m.drain = func() {
						time.Sleep(timeout - time.Millisecond)
						m.settleAll()
					}
				})
				w.untilTaken(first, 2)
				second := w.join(with)
				w.until("both hold one", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
				w.untilCommitted(map[int32]int64{0: 1, 1: 1})
				if r := w.repeats(); len(r) > 0 {
					w.t.Errorf("taken twice: %v", r)
				}
				first.stop()
			})
		})
	}
}

func TestAMemberWithoutPartitionsSitsByAndTakesOver(t *testing.T) {
	planned(t, 1, func(w *world) {
		first := w.join()
		w.until("the first is in", first.Joined)
		second := w.join()
		w.until("both are in", func() bool {
			return second.serving() && first.serving() && len(first.partitions())+len(second.partitions()) == 1
		})
		holder, idle := first, second
		if len(second.partitions()) == 1 {
			holder, idle = second, first
		}
		begun := idle.began()
		time.Sleep(time.Second)
		if idle.began() != begun {
			w.t.Error("it did not sit still")
		}
		holder.stop()
		w.publish(0, "a")
		w.untilTaken(idle, 1)
	})
}

func TestAPartitionAddedIsNoticed(t *testing.T) {
	virtual(t, 2, func(w *world) {
		first, second := w.join(), w.join()
		w.until("both hold one", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
		begun := first.began()
		time.Sleep(10 * time.Minute)
		if first.began() != begun {
			w.t.Errorf("without a change there were %d generations", first.began()-begun)
		}
		w.addPartitions(4)
		w.publish(3, "new")
		added := time.Now()
		w.until("the new partition's record is taken", func() bool { return len(first.records())+len(second.records()) == 1 })
		if took := time.Since(added); took > time.Minute {
			w.t.Errorf("it took %v", took)
		}
		if n := first.began() - begun; n != 1 {
			w.t.Errorf("it took %d generations", n)
		}
	})
}

func TestATopicThatDoesNotExistIsWaitedForBesideTheOthers(t *testing.T) {
	planned(t, 1, func(w *world) {
		missing := kafkatest.Name(w.t)
		m := w.join(func(cfg *consumer.Config, _ *member) { cfg.Topics = append(cfg.Topics, missing) })
		w.publish(0, "a")
		w.untilTaken(m, 1)
	})
	virtual(t, 1, func(w *world) {
		missing := kafkatest.Name(w.t)
		both := func(cfg *consumer.Config, _ *member) { cfg.Topics = append(cfg.Topics, missing) }
		first, second := w.join(both), w.join(both)
		w.until("both are in", func() bool { return first.Joined() && second.Joined() && first.began() > 0 })
		time.Sleep(5 * time.Second)
		begun := first.began()
		time.Sleep(10 * time.Minute)
		w.publish(0, "a")
		w.until("taken", func() bool { return len(first.records())+len(second.records()) == 1 })
		if n := first.began() - begun; n != 0 {
			w.t.Errorf("while nothing changed there were %d generations", n)
		}
		if err := w.CreateTopic(w.t.Context(), missing, 2, nil); err != nil {
			w.t.Fatal(err)
		}
		w.Produce(w.t, kafkatest.Record{Topic: missing, Value: []byte("b")}, kafkatest.Record{Topic: missing, Partition: 1, Value: []byte("c")})
		created := time.Now()
		w.until("taken", func() bool { return len(first.records())+len(second.records()) == 3 })
		if took := time.Since(created); took > time.Minute {
			w.t.Errorf("the new topic was noticed after %v", took)
		}
	})
}

func TestAGroupWhoseTopicDoesNotExistSitsStill(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.topic += "-missing"
		m := w.join()
		time.Sleep(10 * time.Minute)
		if m.began() != 1 || !m.Joined() {
			w.t.Errorf("there were %d generations", m.began())
		}
	})
}

func TestANewGroupBeginsWhereItIsToldTo(t *testing.T) {
	for start, want := range map[consumer.Start]string{consumer.Earliest: "old1 old2 new", consumer.Latest: "new"} {
		t.Run(fmt.Sprint("start ", start), func(t *testing.T) {
			planned(t, 1, func(w *world) {
				w.publish(0, "old1", "old2")
				m := w.join(func(cfg *consumer.Config, m *member) {
					cfg.Start = start
					cfg.CommitInterval = time.Hour
				})
				if start == consumer.Latest {
					// Pinned at once: a crash now would not lose the record to come.
					w.untilCommitted(map[int32]int64{0: 2})
				}
				w.until("joined", m.Joined)
				w.publish(0, "new")
				w.until("the new record is taken", func() bool { return slices.Contains(m.values(), "new") })
				if got := strings.Join(m.values(), " "); got != want {
					w.t.Errorf("taken %s, want %s", got, want)
				}
			})
		})
	}
}
