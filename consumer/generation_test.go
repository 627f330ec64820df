package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

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

func TestSettledOffsetsAreCommittedByTime(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(holdAll, func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = 10 * time.Second })
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		time.Sleep(11 * time.Second)
		w.expectCommitted(0)
		m.records()[0].Settle()
		m.records()[2].Settle() // after a gap
		time.Sleep(5 * time.Second)
		w.expectCommitted(0)
		time.Sleep(6 * time.Second)
		w.expectCommitted(1)
	})
}

func TestSettledOffsetsAreCommittedByCount(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(holdAll, func(cfg *consumer.Config, _ *member) {
			cfg.CommitInterval = time.Hour
			cfg.CommitRecords = 3
		})
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		m.records()[0].Settle()
		m.records()[1].Settle()
		time.Sleep(time.Minute)
		w.expectCommitted(0)
		m.records()[2].Settle()
		time.Sleep(time.Second)
		w.expectCommitted(3)
	})
}

func TestSettledOffsetsAreCommittedAtTheEnd(t *testing.T) {
	planned(t, 1, func(w *world) {
		m := w.join(func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = time.Hour })
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		m.stop()
		w.expectCommitted(3)
	})
}

// expectCommitted checks the offset committed for partition 0, of which 0 may also be none.
func (w *world) expectCommitted(want int64) {
	w.t.Helper()
	if got := w.Committed(w.t, w.group, w.topic)[0]; got != want {
		w.t.Errorf("committed %d, want %d", got, want)
	}
}

func TestACommitThatFailsIsSaidAndTriedAgain(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.until("joined", m.Joined)
		time.Sleep(2 * time.Second)
		fault := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		w.publish(0, "a")
		w.untilTaken(m, 1)
		time.Sleep(5*time.Minute + 30*time.Second)
		w.expectCommitted(0)
		if n := w.log.count("offsets cannot be committed, trying again"); n != 6 {
			w.t.Errorf("said %d times in five minutes and a half", n)
		}
		fault.Remove()
		time.Sleep(2 * time.Second)
		w.expectCommitted(1)
		if n := w.log.count("offsets are committed again"); n != 1 {
			w.t.Errorf("the end was said %d times", n)
		}
		if m.began() != 1 {
			w.t.Errorf("there were %d generations", m.began())
		}
	})
}

func TestTheLastCommitIsTriedForSeconds(t *testing.T) {
	for rule, test := range map[string]struct {
		err       *kerr.Error
		count     int
		committed int64
		lost      int
	}{
		"a coordinator that is back soon gets it":                     {kerr.NotCoordinator, 8, 1, 0},
		"so does the one that comes after a crash":                    {kerr.NotCoordinator, 104, 1, 0}, // 13 s: four attempts a second, each asks twice
		"one that stays away is given up, and said":                   {kerr.NotCoordinator, -1, 0, 1},
		"a member that the group has put out gives up at once":        {kerr.UnknownMemberID, 2, 0, 1},
		"and so does one whose generation is not the group's anymore": {kerr.IllegalGeneration, 2, 0, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := w.join(func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = time.Hour })
				w.publish(0, "a")
				w.untilTaken(m, 1)
				w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: test.err, Count: test.count})
				begin := time.Now()
				m.stop()
				if took := time.Since(begin); took > 22*time.Second {
					w.t.Errorf("it took %v", took)
				}
				w.expectCommitted(test.committed)
				if n := w.log.count("level=ERROR msg=\"settled offsets could not be committed"); n != test.lost {
					w.t.Errorf("a loss was said %d times", n)
				}
			})
		})
	}
}

func TestAnOutageRepeatsNothingThatWasSettled(t *testing.T) {
	virtual(t, 2, func(w *world) {
		m := w.join(func(cfg *consumer.Config, m *member) {
			cfg.CommitInterval = time.Hour // nothing is committed when the broker goes
			m.held = func(r consumer.Record) bool { return string(r.Value) == "held" }
		})
		w.publish(0, "a", "b")
		w.publish(1, "c", "held", "d")
		w.untilTaken(m, 5)
		w.Sever()
		time.Sleep(10 * time.Minute)
		w.Restore()
		w.publish(0, "e")
		w.untilTaken(m, 7)
		if got := strings.Join(m.values(), " "); got != "a b e c held d held" {
			w.t.Errorf("taken %s", got)
		}
		w.untilCommitted(map[int32]int64{0: 2, 1: 1}) // by the new generation, when it began
		m.stop()
		w.untilCommitted(map[int32]int64{0: 3, 1: 1})
	})
}

func TestAMemberPutOutOfTheGroupDoesNotCommit(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a", "b")
		first := w.join(holdAll, func(_ *consumer.Config, m *member) {
			m.drain = func() {
				time.Sleep(90 * time.Second) // far longer than it may
				m.settleAll()
			}
		})
		w.untilTaken(first, 2)
		second := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 1 }
		})
		w.untilTaken(second, 2)
		w.untilCommitted(map[int32]int64{0: 1})
		w.until("the first has given up", func() bool { return w.log.count("settled offsets could not be committed") == 1 })
		w.untilCommitted(map[int32]int64{0: 1})
		// What it settled meanwhile does not count any more: the other has the say.
		second.stop()
		w.untilTaken(first, 3)
		if got := strings.Join(first.values(), " "); got != "a b b" {
			w.t.Errorf("the first has taken %s", got)
		}
	})
}

func TestWhatSettlesAfterTheEndHasNoEffectAndIsTakenAgain(t *testing.T) {
	planned(t, 1, func(w *world) {
		w.publish(0, "a", "b")
		first := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 1 }
		})
		w.untilTaken(first, 2)
		first.stop()
		first.records()[1].Settle()
		w.expectCommitted(1)
		if n := w.log.count("level=INFO msg=\"generation over, the records not settled are left to whoever comes next\""); n != 1 {
			w.t.Errorf("said %d times", n)
		}
		second := w.join()
		w.untilTaken(second, 1)
		w.untilCommitted(map[int32]int64{0: 2})
		if got := second.values(); !slices.Equal(got, []string{"b"}) {
			w.t.Errorf("taken %v", got)
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

func TestRunEndsWithItsContext(t *testing.T) {
	for rule, test := range map[string]struct {
		prepare func(w *world) *member
		within  time.Duration
	}{
		"while it serves": {func(w *world) *member {
			m := w.join()
			w.until("joined", m.Joined)
			return m
		}, time.Second},
		"before it has begun": {func(w *world) *member { return w.join() }, time.Second},
		"while no broker can be reached": {func(w *world) *member {
			w.Sever()
			m := w.join()
			time.Sleep(time.Minute)
			return m
		}, time.Second},
		"while the broker swallows everything": {func(w *world) *member {
			m := w.join(func(cfg *consumer.Config, _ *member) {
				cfg.Connection.Dial = func(context.Context, string, string) (net.Conn, error) {
					silent, _ := net.Pipe()
					return silent, nil
				}
			})
			time.Sleep(time.Minute)
			return m
		}, 21 * time.Second},
		"while a connection takes forever to open": {func(w *world) *member {
			m := w.join(func(cfg *consumer.Config, _ *member) {
				cfg.Connection.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
			})
			time.Sleep(time.Minute)
			return m
		}, 21 * time.Second},
		"while it waits for another to drain": {func(w *world) *member {
			drains := make(chan struct{})
			other := w.join(func(_ *consumer.Config, m *member) {
				m.drain = sync.OnceFunc(func() {
					close(drains)
					time.Sleep(19 * time.Second)
				})
			})
			w.until("the other has joined", other.Joined)
			m := w.join()
			<-drains
			return m
		}, 20 * time.Second},
		"while it waits for another that never ends to drain": {func(w *world) *member {
			drains := make(chan struct{})
			other := w.join(func(_ *consumer.Config, m *member) {
				m.drain = sync.OnceFunc(func() {
					close(drains)
					time.Sleep(time.Minute)
				})
			})
			w.until("the other has joined", other.Joined)
			m := w.join()
			<-drains
			return m
		}, 21 * time.Second},
		"while the committed offsets cannot be fetched": {func(w *world) *member {
			w.RequireKfake(w.t).Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: -1,
				When: func(r kmsg.Request) bool { return r.GetVersion() > 1 }, // kafka-go's group asks in version 1
			})
			m := w.join()
			w.until("it waits", func() bool { return w.log.count("waiting for the committed offsets") == 1 })
			if m.Joined() {
				w.t.Error("it counts as joined")
			}
			return m
		}, time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := test.prepare(w)
				begin := time.Now()
				m.stop()
				if took := time.Since(begin); took > test.within {
					w.t.Errorf("it took %v", took)
				}
				if m.Joined() || m.Lag() != nil {
					w.t.Error("it counts as joined still")
				}
			})
		})
	}
}

func TestRunSaysWhenTheBrokerDoesNotAllowItsSessionTimeout(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.GroupMinSessionTimeout(time.Minute))
	c, err := consumer.New(consumer.Config{
		Connection: consumer.Connection{Brokers: b.Addrs()}, Group: kafkatest.Name(t), Topics: []string{b.Topic(t, 1)},
		SessionTimeout: 7 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Run(t.Context(), nil); !errors.Is(err, kafka.InvalidSessionTimeout) || !strings.Contains(err.Error(), "session timeout 7s") {
		t.Errorf("got error %v", err)
	}
}

func TestBrokersThatWouldCreateEachTopicAskedForAreNotAsked(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.until("it is said", func() bool { return w.log.count("brokers of Kafka 2.0 or newer are needed") > 0 })
		if m.began() > 0 {
			w.t.Error("a generation has begun")
		}
	}, kfake.MaxVersions(kversion.V1_1_0()))
}
