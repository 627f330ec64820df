package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func (w *world) publishMany(prefix string, n int) {
	w.t.Helper()
	for i := range n {
		user := fmt.Sprintf("%s-%d", prefix, i)
		w.publish(user, report(user, i))
	}
}

func TestPlatformDownForAnHour(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxHold = 2 * time.Hour
		outage := new(msdktest.Outage)
		outage.Begin(msdktest.Answer{HTTP: 503})
		w.msdk.SetRules(outage.Rule)
		w.publishMany("player", 300)
		p, stop := w.start()
		time.Sleep(time.Hour)
		calls := w.calls()
		outage.End()
		w.settled(p, 300, time.Minute)
		stop()
		// 20 failures open the breaker, then one probe a cooldown.
		if most := 20 + 32 + int(time.Hour/w.cfg.Delivery.Breaker.Cooldown) + 1; calls > most {
			w.t.Errorf("%d calls during the outage, want at most %d", calls, most)
		}
		if w.msdk.Ledger.Len() != 300 || len(w.letters()) != 0 {
			w.t.Errorf("%d delivered, %d letters; want all 300 delivered", w.msdk.Ledger.Len(), len(w.letters()))
		}
		if !w.log.contains("app is held") || !w.log.contains("app is answered again") {
			w.t.Error("the log does not tell of the hold")
		}
	})
}

func TestHoldIsBounded(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxHold = 10 * time.Minute
		w.msdk.SetRules(msdktest.Always(msdktest.Answer{Ret: -502}))
		w.publishMany("player", 20)
		began := time.Now()
		p, stop := w.start()
		w.settled(p, 20, time.Hour)
		took := time.Since(began)
		stop()
		if took < w.cfg.Delivery.MaxHold || took > w.cfg.Delivery.MaxHold+time.Minute {
			w.t.Errorf("given up after %s, want soon after %s", took, w.cfg.Delivery.MaxHold)
		}
		for _, l := range w.letters() {
			if header(l, "deadletter.reason") != "exhausted" {
				w.t.Fatalf("letter: %v", l.Headers)
			}
		}
	})
}

func TestBadAppHurtsOnlyItself(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"with topics of their own": false, "in one topic": true} {
		t.Run(name, func(t *testing.T) {
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				w.cfg.Delivery.MaxPending = 400
				w.cfg.Delivery.MaxHold = 24 * time.Hour
				topic := w.topic
				if !shared {
					topic = w.Topic(w.t, 4)
				}
				w.addApp(otherApp, topic)
				fails := new(msdktest.Outage)
				fails.Begin(msdktest.Answer{Ret: -502})
				w.msdk.SetRules(msdktest.ForApp(appID, fails.Rule))
				// The failing app has as much as may be pending; in a shared topic
				// its records lie among the healthy one's.
				n := 150
				if !shared {
					n = 1000
				}
				for i := range n {
					w.produce(topic, otherApp, fmt.Sprintf("healthy-%d", i), i)
					w.produce(w.topic, appID, fmt.Sprintf("failing-%d", i), i)
				}
				p, stop := w.start()
				w.until("the healthy app's events are delivered", time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
				if held := p.Stats().Held; fmt.Sprint(held) != fmt.Sprint([]string{appID}) {
					w.t.Errorf("held: %v", held)
				}
				fails.End()
				w.settled(p, 2*n, time.Hour)
				stop()
				if got := len(w.msdk.Ledger.App(appID)); got != n {
					w.t.Errorf("the app that failed: %d delivered in the end, want %d", got, n)
				}
			})
		})
	}
}

func TestRetryClockStandsStillWhileHeld(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.Retry.MaxElapsed = 30 * time.Second
		w.cfg.Delivery.Breaker.Failures = 3
		outage := new(msdktest.Outage)
		outage.Begin(msdktest.Answer{HTTP: 500})
		w.msdk.SetRules(outage.Rule)
		w.publishMany("player", 5)
		p, stop := w.start()
		time.Sleep(30 * time.Minute)
		outage.End()
		w.settled(p, 5, time.Minute)
		stop()
		if w.msdk.Ledger.Len() != 5 {
			w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
		}
	})
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.Breaker.Failures = 1000
		w.msdk.SetRules(msdktest.Always(msdktest.Answer{HTTP: 500}))
		w.publishMany("player", 3)
		began := time.Now()
		p, stop := w.start()
		w.settled(p, 3, time.Hour)
		took := time.Since(began)
		stop()
		if most := w.cfg.Delivery.Retry.MaxElapsed + time.Minute; took > most || took < w.cfg.Delivery.Retry.MaxElapsed/2 {
			w.t.Errorf("given up after %s", took)
		}
		for _, l := range w.letters() {
			if header(l, "deadletter.reason") != "exhausted" || header(l, "deadletter.http_status") != "500" || header(l, "deadletter.delivery") != "uncertain" {
				w.t.Fatalf("letter: %v", l.Headers)
			}
		}
	})
}

// TestThroughputBesideAnAppThatFails compares, in virtual time, how long a
// healthy app's events take alone and beside an app whose calls all fail. What
// calls without an answer cost is their share of the calls until they time out
// for the first time, once; a minute is long enough to see past that.
func TestThroughputBesideAnAppThatFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("delivers 200,000 events")
	}
	const events = 48_000
	took := func(t *testing.T, failure *msdktest.Answer) (d time.Duration) {
		virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
			w.cfg.Batch.MaxRecords = 10
			topic := w.Topic(w.t, 4)
			w.addApp(otherApp, topic)
			rules := []msdktest.Rule{msdktest.Latency(400 * time.Millisecond)}
			if failure != nil {
				rules = append(rules, msdktest.ForApp(appID, msdktest.Always(*failure)))
			}
			w.msdk.SetRules(rules...)
			w.produceMany(topic, "healthy", events)
			began := time.Now()
			_, stop := w.start()
			if failure != nil {
				time.Sleep(time.Second)
				w.produceMany(w.topic, "failing", 2000)
			}
			w.until("the healthy app's events are delivered", time.Hour, func() bool { return w.msdk.Ledger.Len() == events })
			d = time.Since(began)
			stop()
		})
		return d
	}
	alone := took(t, nil)
	for name, failure := range map[string]msdktest.Answer{
		"wrong key": {Ret: -502}, "server error": {HTTP: 500}, "no answer": {Fault: msdktest.Hang},
	} {
		t.Run(name, func(t *testing.T) {
			beside := took(t, &failure)
			ratio := alone.Seconds() / beside.Seconds()
			t.Logf("alone %s, beside an app that fails %s: %.2f of the throughput", alone, beside, ratio)
			if ratio < 0.9 {
				t.Errorf("%.2f of the throughput is left, want at least 0.9", ratio)
			}
		})
	}
}

// TestAnAppThatHangsDoesNotGetAllCalls looks before the first of its calls has
// timed out, when nothing is known of it yet.
func TestAnAppThatHangsDoesNotGetAllCalls(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.cfg.Delivery.MaxInFlight = 8
		w.cfg.Batch.MaxRecords = 10
		topic := w.Topic(w.t, 4)
		w.addApp(otherApp, topic)
		w.msdk.SetRules(msdktest.Latency(100*time.Millisecond), msdktest.ForApp(appID, msdktest.Always(msdktest.Answer{Fault: msdktest.Hang})))
		w.produceMany(topic, "healthy", 4000)
		_, stop := w.start()
		w.until("the healthy app is at work", time.Minute, func() bool { return w.msdk.Ledger.Len() > 0 })
		w.produceMany(w.topic, "hanging", 1000)
		begin := w.msdk.Ledger.Len()
		time.Sleep(4 * time.Second)
		// Half of the calls, 40 rounds of them.
		if n, want := w.msdk.Ledger.Len()-begin, 4*10*35; n < want {
			w.t.Errorf("%d delivered beside an app whose calls hang, want at least %d", n, want)
		}
		stop()
	})
}
