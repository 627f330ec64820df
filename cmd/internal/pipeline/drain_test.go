package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// committed is the sum of what the group has committed.
func (w *world) committed() (n int64) {
	for _, offset := range w.Committed(w.t, w.cfg.Kafka.Group, w.topic) {
		n += offset
	}
	return n
}

// once checks that each of the players' single reports arrived once.
func (w *world) once(prefix string, n int) {
	w.t.Helper()
	lost, twice := 0, 0
	for i := range n {
		switch got := len(w.accepted(fmt.Sprintf("%s-%d", prefix, i))); {
		case got == 0:
			lost++
		case got > 1:
			twice++
		}
	}
	if lost > 0 || twice > 0 {
		w.t.Errorf("%d lost, %d delivered more than once", lost, twice)
	}
}

func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		var calls []call
		w.watch(&calls, time.Second)
		w.cfg.Batch.MaxRecords = 10
		w.publishMany("player", 500)
		p, stop := w.start()
		w.settled(p, 100, time.Minute)
		stop()
		if got, want := w.committed(), int64(w.msdk.Ledger.Len()); got != want {
			w.t.Errorf("%d committed, %d delivered", got, want)
		}
		p, stop = w.start()
		w.settled(p, 500-int(w.committed()), time.Minute)
		stop()
		w.once("player", 500)
	})
}

func TestDrainOfASlowPlatformIsBounded(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.MSDK.Timeout = 5 * time.Minute
		w.cfg.Delivery.DrainTimeout = 5 * time.Second
		slow := new(msdktest.Outage)
		slow.Begin(msdktest.Answer{Fault: msdktest.Hang})
		w.msdk.SetRules(slow.Rule)
		w.publishMany("player", 50)
		_, stop := w.start()
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		if took := time.Since(began); took < 5*time.Second || took > 10*time.Second {
			w.t.Errorf("drained in %s with a timeout of 5s", took)
		}
		if !w.log.contains("drain timeout") {
			w.t.Error("the log does not say that the drain was cut short")
		}
		if got := w.committed(); got != 0 {
			w.t.Errorf("%d committed, nothing was settled", got)
		}
		slow.End()
		p, stop := w.start()
		w.settled(p, 50, time.Hour)
		stop()
		w.once("player", 50)
	})
}

func TestDrainOfAFailingPlatformIsShort(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		down := new(msdktest.Outage)
		down.Begin(msdktest.Answer{HTTP: 503})
		w.msdk.SetRules(down.Rule)
		w.publishMany("player", 50)
		_, stop := w.start()
		time.Sleep(2 * time.Minute)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 5*time.Second {
			w.t.Errorf("drained in %s although nothing was in flight", took)
		}
		down.End()
		p, stop := w.start()
		w.settled(p, 50, time.Hour)
		stop()
		w.once("player", 50)
	})
}

// TestScalingRepeatsNothing joins and stops members under load.
func TestScalingRepeatsNothing(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		const n = 3000
		var calls []call
		w.watch(&calls, 300*time.Millisecond, msdktest.Random(1, 0.1, msdktest.Answer{Ret: -306}))
		w.cfg.Batch.MaxRecords = 10
		go func() {
			for i := range n {
				user := fmt.Sprintf("player-%d", i)
				w.publish(user, report(user, i))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		_, stop1 := w.start()
		time.Sleep(15 * time.Second)
		_, stop2 := w.start()
		time.Sleep(15 * time.Second)
		_, stop3 := w.start()
		time.Sleep(10 * time.Second)
		stop1()
		time.Sleep(10 * time.Second)
		stop2()
		w.until("everything is delivered", time.Hour, func() bool { return w.msdk.Ledger.Len() >= n })
		time.Sleep(10 * time.Second)
		stop3()
		w.once("player", n)
		if got := w.committed(); got != n {
			w.t.Errorf("%d committed, want %d", got, n)
		}
	})
}

func TestBrokerGoneForAWhile(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		p, stop := w.start()
		w.publishMany("before", 50)
		w.settled(p, 50, time.Minute)
		w.Sever()
		w.publishMany("during", 50)
		time.Sleep(10 * time.Minute)
		if why := p.NotReady(); len(why) == 0 {
			w.t.Error("ready without a broker")
		}
		w.Restore()
		w.publishMany("after", 50)
		w.settled(p, 150, time.Minute)
		stop()
		for _, prefix := range []string{"before", "during", "after"} {
			w.once(prefix, 50)
		}
		if !w.log.contains("waiting for Kafka") {
			w.t.Error("the log does not say what it waits for")
		}
	})
}

// TestADeployBesideAHeldAppRepeatsNothing restarts a member that holds the events of one app, among which those of
// another have been delivered.
func TestADeployBesideAHeldAppRepeatsNothing(t *testing.T) {
	t.Parallel()
	for rule, healthy := range map[string]int{"every other event is held": 1, "one in ten is": 9} {
		t.Run(rule, func(t *testing.T) {
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				const n = 3000
				w.addApp(otherApp, w.topic)
				bar := new(msdktest.Outage)
				bar.Begin(msdktest.Answer{Ret: -502})
				w.msdk.SetRules(msdktest.ForApp(appID, bar.Rule))
				var records []kafkatest.Record
				for i := range n * (1 + healthy) {
					app := otherApp
					if i%(1+healthy) == 0 {
						app = appID
					}
					user := fmt.Sprintf("%s-%d", app, i)
					records = append(records, kafkatest.Record{
						Topic: w.topic, Key: []byte(user), Value: []byte(report(user, i)),
						Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
					})
				}
				w.Produce(w.t, records...)
				delivered := func() bool { return len(w.msdk.Ledger.App(otherApp)) >= n*healthy }
				p, stop := w.start()
				w.until("the healthy app's events are delivered", 10*time.Minute, delivered)
				for range 2 {
					time.Sleep(time.Minute)
					if s := p.Stats(); s.Pending < n {
						w.t.Errorf("%d pending, the held app has %d", s.Pending, n)
					}
					stop()
					p, stop = w.start()
				}
				bar.End()
				w.until("all is committed", time.Hour, func() bool { return w.committed() == n*int64(1+healthy) })
				stop()
				if got := len(w.msdk.Ledger.App(otherApp)); got != n*healthy {
					w.t.Errorf("the healthy app's %d events were delivered %d times", n*healthy, got)
				}
				if got := len(w.msdk.Ledger.App(appID)); got != n {
					w.t.Errorf("the held app's %d events were delivered %d times", n, got)
				}
			})
		})
	}
}

// A stop in the middle of whatever it is: others are served meanwhile, and a member that comes next goes on.
func TestAStopTakesAsLongAsTheCallsUnderWay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	const latency = 300 * time.Millisecond
	bad := func(a msdktest.Answer) msdktest.Rule { return msdktest.Poison(a, "bad") }
	for waits, test := range map[string]struct {
		rule    msdktest.Rule // until the last start
		prepare func(w *world)
		letters int // at most
	}{
		"while a record waits for its retry": {
			rule: bad(msdktest.Answer{HTTP: 503}),
		},
		"while one is tried behind all others": {
			rule: bad(msdktest.Answer{HTTP: 403}),
		},
		"while the app is held": {
			rule: msdktest.Always(msdktest.Answer{Ret: -502}),
		},
		"while the platform has asked for a pause": {
			rule: msdktest.Always(msdktest.Answer{HTTP: 429, RetryAfter: "120"}),
		},
		"while refusals are doubted": {
			rule: msdktest.Always(msdktest.Answer{Ret: -10002}), letters: 6, // one each time it has been waited for long enough
		},
		"while thousands wait for their turn": {
			prepare: func(w *world) { w.cfg.Delivery.MaxInFlight, w.cfg.Batch.MaxRecords = 4, 10 },
		},
		"while events linger": {
			prepare: func(w *world) { w.cfg.Batch.Linger = 5 * time.Second },
		},
		"while nothing waits": {},
	} {
		t.Run(waits, func(t *testing.T) {
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				slow := msdktest.Latency(latency)
				ill := new(atomic.Bool)
				ill.Store(test.rule != nil)
				w.msdk.SetRules(slow, func(r *msdktest.Request) msdktest.Answer {
					if ill.Load() {
						return test.rule(r)
					}
					return msdktest.Answer{}
				})
				if test.prepare != nil {
					test.prepare(w)
				}
				const n = 400
				w.publish("bad", report("bad", 0))
				w.publishMany("player", n)
				for i := range 6 { // at any moment
					_, stop := w.start()
					time.Sleep(time.Duration(1000+i*437) * time.Millisecond)
					began := time.Now()
					stop()
					if took := time.Since(began); took > latency+700*time.Millisecond {
						w.t.Errorf("the stop took %v, a call takes %v", took, latency)
					}
				}
				ill.Store(false)
				_, stop := w.start()
				w.until("all is committed", time.Hour, func() bool { return w.committed() == n+1 })
				stop()
				if delivered, letters := w.msdk.Ledger.Len(), len(w.letters()); delivered+letters != n+1 || letters > test.letters {
					w.t.Errorf("of %d events %d were delivered, and %d became letters", n+1, delivered, letters)
				}
			})
		})
	}
}

// TestARollingRestartRepeatsNothing stops and starts three members in turn, while an app is held and a record of
// another waits for its retry.
func TestARollingRestartRepeatsNothing(t *testing.T) {
	t.Run("virtual", func(t *testing.T) {
		virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) { rollingRestart(w, 2*time.Second) })
	})
	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		rollingRestart(real(t), time.Minute) // it takes the time that it takes
	})
}

func rollingRestart(w *world, longest time.Duration) {
	const members, rounds, pause = 3, 2, time.Second
	w.opts.HeartbeatInterval = time.Second / 2 // who joins waits for the others to hear of it
	held, sick := new(msdktest.Outage), new(msdktest.Outage)
	held.Begin(msdktest.Answer{Ret: -502})
	sick.Begin(msdktest.Answer{HTTP: 503})
	w.addApp(otherApp, w.topic)
	w.cfg.Delivery.Retry.MaxElapsed = time.Hour
	w.msdk.SetRules(msdktest.Latency(50*time.Millisecond), msdktest.ForApp(otherApp, held.Rule), func(r *msdktest.Request) msdktest.Answer {
		if r.Names("bad") {
			return sick.Rule(r)
		}
		return msdktest.Answer{}
	})
	w.produce(w.topic, appID, "bad", 0)
	var stops [members]func()
	for i := range members {
		_, stops[i] = w.start()
	}
	end, published := make(chan struct{}), make(chan int, 1)
	go func() {
		n := 0
		defer func() { published <- n }()
		for ; ; n++ {
			select {
			case <-end:
				return
			default:
			}
			w.produce(w.topic, appID, fmt.Sprintf("player-%d", n), n)
			w.produce(w.topic, otherApp, fmt.Sprintf("held-%d", n), n)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for range rounds {
		for i := range members {
			time.Sleep(pause)
			began := time.Now()
			stops[i]()
			if took := time.Since(began); took > longest {
				w.t.Errorf("a stop took %v", took)
			}
			time.Sleep(pause / 4)
			_, stops[i] = w.start()
		}
	}
	time.Sleep(pause)
	close(end)
	n := <-published
	sick.End()
	w.until("the healthy app's events are delivered", 2*time.Minute, func() bool { return len(w.msdk.Ledger.App(appID)) > n })
	held.End()
	w.until("all is committed", 10*time.Minute, func() bool { return w.committed() == int64(2*n+1) })
	for _, stop := range stops {
		stop()
	}
	if got := len(w.msdk.Ledger.App(appID)); got != n+1 {
		w.t.Errorf("%d events were delivered %d times", n+1, got)
	}
	if got := len(w.msdk.Ledger.App(otherApp)); got != n {
		w.t.Errorf("the held app's %d events were delivered %d times", n, got)
	}
}
