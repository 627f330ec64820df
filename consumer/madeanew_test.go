package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

const saysMadeAnew = "the topic has been deleted and made anew: going over to the new one"

// batch is that many values, for publish.
func batch(prefix string, n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint(prefix, i))
	}
	return values
}

// of are the values taken that begin so.
func (m *member) of(prefix string) (values []string) {
	for _, v := range m.values() {
		if strings.HasPrefix(v, prefix) {
			values = append(values, v)
		}
	}
	return values
}

// expectAll checks that the values were taken once and in their order, by whichever member.
func expectAll(w *world, prefix string, n int, members ...*member) {
	w.t.Helper()
	var got []string
	for _, m := range members {
		got = append(got, m.of(prefix)...)
	}
	if want := batch(prefix, n); strings.Join(got, " ") != strings.Join(want, " ") {
		w.t.Errorf("of %d records %v were taken", n, got)
	}
}

func TestATopicMadeAnewIsTakenFromItsBegin(t *testing.T) {
	w := loopback(t, 1)
	m := w.join()
	w.publish(0, "a", "b", "c", "d")
	w.untilCommitted(map[int32]int64{0: 4})
	w.recreate(1)
	w.publish(0, "new1", "new2")
	w.until("it is said", func() bool { return w.log.count(saysMadeAnew) == 1 })
	w.publish(0, "new3")
	w.untilTaken(m, 7)
	if got := strings.Join(m.values(), " "); got != "a b c d new1 new2 new3" {
		t.Errorf("taken %q", got)
	}
	w.untilCommitted(map[int32]int64{0: 3})
}

// On Apache Kafka too the new topic is longer than the old one before it is fetched.
func TestATopicMadeAnewThatIsSoonLongerIsTakenFromItsBegin(t *testing.T) {
	w := loopback(t, 1)
	m := w.join()
	w.publish(0, batch("old", 10)...)
	w.untilCommitted(map[int32]int64{0: 10})
	w.recreate(1)
	w.publish(0, batch("new", 500)...)
	w.until("all taken", func() bool { return len(m.of("new")) >= 500 })
	w.untilCommitted(map[int32]int64{0: 500})
	expectAll(w, "new", 500, m)
	if r := w.repeats(); len(r) != 10 { // the offsets 0 to 9 are there twice
		t.Errorf("taken twice: %v", r)
	}
}

// The new topic has more records than were taken of the old one, before any of them is fetched.
func TestATopicMadeAnewWithMoreRecordsThanTheOldOneIsTakenFromItsBegin(t *testing.T) {
	for _, start := range []consumer.Start{consumer.Earliest, consumer.Latest} {
		for rule, test := range map[string]struct {
			meanwhile func(w *world, m *member) *member // while the topic is away or new
		}{
			"as seen by a member that goes on": {func(_ *world, m *member) *member { return m }},
			"as seen by a member that was cut off meanwhile": {func(w *world, m *member) *member {
				w.Sever()
				go func() { time.Sleep(time.Second); w.Restore() }()
				return m
			}},
			"as seen by one that was cut off for minutes": {func(w *world, m *member) *member {
				w.Sever()
				go func() { time.Sleep(3 * time.Minute); w.Restore() }()
				return m
			}},
			"as seen when a rebalance comes in": {func(w *world, m *member) *member {
				w.join().stop()
				return m
			}},
		} {
			t.Run(fmt.Sprint("start ", start, ", ", rule), func(t *testing.T) {
				virtual(t, 1, func(w *world) {
					fake := w.RequireKfake(w.t)
					m := w.join(func(cfg *consumer.Config, _ *member) { cfg.Start = start })
					w.until("serving", m.serving)
					w.until("pinned", func() bool { return len(w.Committed(w.t, w.group, w.topic)) == 1 })
					w.publish(0, batch("old", 10)...)
					w.untilCommitted(map[int32]int64{0: 10})
					again := test.meanwhile(w, m)
					if err := errors.Join(fake.DeleteTopic(w.topic), fake.CreateTopic(w.topic, 1, nil)); err != nil {
						w.t.Fatal(err)
					}
					w.publish(0, batch("new", 25)...)
					w.until("all taken", func() bool { return len(again.of("new")) >= 25 })
					w.untilCommitted(map[int32]int64{0: 25})
					expectAll(w, "old", 10, m)
					expectAll(w, "new", 25, m)
				})
			})
		}
	}
}

// With the commits of the old topic, as they stay on brokers that are slow to delete them.
func TestACommitOfATopicThatWasMadeAnewDoesNotHoldForTheNewOne(t *testing.T) {
	for rule, test := range map[string]struct {
		records int // of the new topic
		said    string
	}{
		"that is longer already": {25, "what is committed is of a topic that has been deleted and made anew"},
		"that is as long":        {10, "what is committed is of a topic that has been deleted and made anew"},
		"that is shorter":        {3, "what is committed is of a topic that has been deleted and made anew"},
	} {
		for _, start := range []consumer.Start{consumer.Earliest, consumer.Latest} {
			t.Run(fmt.Sprint(rule, ", start ", start), func(t *testing.T) {
				virtual(t, 1, func(w *world) {
					with := func(cfg *consumer.Config, _ *member) { cfg.Start = start }
					fake := w.RequireKfake(w.t)
					first := w.join(with)
					w.until("pinned", func() bool { return len(w.Committed(w.t, w.group, w.topic)) == 1 })
					w.publish(0, batch("old", 10)...)
					w.untilCommitted(map[int32]int64{0: 10})
					first.stop()
					old := w.fetchCommit(0)
					if err := errors.Join(fake.DeleteTopic(w.topic), fake.CreateTopic(w.topic, 1, nil)); err != nil {
						w.t.Fatal(err)
					}
					w.publish(0, batch("new", test.records)...)
					w.commit(0, old.Offset, old.Metadata)
					second := w.join(with)
					w.until("all taken", func() bool { return len(second.of("new")) >= test.records })
					w.untilCommitted(map[int32]int64{0: int64(test.records)})
					expectAll(w, "new", test.records, second)
					if w.log.count(test.said) != 1 {
						w.t.Error("it is not said")
					}
					// Once it is taken, it is the topic as any other.
					second.stop()
					w.publish(0, "newest")
					third := w.join(with)
					w.untilTaken(third, 1)
					if got := strings.Join(third.values(), " "); got != "newest" {
						w.t.Errorf("taken %s", got)
					}
				})
			})
		}
	}
}

func TestATopicMadeAnewIsNotTakenBeforeTheOldRecordsAreSettled(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return string(r.Value) == "held" }
		})
		w.publish(0, "a", "held", "b")
		w.untilTaken(m, 3)
		w.recreate(1)
		w.publish(0, batch("new", 5)...)
		time.Sleep(10 * time.Minute)
		if n := w.log.count("records in flight have settled"); n < 5 || n > 11 {
			w.t.Errorf("said %d times in ten minutes", n)
		}
		if got := m.values(); len(got) != 3 {
			w.t.Errorf("taken %v", got)
		}
		m.records()[1].Settle()
		w.untilTaken(m, 8)
		w.untilCommitted(map[int32]int64{0: 5})
		expectAll(w, "new", 5, m)
	})
}

// What settled out of turn, of the old topic, does not count as settled in the new one.
func TestWhatSettledOutOfTurnIsOfItsTopicAlone(t *testing.T) {
	for rule, afresh := range map[string]bool{"in the member that goes on": false, "in one that comes next": true} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				fake := w.RequireKfake(w.t)
				m := w.join(firstIsHeld)
				w.publish(0, batch("old", 10)...)
				w.untilTaken(m, 10)
				w.until("committed out of turn", func() bool { return w.fetchCommit(0).Metadata != nil && *w.fetchCommit(0).Metadata != "" })
				time.Sleep(time.Second)
				old := w.fetchCommit(0)
				next := m
				if afresh {
					m.stop()
				}
				if err := errors.Join(fake.DeleteTopic(w.topic), fake.CreateTopic(w.topic, 1, nil)); err != nil {
					w.t.Fatal(err)
				}
				w.publish(0, batch("new", 10)...)
				if afresh {
					w.commit(0, old.Offset, old.Metadata)
					next = w.join()
				} else {
					m.records()[0].Settle()
				}
				w.until("all taken", func() bool { return len(next.of("new")) >= 10 })
				time.Sleep(time.Second)
				expectAll(w, "new", 10, next)
			})
		})
	}
}

// A broker that has not heard of the new topic yet describes the old one. The commit, which is of the new one, would look
// as if it were of another topic.
func TestABrokerThatLagsBehindDoesNotHaveTheNewTopicTakenAgain(t *testing.T) {
	virtual(t, 1, func(w *world) {
		fake := w.RequireKfake(w.t)
		first := w.join()
		w.publish(0, batch("old", 10)...)
		w.untilCommitted(map[int32]int64{0: 10})
		stale := w.describe()
		w.recreate(1)
		w.publish(0, batch("new", 5)...)
		w.untilCommitted(map[int32]int64{0: 5})
		first.stop()
		expectAll(w, "new", 5, first)

		var lagged atomic.Int32
		fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			if req.GetVersion() < 10 { // kafka-go's, which has no ids
				return nil, nil, false
			}
			if lagged.Add(1) == 5 {
				fake.DropControl()
			}
			res := *stale
			res.Version = req.GetVersion()
			return &res, nil, true
		})
		second := w.join()
		w.until("the broker has caught up", func() bool { return lagged.Load() == 5 })
		w.publish(0, "new5")
		w.untilTaken(second, 1)
		w.untilCommitted(map[int32]int64{0: 6})
		if got := strings.Join(second.values(), " "); got != "new5" {
			w.t.Errorf("taken %s", got)
		}
	})
}

// describe asks for the topic as it is now.
func (w *world) describe() *kmsg.MetadataResponse {
	w.t.Helper()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &w.topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(context.Background(), w.client())
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}
