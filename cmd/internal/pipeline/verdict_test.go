package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

func TestJudge(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := config.Default().Delivery // breaker.failures 20, retry.max_elapsed 5m, max_hold 1h
	fails := func(c msdkclient.Class) msdkclient.Error { return msdkclient.Error{Class: c} }
	// before is of a batch that has failed before, at t0.
	before := func(records, strikes int) history {
		return history{records: records, strikes: strikes, since: t0, failed: t0}
	}
	well := condition{succeeded: t0.Add(time.Second), proven: true} // calls of the app have succeeded since
	refusing := func(c condition, refused, declined int) condition {
		c.refused, c.declined = refused, declined
		return c
	}
	for rule, test := range map[string]struct {
		h    history
		err  msdkclient.Error
		c    condition
		want verdict
	}{
		"what may pass: again": {
			history{records: 100}, fails(msdkclient.Retry), condition{}, verdict{batch: again, app: failing},
		},
		"what may pass, alone: again": {
			history{records: 1}, fails(msdkclient.Retry), condition{}, verdict{batch: again, app: failing},
		},
		"a bar that one call is told of: again": {
			history{records: 100}, fails(msdkclient.AppClass), condition{proven: true}, verdict{batch: again, app: barred},
		},
		"a bar that one call is told of, and nothing has succeeded lately: hold": {
			history{records: 100}, fails(msdkclient.AppClass), condition{}, verdict{batch: hold, app: barred},
		},
		"a bar that five in a row are told of: hold, never apart": {
			history{records: 100}, fails(msdkclient.AppClass), condition{failures: 4, bars: 4, proven: true}, verdict{batch: hold, app: barred},
		},
		"a wrong call that five in a row are told of: hold, never apart": {
			history{records: 100}, fails(msdkclient.Endpoint), condition{failures: 4, bars: 4, proven: true}, verdict{batch: hold, app: barred},
		},
		"twenty failures in a row: hold": {
			history{records: 100}, fails(msdkclient.Retry), condition{failures: 19}, verdict{batch: hold, app: failing},
		},
		"whatever fails while the app is held: hold": {
			history{records: 100, elapsed: time.Hour}, fails(msdkclient.Retry), condition{held: true}, verdict{batch: hold, app: failing},
		},
		"a first failure while others succeed is no strike": {
			history{records: 100}, fails(msdkclient.Retry), well, verdict{batch: again, app: failing},
		},
		"a success that had begun before the failure proves nothing": {
			before(100, 2), fails(msdkclient.AppClass), condition{succeeded: t0, proven: true}, verdict{batch: again, app: barred, strikes: 2},
		},
		"a second strike: again": {
			before(100, 1), fails(msdkclient.Retry), well, verdict{batch: again, app: failing, strikes: 2},
		},
		"the third strike, a server error: apart, and it says nothing of the app": {
			before(100, 2), fails(msdkclient.Retry), well, verdict{batch: apart, strikes: 3, suspect: true},
		},
		"the third strike, a bar: likewise": {
			before(100, 2), fails(msdkclient.AppClass), well, verdict{batch: apart, strikes: 3, suspect: true},
		},
		"the third strike, a wrong call: likewise": {
			before(100, 2), fails(msdkclient.Endpoint), well, verdict{batch: apart, strikes: 3, suspect: true},
		},
		"the third strike, too fast: likewise, and the app need not wait": {
			before(100, 2), fails(msdkclient.Throttle), well, verdict{batch: apart, strikes: 3, suspect: true, wait: time.Second},
		},
		"the third strike of a single record: again, on its own clock": {
			before(1, 2), fails(msdkclient.AppClass), well, verdict{batch: again, strikes: 3, suspect: true},
		},
		"three strikes where a third of the calls fail: again": {
			before(100, 2), fails(msdkclient.AppClass), condition{succeeded: well.succeeded, failing: 1. / 3, proven: true}, verdict{batch: again, app: barred, strikes: 3},
		},
		"seven strikes where a third of the calls fail: apart": {
			before(100, 6), fails(msdkclient.AppClass), condition{succeeded: well.succeeded, failing: 1. / 3, proven: true}, verdict{batch: apart, strikes: 7, suspect: true},
		},
		"a suspect's failure holds nobody": {
			history{records: 1, suspect: true, failed: t0}, fails(msdkclient.AppClass), condition{failures: 19, bars: 4}, verdict{batch: again, suspect: true},
		},
		"a suspect while the app is held: hold": {
			history{records: 2, suspect: true, failed: t0}, fails(msdkclient.Retry), condition{held: true}, verdict{batch: hold, suspect: true},
		},
		"a single record, tried for long enough: given up": {
			history{records: 1, elapsed: 5 * time.Minute}, fails(msdkclient.Retry), condition{}, verdict{batch: exhaust, app: failing},
		},
		"several, tried for long enough: apart, it may be the fault of one": {
			history{records: 2, elapsed: 5 * time.Minute}, fails(msdkclient.Retry), condition{}, verdict{batch: apart, app: failing},
		},
		"too fast: later, all of the app": {
			history{records: 100, elapsed: time.Hour}, fails(msdkclient.Throttle), condition{held: true}, verdict{batch: later, wait: time.Second, pause: time.Second},
		},
		"too fast, of one user: later, it alone": {
			history{records: 1}, msdkclient.Error{Class: msdkclient.Throttle, Ret: retOneUser}, condition{}, verdict{batch: later, wait: time.Second},
		},
		"too fast for longer than max_hold: a retry": {
			history{records: 1, waited: time.Hour}, fails(msdkclient.Throttle), condition{}, verdict{batch: again, wait: time.Second, pause: time.Second},
		},
		"a bad record in a batch: apart": {
			before(2, 2), fails(msdkclient.Record), condition{}, verdict{batch: apart, app: answered},
		},
		"a bad record in a batch, the app held for another reason: apart": {
			history{records: 2}, fails(msdkclient.Record), condition{held: true}, verdict{batch: apart, app: answered},
		},
		"a bad record alone, while others are accepted: never": {
			before(1, 0), fails(msdkclient.Record), well, verdict{batch: reject, app: outlier},
		},
		"a bad record alone, and nothing known of others: in doubt": {
			history{records: 1}, fails(msdkclient.Record), condition{}, verdict{batch: doubt, app: declined, wait: doubtFor},
		},
		"the twentieth player refused in a row: hold": {
			before(1, 0), fails(msdkclient.Record), condition{refused: 20, declined: 20}, verdict{batch: hold, app: declined},
		},
		"the twentieth player refused in a row, beside whom others were accepted: in doubt, for longer": {
			before(1, 0), fails(msdkclient.Record), refusing(well, 20, 1), verdict{batch: doubt, app: outlier, wait: longDoubt},
		},
		"likewise, and others refused beside whom nobody was accepted: what these are decides": {
			before(1, 0), fails(msdkclient.Record), refusing(well, 39, 20), verdict{batch: doubt, app: outlier, wait: longDoubt},
		},
		"a batch of an app that is held for refusals: hold, never apart": {
			history{records: 100}, fails(msdkclient.Record), condition{held: true, refusing: true}, verdict{batch: hold, app: answered},
		},
	} {
		if got := judge(test.h, &test.err, test.c, &d); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", rule, got, test.want)
		}
	}
}

func TestRetryAfterWithinReason(t *testing.T) {
	for rule, test := range map[string]struct {
		err  msdkclient.Error
		want time.Duration
	}{
		"as asked":                          {msdkclient.Error{Class: msdkclient.Retry, RetryAfter: 7 * time.Second}, 7 * time.Second},
		"not asked":                         {msdkclient.Error{Class: msdkclient.Retry}, 0},
		"at least a second when throttled":  {msdkclient.Error{Class: msdkclient.Throttle}, time.Second},
		"five minutes when asked for a day": {msdkclient.Error{Class: msdkclient.Throttle, RetryAfter: 24 * time.Hour}, 5 * time.Minute},
	} {
		if got := retryAfter(&test.err); got != test.want {
			t.Errorf("%s: got %s, want %s", rule, got, test.want)
		}
	}
}

func TestBreaker(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	b := newBreaker(config.Breaker{Failures: 6, Cooldown: 10 * time.Second})
	step := func(what string, want breakerState, wantNext time.Time) {
		t.Helper()
		if b.get() != want || want == open && !b.until.Equal(wantNext) {
			t.Fatalf("%s: breaker is %s until %v, want %s until %v", what, b.get(), b.until, want, wantNext)
		}
	}
	fail := func(s, times int, w word, user string, probe bool) {
		if probe {
			b.probing()
		}
		for range times {
			c := b.condition(user)
			c.proven = true
			b.failure(at(s), w, c, user, "why", probe)
		}
	}
	fail(0, 5, failing, "a", false)
	step("five failures", closed, t0)
	b.success(at(0), false)
	fail(1, 5, failing, "a", false)
	step("a success begins the count anew", closed, t0)
	fail(1, 1, failing, "a", false)
	step("six in a row", open, at(11))
	fail(5, 1, failing, "a", false)
	b.success(at(5), false)
	step("calls that had begun before change nothing", open, at(11))
	b.probing()
	if _, ok := b.ready(); ok {
		t.Fatal("two probes at once")
	}
	fail(12, 1, barred, "a", true)
	step("the probe fails", open, at(22))
	if !b.since.Equal(at(1)) {
		t.Fatalf("open since %v", b.since)
	}
	if got := b.clock(at(20)); !got.Equal(at(1)) {
		t.Fatalf("the clock says %v at 20s, it stopped at 1s", got)
	}
	b.probing()
	b.unprobed(at(23))
	step("a probe without verdict is made again", open, at(23))
	b.probing()
	if wasOpen, changed := b.success(at(31), true); !changed || wasOpen != 30*time.Second {
		t.Fatalf("the probe succeeds: %v, after %s", changed, wasOpen)
	}
	if got := b.clock(at(41)); !got.Equal(at(11)) {
		t.Fatalf("the clock says %v at 41s, it stood still for 30s", got)
	}

	fail(50, 5, barred, "a", false)
	step("five bars in a row: soon somebody else is asked", open, at(51))
	for _, ask := range []struct{ at, next int }{{51, 53}, {53, 57}, {57, 65}, {65, 75}} {
		fail(ask.at, 1, barred, "a", true)
		step("then more seldom, up to the cooldown", open, at(ask.next))
	}
	fail(75, 1, answered, "a", true)
	step("a probe is told that its content is bad: the app is up", closed, t0)

	fail(80, 10, declined, "a", false)
	step("one player refused ten times", closed, t0)
	for i, user := range []string{"b", "c", "d", "e", "f"} {
		step("fewer than six players refused", closed, t0)
		fail(81+i, 1, declined, user, false)
	}
	step("six players refused in a row", open, at(86))
	fail(86, 1, declined, "g", true)
	step("a seventh as a probe", open, at(88))
	b.probing()
	b.success(at(88), true)
	step("one is accepted", closed, t0)
	fail(90, 1, declined, "h", false)
	step("the count has begun anew", closed, t0)
	for _, user := range []string{"i", "j", "k", "l", "m", "n", "o"} {
		fail(91, 1, outlier, user, false)
	}
	step("seven players refused, beside whom others were accepted", closed, t0)
	for i, user := range []string{"i", "j", "k", "l", "m"} {
		step("fewer than six refused beside whom nobody was", closed, t0)
		fail(92+i, 1, declined, user, false)
	}
	step("six", open, at(97))
}

func TestNamed(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := newNamed()
	pick := func(now time.Time, wantUser string, wantWait time.Duration, users ...string) {
		t.Helper()
		user, free := n.pick(now, func(yield func([]byte) bool) {
			for _, u := range users {
				if !yield([]byte(u)) {
					return
				}
			}
		})
		if user != wantUser || free.Sub(now) != wantWait {
			t.Errorf("picked %s in %s, want %s in %s", user, free.Sub(now), wantUser, wantWait)
		}
	}
	pick(t0, "a", 0, "a", "b")
	n.called(t0, "a")
	pick(t0.Add(300*time.Millisecond), "b", 0, "a", "b")
	n.called(t0.Add(300*time.Millisecond), "b")
	pick(t0.Add(500*time.Millisecond), "a", 500*time.Millisecond, "b", "a")
	pick(t0.Add(time.Second), "a", 0, "b", "a")
	n.called(t0.Add(time.Second), "a")
	pick(t0.Add(time.Hour), "a", 0, "a", "b")
	if len(n.until) != 0 || len(n.order) != 0 {
		t.Errorf("%d users are remembered an hour later", len(n.until))
	}
}
