package pipeline_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestRetryAfterHoldsTheWholeApp(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]msdktest.Answer{
		"in seconds": {HTTP: 429, RetryAfter: "40"},
		"as a date":  {HTTP: 503, RetryAfter: "Sat, 01 Jan 2000 00:00:40 GMT"}, // virtual time begins at 2000-01-01
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(w *world) {
				var calls []call
				var asked atomic.Bool
				w.watch(&calls, 0, func(*msdktest.Request) msdktest.Answer {
					if asked.Swap(true) {
						return msdktest.Answer{}
					}
					return answer
				})
				w.cfg.Delivery.MaxInFlight = 1
				w.cfg.Batch.MaxRecords = 1
				w.publishMany("player", 10)
				p, stop := w.start()
				w.settled(p, 10, time.Hour)
				stop()
				if wait := calls[1].began.Sub(calls[0].ended); wait < 38*time.Second || wait > time.Minute {
					w.t.Errorf("the next call came after %s, asked were about 40s", wait)
				}
			})
		})
	}
}

func TestThrottleSaysNothingOfHealth(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.Breaker.Failures = 1
		storm := new(msdktest.Outage)
		storm.Begin(msdktest.Answer{Ret: -20000, Msg: "45009,reach max api limit"})
		var calls []call
		w.watch(&calls, 0, storm.Rule)
		w.publishMany("player", 50)
		p, stop := w.start()
		time.Sleep(time.Minute)
		if held := p.Stats().Held; len(held) > 0 {
			w.t.Errorf("held: %v", held)
		}
		storm.End()
		w.settled(p, 50, time.Minute)
		stop()
		for i := 1; i < len(calls); i++ {
			if wait := calls[i].began.Sub(calls[i-1].ended); wait < time.Second && calls[i].began.Before(calls[0].began.Add(time.Minute)) && wait > 0 {
				w.t.Fatalf("call %d came %s after a throttled one", i, wait)
			}
		}
		if w.msdk.Ledger.Len() != 50 {
			w.t.Errorf("%d delivered", w.msdk.Ledger.Len())
		}
	})
}

// TestUserIsNamedOnceASecond relies on the simulator, which refuses a second
// call for a user within a second.
func TestUserIsNamedOnceASecond(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"battle_report", "wxscore"} {
		t.Run(route, func(t *testing.T) {
			virtual(t, func(w *world) {
				w.cfg.Apps[0].Route = route
				w.cfg.Batch.MaxRecords = 2
				for range 4 {
					w.publishMany("player", 5)
				}
				p, stop := w.start()
				w.settled(p, 20, time.Hour)
				stop()
				if n := w.msdk.Ledger.Outcomes()["ret -503"]; n > 0 {
					w.t.Errorf("%d calls named a user too early", n)
				}
				if w.msdk.Ledger.Len() != 20 {
					w.t.Errorf("%d delivered", w.msdk.Ledger.Len())
				}
			})
		})
	}
}
