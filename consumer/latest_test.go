package consumer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func latest(cfg *consumer.Config, _ *member) { cfg.Start = consumer.Latest }

// pinned tells whether the group has an offset for each of the partitions.
func (w *world) pinned(partitions int) func() bool {
	return func() bool { return len(w.Committed(w.t, w.group, w.topic)) == partitions }
}

func TestOfAPartitionAddedNothingIsLostWhereAGroupStartsWithTheLatest(t *testing.T) {
	for rule, test := range map[string]struct {
		add  func(w *world, first *member) *member
		want int // records of the old partition that are still to be taken
	}{
		"added while a member runs": {func(w *world, first *member) *member {
			w.addPartitions(2)
			w.publish(1, batch("new", 20)...)
			return first
		}, 0},
		"added while all members are down": {func(w *world, first *member) *member {
			first.stop()
			w.addPartitions(2)
			w.publish(1, batch("new", 20)...)
			w.publish(0, batch("while down", 3)...)
			return w.join(latest)
		}, 3},
		"added, and taken by a member that joins": {func(w *world, first *member) *member {
			w.addPartitions(2)
			w.publish(1, batch("new", 20)...)
			first.stop()
			return w.join(latest)
		}, 0},
		"added before anything was written": {func(w *world, first *member) *member {
			w.addPartitions(2)
			time.Sleep(time.Minute)
			first.stop()
			w.publish(1, batch("new", 20)...)
			return w.join(latest)
		}, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("old", 5)...)
				first := w.join(latest)
				w.until("pinned", w.pinned(1))
				m := test.add(w, first)
				w.until("all are taken", func() bool { return len(m.of("new")) >= 20 && len(m.of("while down")) >= test.want })
				time.Sleep(time.Minute)
				expectAll(w, "new", 20, m)
				expectAll(w, "old", 0, m)
			})
		})
	}
}

// The commit of the member that is first must not make the topic look, to the next, as if the group had started it long ago.
func TestMembersOfANewGroupThatJoinTogetherAllBeginWithTheLatest(t *testing.T) {
	for members := 1; members <= 5; members++ {
		t.Run(fmt.Sprint(members, " members"), func(t *testing.T) {
			planned(t, 4, func(w *world) {
				for p := range int32(4) {
					w.publish(p, batch("old", 3)...)
				}
				var all []*member
				for range members {
					all = append(all, w.join(latest, func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = 10 * time.Millisecond }))
				}
				w.until("pinned", w.pinned(4))
				for p := range int32(4) {
					w.publish(p, "new")
				}
				w.until("all new ones are taken", func() bool {
					n := 0
					for _, m := range all {
						n += len(m.of("new"))
					}
					return n >= 4
				})
				for _, m := range all {
					m.stop()
					if old := m.of("old"); len(old) > 0 {
						w.t.Errorf("taken %v", old)
					}
				}
				w.untilCommitted(map[int32]int64{0: 4, 1: 4, 2: 4, 3: 4})
			})
		})
	}
}

func TestAMemberWaitsForTheLeaderToSayWhereANewGroupBegins(t *testing.T) {
	virtual(t, 2, func(w *world) {
		fake := w.RequireKfake(w.t)
		for p := range int32(2) {
			w.publish(p, batch("old", 3)...)
		}
		refusal := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		replays := w.Topic(w.t, 2) // beside it, as it is in the product
		both := func(cfg *consumer.Config, _ *member) {
			cfg.Topics, cfg.Once = append(cfg.Topics, replays), []string{replays}
		}
		first, second := w.join(latest, both), w.join(latest, both)
		time.Sleep(time.Minute)
		if got := append(first.values(), second.values()...); len(got) > 0 {
			w.t.Errorf("taken %v", got)
		}
		if n := w.log.count("waiting for the leader of the group"); n == 0 {
			w.t.Error("that it waits is not said")
		}
		if n := w.log.count("beginning at their ends"); n != 0 {
			w.t.Errorf("said %d times that it begins, which it does not yet", n)
		}
		refusal.Remove()
		w.until("pinned", w.pinned(2))
		for p := range int32(2) {
			w.publish(p, "new")
		}
		w.until("taken", func() bool { return len(first.values())+len(second.values()) == 2 })
		if got := append(first.values(), second.values()...); !slices.Equal(got, []string{"new", "new"}) {
			w.t.Errorf("taken %v", got)
		}
		if n := w.log.count("beginning at their ends"); n != 1 {
			w.t.Errorf("said %d times that it begins", n)
		}
		if n, most := w.log.count("taking the partitions from their first record"), first.began()+second.began()+1; n > most {
			w.t.Errorf("said %d times where the replays begin, in %d generations", n, most)
		}
	})
}

func TestOfATopicThatIsWaitedForNothingIsLostWhereAGroupStartsWithTheLatest(t *testing.T) {
	virtual(t, 1, func(w *world) {
		other := kafkatest.Name(w.t)
		both := func(cfg *consumer.Config, _ *member) { cfg.Topics = append(cfg.Topics, other) }
		first, second := w.join(latest, both), w.join(latest, both)
		w.until("pinned", w.pinned(1))
		time.Sleep(time.Minute)
		if err := w.CreateTopic(w.t.Context(), other, 2, nil); err != nil {
			w.t.Fatal(err)
		}
		for p := range int32(2) {
			w.Produce(w.t, kafkatest.Record{Topic: other, Partition: p, Value: []byte("new")})
		}
		w.until("all are taken", func() bool { return len(first.values())+len(second.values()) == 2 })
	})
}

func TestReplaysAreTakenFromTheFirstWhereAGroupStartsWithTheLatest(t *testing.T) {
	virtual(t, 2, func(w *world) {
		w.publish(0, batch("0-", 3)...)
		w.publish(1, batch("1-", 3)...)
		whole := func(cfg *consumer.Config, _ *member) { cfg.Once = []string{w.topic} }
		first, second := w.join(latest, whole), w.join(latest, whole)
		w.until("all are taken", func() bool { return len(first.values())+len(second.values()) == 6 })
	})
}
