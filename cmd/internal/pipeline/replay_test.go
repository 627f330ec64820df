package pipeline_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// replay writes a letter's record to the replay topic, as a replay does.
func (w *world) replay(user, value string, offset int64) kafkatest.Record {
	return kafkatest.Record{
		Topic: w.topic + ".replay", Partition: partitionOf(user), Key: []byte(user), Value: []byte(value),
		Headers: []kafkatest.Header{
			{Key: deadletter.HeaderSourceTopic, Value: []byte(w.topic)},
			{Key: deadletter.HeaderSourcePartition, Value: []byte("0")},
			{Key: deadletter.HeaderSourceOffset, Value: strconv.AppendInt(nil, offset, 10)},
			{Key: deadletter.HeaderSourceTimestamp, Value: []byte("2026-01-01T00:00:00.000Z")},
			{Key: deadletter.HeaderReplays, Value: []byte("2")},
			{Key: deadletter.HeaderPrevious, Value: []byte(w.topic + ".dlq/0/" + strconv.FormatInt(offset, 10))},
		},
	}
}

func TestALetterThatFailsAgainNamesTheOneThatItWas(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		p, stop := w.start()
		w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
		w.Produce(w.t, w.replay("a", `{"baseinfo":{}}`, 7))
		w.settled(p, 1, time.Minute)
		stop()
		letter := w.letters()[0]
		for key, want := range map[string]string{
			deadletter.HeaderReason: "schema_violation", deadletter.HeaderReplays: "2", deadletter.HeaderPrevious: w.topic + ".dlq/0/7",
			deadletter.HeaderSourceTopic: w.topic, deadletter.HeaderSourceOffset: "7",
		} {
			if got := header(letter, key); got != want {
				w.t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
	})
}

// replayedAtOnce is how many calls with replayed letters were under way together at most.
func replayedAtOnce(calls []call) (most int) {
	for _, c := range calls {
		n := 0
		for _, other := range calls {
			if !strings.HasPrefix(other.users[0], "live") && !other.began.After(c.began) && other.ended.After(c.began) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestReplayingDoesNotDelayOthers delivers a hundred events a second, first alone
// and then beside a backlog of replayed letters of which one in ten is refused
// by the platform again, at 100 ms a call.
func TestReplayingDoesNotDelayOthers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	const letters, events, latency = 30_000, 1000, 100 * time.Millisecond
	slowest := func(letters int) (slowest time.Duration, throughput int) {
		virtual(t, func(w *world) {
			var calls []call
			w.watch(&calls, latency, func(r *msdktest.Request) msdktest.Answer {
				for _, rep := range r.Reports {
					if strings.HasPrefix(rep.OpenID, "refused") {
						return msdktest.Answer{Ret: -1011}
					}
				}
				return msdktest.Answer{}
			})
			_, stop := w.start()
			w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
			for from := 0; from < letters; from += 5000 {
				var records []kafkatest.Record
				for i := from; i < from+5000; i++ {
					user := fmt.Sprintf("replayed-%d", i)
					if i%10 == 0 {
						user = fmt.Sprintf("refused-%d", i)
					}
					records = append(records, w.replay(user, report(user, i), int64(i)))
				}
				w.Produce(w.t, records...)
			}
			published := map[string]time.Time{}
			for i := range events {
				user := fmt.Sprintf("live-%d", i)
				published[user] = time.Now()
				w.publish(user, report(user, i))
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Second)
			stop()
			if most := replayedAtOnce(calls); letters > 0 && most != 4 { // an eighth of max_in_flight
				w.t.Errorf("%d calls with replayed letters at once, want 4", most)
			}
			var took []time.Duration
			for _, c := range calls {
				for _, user := range c.users {
					if at, live := published[user]; live {
						took = append(took, c.ended.Sub(at))
					} else {
						throughput++
					}
				}
			}
			if len(took) != events {
				w.t.Fatalf("%d of %d events were delivered", len(took), events)
			}
			slowest = slices.Max(took)
		})
		return slowest, throughput
	}
	alone, _ := slowest(0)
	beside, replayed := slowest(letters)
	t.Logf("the slowest of %d events took %v alone, and %v beside %d posts of replayed letters", events, alone, beside, replayed)
	if beside > alone+latency {
		t.Errorf("beside a replay the slowest event took %v, alone %v", beside, alone)
	}
	if replayed < letters/10 {
		t.Errorf("only %d posts of replayed letters", replayed)
	}
}

// TestReplayedLettersGiveTheirRoomBack replays many times what there is room for
// at once.
func TestReplayedLettersGiveTheirRoomBack(t *testing.T) {
	t.Parallel()
	const letters = 1000
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxPending = 160 // an eighth of which is 20
		p, stop := w.start()
		w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
		var records []kafkatest.Record
		for i := range letters {
			user, value := fmt.Sprintf("replayed-%d", i), ""
			if i%3 > 0 { // else it becomes a letter again
				value = report(user, i)
			}
			records = append(records, w.replay(user, value, int64(i)))
		}
		w.Produce(w.t, records...)
		w.settled(p, letters, time.Hour)
		if s := p.Stats(); s.Pending != 0 || s.PendingBytes != 0 {
			w.t.Errorf("all is settled, and %d events and %d bytes are pending", s.Pending, s.PendingBytes)
		}
		stop()
	})
}

// TestLettersReplayedUnrepairedDoNotHoldTheirApp: all of them are refused again,
// one player after the other; the app's own events say that it is not the app.
func TestLettersReplayedUnrepairedDoNotHoldTheirApp(t *testing.T) {
	t.Parallel()
	var (
		mu    sync.Mutex
		sent  = map[string]time.Time{}
		worst time.Duration
	)
	virtualWith(t, msdktest.Config{NoUserLimit: true, OnAccept: func(r msdktest.Report) {
		mu.Lock()
		defer mu.Unlock()
		worst = max(worst, time.Since(sent[r.OpenID]))
	}}, func(w *world) {
		const letters, live = 60, 120
		var bad []string
		p, stop := w.start()
		w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
		var replays []kafkatest.Record
		for i := range letters {
			user := fmt.Sprintf("bad-%d", i)
			bad = append(bad, user)
			replays = append(replays, w.replay(user, report(user, i), int64(i)))
		}
		w.msdk.SetRules(msdktest.Latency(20*time.Millisecond), msdktest.Poison(msdktest.Answer{Ret: -1011}, bad...))
		w.Produce(w.t, replays...)
		for i := range live {
			user := fmt.Sprintf("live-%d", i)
			mu.Lock()
			sent[user] = time.Now()
			mu.Unlock()
			w.publish(user, report(user, i))
			time.Sleep(time.Second)
		}
		w.settled(p, letters+live, time.Minute)
		stop()
		if n := p.Stats().DeadLetters[deadletter.Rejected]; n != letters || w.msdk.Ledger.Len() != live {
			w.t.Errorf("%d rejected, %d delivered", n, w.msdk.Ledger.Len())
		}
		mu.Lock()
		defer mu.Unlock()
		if worst > 5*time.Second {
			w.t.Errorf("an event of the app's own waited for %s", worst)
		}
	})
}

func TestAReplayIsDeliveredOnceWhateverGroupComes(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"earliest", "latest"} {
		t.Run(start, func(t *testing.T) {
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				w.cfg.Kafka.Start = start
				group := w.cfg.Kafka.Group
				for n := range 3 {
					w.cfg.Kafka.Group = fmt.Sprintf("%s-%d", group, n)
					_, stop := w.start()
					w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
					user := fmt.Sprint("user-", n)
					w.Produce(w.t, w.replay(user, report(user, n), int64(n)))
					w.until("delivered", time.Minute, func() bool { return len(w.accepted(user)) == 1 })
					stop()
					time.Sleep(24 * time.Hour)
				}
				if n := w.msdk.Ledger.Len(); n != 3 {
					w.t.Errorf("three replays were delivered %d times", n)
				}
			})
		})
	}
}

func TestAReplayMadeBeforeThereIsAGroupIsDelivered(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.cfg.Kafka.Start = "latest"
		if err := w.CreateTopic(w.t.Context(), w.topic+".replay", 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.Produce(w.t, w.replay("anna", report("anna", 1), 7))
		time.Sleep(24 * time.Hour)
		_, stop := w.start()
		w.until("delivered", time.Minute, func() bool { return len(w.accepted("anna")) == 1 })
		stop()
		if !w.log.contains("records=1") {
			w.t.Error("it is not said how many there are")
		}
	})
}
