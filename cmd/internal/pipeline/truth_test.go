package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// expectMeasured expects what is measured, written as meter has it; apps by one and two.
func (w *world) expectMeasured(when string, values map[string]float64, want map[string]float64) {
	w.t.Helper()
	names := strings.NewReplacer("{one", "{"+appID, "{two", "{"+otherApp)
	for key, v := range want {
		if got, is := values[names.Replace(key)]; !is || math.Abs(got-v) > .01 {
			w.t.Errorf("%s: %s is %v (there: %v), want %v", when, key, got, is, v)
		}
	}
}

func TestCountersAgreeWithTheLedgerAndWithEachOther(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.addApp(otherApp, w.topic)
		w.cfg.Batch.MaxRecords = 10
		w.msdk.SetRules(
			msdktest.Poison(msdktest.Answer{Ret: -1011}, "a-3"),
			msdktest.Random(1, .2, msdktest.Answer{Ret: -2001}),
		)
		all := w.meter()
		w.mixed(500, 50, appID, otherApp)
		for i := range 7 {
			w.publish(fmt.Sprint("bad-", i), "{")
			w.produce(w.topic, "wx-unknown", fmt.Sprint("stranger-", i), i)
		}
		p, stop := w.start()
		w.settled(p, 1014, time.Hour)
		time.Sleep(time.Second)
		values := all()
		ledger := float64(w.msdk.Ledger.Len())
		letters := float64(len(w.letters()))
		calls := float64(w.calls())
		if letters < 14+10 || ledger+letters != 1014 {
			w.t.Fatalf("%v delivered, %v letters: nothing is to be seen", ledger, letters)
		}
		for name, want := range map[string]float64{
			"consumer.records": 1014, "checked": 1014, "delivered": ledger, "dead_letters": letters,
			"msdk.calls": calls, "msdk.answers": calls, "msdk.call.duration": calls, "batch.records": calls, "batch.bytes": calls, "batch.fill_ratio": calls,
			"pending.records": 0, "pending.bytes": 0, "msdk.calls.in_flight": 0, "dead_letters.waiting": 0, "consumer.lag": 0, "consumer.pending": 0,
		} {
			if got := total(values, name); got != want {
				w.t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		for outcome, want := range map[string]float64{"fit": 1000, "invalid_json": 0, "unknown_app": 14, "expired": 0} {
			if got := values["checked{"+outcome+","+w.topic+"}"]; got != want { // without a header they are nobody's
				w.t.Errorf("%v were found to be %s, want %v", got, outcome, want)
			}
		}
		if ok, accepted := total(values, "delivery.latency"), values["msdk.answers{"+appID+",0}"]+values["msdk.answers{"+otherApp+",0}"]; ok != accepted {
			w.t.Errorf("%v calls were accepted, and how long it took is known of %v", accepted, ok)
		}
		stop()
	})
}

func TestWhatIsShownOfAHeldAppFollowsItThroughARebalanceAndIsGoneWithIt(t *testing.T) {
	t.Parallel()
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		const n = 600
		w.mixed(n, 50, appID, otherApp)
		first := w.meter()
		p, _ := w.start()
		w.until("the other is delivered", time.Hour, func() bool { return p.Stats().Delivered == n })
		time.Sleep(time.Minute)
		kept := func(values map[string]float64) float64 {
			return values["held.records{"+appID+"}"] + values["deferred.records{"+appID+"}"]
		}
		values := first()
		w.expectMeasured("held", values, map[string]float64{
			"breaker.open{one}": 1, "breaker.open{two}": 0, "breaker.opened{one}": 1, "breaker.opened{two}": 0,
			"held.records{two}": 0, "deferred.records{two}": 0, "consumer.partitions{}": 8, "ready{}": 1, "limited{}": 1, "members_wanted{}": 1,
		})
		if kept(values) != n || values["held.records{"+appID+"}"] == 0 || values["deferred.records{"+appID+"}"] != total(values, "consumer.deferred") {
			w.t.Errorf("%v held, %v deferred, of %d", values["held.records{"+appID+"}"], values["deferred.records{"+appID+"}"], n)
		}

		second := w.meter()
		q, stop := w.start()
		w.until("the second is in", 10*time.Minute, func() bool { return len(q.NotReady()) == 0 && len(q.Lag()) == 4 && len(p.Lag()) == 4 })
		time.Sleep(20 * time.Second)
		if a, b := kept(first()), kept(second()); a == 0 || b == 0 || a+b != n {
			w.t.Errorf("of %d that wait, the one shows %v and the other %v", n, a, b)
		}
		stop()
		w.until("the first has all again", 10*time.Minute, func() bool { return len(p.Lag()) == 8 })
		time.Sleep(20 * time.Second)
		if a := kept(first()); a != n {
			w.t.Errorf("of %d that wait, the one that is left shows %v", n, a)
		}

		bar.End()
		w.until("all is delivered", time.Hour, func() bool { return w.msdk.Ledger.Len() == 2*n })
		time.Sleep(time.Minute)
		w.expectMeasured("well again", first(), map[string]float64{
			"breaker.open{one}": 0, "breaker.opened{one}": 1, "held.records{one}": 0, "deferred.records{one}": 0,
			"pending.records{}": 0, "limited{}": 0,
		})
	})
}

func TestWhatIsShownWhileLettersCannotBeWritten(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		all := w.meter()
		accept := w.refuseLetters()
		p, stop := w.start()
		time.Sleep(10 * time.Second)
		w.expectMeasured("well", all(), map[string]float64{"dead_letters.waiting{}": 0, "paused{dead_letters}": 0, "paused{pending}": 0, "ready{}": 1})
		w.publish("bad", "{", "{", "{")
		time.Sleep(time.Minute)
		w.publishMany("player", 100)
		time.Sleep(time.Minute)
		w.expectMeasured("refused", all(), map[string]float64{
			"dead_letters.waiting{}": 3, "paused{dead_letters}": 1, "paused{pending}": 0, "ready{}": 0, "limited{}": 0, "members_wanted{}": 1,
		})
		_, stopOther := w.start() // whose coming makes a generation, with the letters unwritten
		w.until("a rebalance", 5*time.Minute, func() bool { return w.log.contains("drain timeout") })
		stopOther()
		accept()
		w.until("all is settled", 10*time.Minute, func() bool { return w.msdk.Ledger.Len() == 100 && len(w.letters()) == 3 })
		w.until("it holds all partitions", 10*time.Minute, func() bool { return len(p.NotReady()) == 0 && len(p.Lag()) == 8 })
		time.Sleep(10 * time.Second)
		w.expectMeasured("accepted", all(), map[string]float64{"dead_letters.waiting{}": 0, "paused{dead_letters}": 0, "ready{}": 1, "pending.records{}": 0})
		stop()
	})
}

func TestWhatIsShownWhileThereIsNoRoomForMore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxPending, w.cfg.Delivery.MaxHold = 100, 24*time.Hour
		bar := new(msdktest.Outage)
		bar.Begin(msdktest.Answer{Ret: -502})
		w.msdk.SetRules(bar.Rule)
		all := w.meter()
		w.publishMany("player", 1000)
		p, stop := w.start()
		time.Sleep(time.Minute)
		values := all()
		w.expectMeasured("full", values, map[string]float64{
			"paused{pending}": 1, "paused{dead_letters}": 0, "pending.records.limit{}": 100, "held.records{one}": values["pending.records{}"], "ready{}": 1,
		})
		if n := values["pending.records{}"]; n < 50 || n > 100 {
			w.t.Errorf("%v are pending, of 100 that may be", n)
		}
		bar.End()
		w.settled(p, 1000, time.Hour)
		time.Sleep(time.Second)
		w.expectMeasured("all is delivered", all(), map[string]float64{"paused{pending}": 0, "held.records{one}": 0, "pending.records{}": 0, "pending.bytes{}": 0})
		stop()
	})
}

func TestThrottledSecondsAreThoseThatHavePassed(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.addApp(otherApp, w.Topic(w.t, 1))
		var asked atomic.Bool
		w.msdk.SetRules(func(*msdktest.Request) msdktest.Answer {
			if asked.Swap(true) {
				return msdktest.Answer{}
			}
			return msdktest.Answer{HTTP: 429, RetryAfter: "40"}
		})
		all := w.meter()
		w.publish("player", report("player", 1))
		p, stop := w.start()
		w.until("it is told to wait", time.Minute, asked.Load)
		before := all()["throttled{"+appID+"}"]
		time.Sleep(15 * time.Second)
		if now := all()["throttled{"+appID+"}"]; math.Abs(now-before-15) > .1 {
			w.t.Errorf("in 15 s it was throttled for %v s", now-before)
		}
		w.settled(p, 1, time.Minute)
		for range 2 {
			w.expectMeasured("it is over", all(), map[string]float64{"throttled{one}": 40, "throttled{two}": 0})
			time.Sleep(time.Minute)
		}
		stop()
	})
}

func TestWhatIsShownOfAMemberThatCannotJoinIsNothing(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		all := w.meter()
		_, stop := w.start()
		time.Sleep(time.Minute)
		w.expectMeasured("in the group", all(), map[string]float64{"ready{}": 1, "consumer.partitions{}": 8})
		w.Sever()
		time.Sleep(5 * time.Minute)
		values := all()
		w.expectMeasured("alone", values, map[string]float64{
			"ready{}": 0, "consumer.partitions{}": 0, "limited{}": 0, "members_wanted{}": 1, "pending.records{}": 0, "msdk.calls.in_flight{}": 0,
			"paused{pending}": 0, "consumer.paused_partitions{error}": 0,
		})
		for key := range values {
			if strings.HasPrefix(key, "consumer.lag{") || strings.HasPrefix(key, "consumer.age{") {
				w.t.Errorf("%s is shown of a partition that is not held", key)
			}
		}
		w.Restore()
		time.Sleep(time.Minute)
		w.expectMeasured("in the group again", all(), map[string]float64{"ready{}": 1, "consumer.partitions{}": 8})
		stop()
	})
}
