package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refuseLetters has the dead-letter topic refuse everything until the function
// returned is called.
func (w *world) refuseLetters() (accept func()) {
	fault := w.RequireKfake(w.t).Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: w.topic + ".dlq", Err: kerr.NotEnoughReplicas, Count: -1,
	})
	return fault.Remove
}

// TestLettersAreNeverLost has the dead-letter topic refuse everything for an
// hour.
func TestLettersAreNeverLost(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxPending = 100
		accept := w.refuseLetters()
		p, stop := w.start()
		w.publish("bad", "no JSON")
		w.until("it is not ready", time.Minute, func() bool { return w.log.contains("taking nothing in") })
		if why := p.NotReady(); len(why) != 1 {
			w.t.Errorf("not ready: %q", why)
		}
		w.publishMany("player", 1000)
		time.Sleep(time.Hour)
		if s := p.Stats(); s.Pending > 100 {
			w.t.Errorf("%d pending, the bound is 100", s.Pending)
		}
		taken := w.msdk.Ledger.Len()
		time.Sleep(time.Hour)
		if now := w.msdk.Ledger.Len(); now != taken || now > 100 {
			w.t.Errorf("delivered %d, then %d: the intake did not stop", taken, now)
		}
		accept()
		w.settled(p, 1001, 10*time.Minute)
		if why := p.NotReady(); len(why) > 0 {
			w.t.Errorf("not ready again: %q", why)
		}
		stop()
		w.once("player", 1000)
		if l := w.letters(); len(l) != 1 {
			w.t.Errorf("%d letters, want 1", len(l))
		}
	})
}

// TestARebalanceWhileLettersWait: the member that takes over, or the same one,
// finds out by itself whether letters can be written.
func TestARebalanceWhileLettersWait(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		accept := w.refuseLetters()
		p, stop := w.start()
		w.publish("bad", "no JSON")
		w.until("it is not ready", time.Minute, func() bool { return w.log.contains("taking nothing in") })
		_, stopOther := w.start()
		w.until("a rebalance", 5*time.Minute, func() bool { return w.log.contains("drain timeout") })
		stopOther()
		accept()
		w.publishMany("player", 50)
		w.until("all is delivered", 10*time.Minute, func() bool { return w.msdk.Ledger.Len() == 50 && len(w.letters()) == 1 })
		if why := p.NotReady(); len(why) > 0 {
			w.t.Errorf("not ready: %q", why)
		}
		stop()
		w.once("player", 50)
	})
}

// slowLetters has the broker take so long over each of the next letters.
func (w *world) slowLetters(n int32, take time.Duration) {
	fake := w.RequireKfake(w.t)
	var slow atomic.Int32
	slow.Store(n)
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if slow.Add(-1) >= 0 {
			fake.SleepControl(func() { time.Sleep(take) })
		}
		return nil, nil, false
	})
}

func TestARecordHasOneLetterHoweverLongTheBrokerTakes(t *testing.T) {
	t.Parallel()
	for rule, meanwhile := range map[string]func(w *world){
		"twelve seconds":       func(w *world) { w.slowLetters(1, 12*time.Second) },
		"each of five minutes": func(w *world) { w.slowLetters(15, 20*time.Second) },
		"longer than the rest of a generation": func(w *world) {
			fake := w.RequireKfake(w.t)
			fault := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: -1})
			time.AfterFunc(50*time.Second, fault.Remove)
			time.AfterFunc(5*time.Second, func() {
				fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress})
			})
		},
		"too long for its replicas": func(w *world) {
			w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 5})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				for i := range 20 {
					w.publish(fmt.Sprint("player ", i), "no JSON")
				}
				meanwhile(w)
				p, stop := w.start()
				w.settled(p, 20, 10*time.Minute)
				time.Sleep(2 * time.Minute) // what came late comes
				stop()
				times := map[string]int{}
				for _, l := range w.letters() {
					times[header(l, "deadletter.source.partition")+"@"+header(l, "deadletter.source.offset")]++
				}
				for record, n := range times {
					if n != 1 {
						w.t.Errorf("of record %s there are %d letters", record, n)
					}
				}
				if len(times) != 20 {
					w.t.Errorf("of 20 records %d have letters", len(times))
				}
			})
		})
	}
}

// The others of a write that one partition holds up until the drain is over.
func TestLettersThatAreWrittenAreSettledWhateverIsLeft(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		fault := w.RequireKfake(w.t).Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: w.topic + ".dlq", Partitions: []int32{2}, Err: kerr.NotEnoughReplicas, Count: -1,
		})
		for i := range 40 {
			w.publish(fmt.Sprint("player ", i), "no JSON")
		}
		_, stop := w.start()
		time.Sleep(time.Minute)
		stop()
		fault.Remove()
		written := len(w.letters())
		if written == 0 || written == 40 {
			w.t.Fatalf("%d letters are written", written)
		}
		p, stop := w.start()
		w.settled(p, 40-written, time.Minute)
		time.Sleep(time.Minute)
		stop()
		if n := len(w.letters()); n != 40 {
			w.t.Errorf("of 40 records there are %d letters", n)
		}
	})
}
