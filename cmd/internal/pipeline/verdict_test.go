package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
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
	well := platform.Condition{Succeeded: t0.Add(time.Second), Proven: true} // calls of the app have succeeded since
	refusing := func(c platform.Condition, refused, declined int) platform.Condition {
		c.Refused, c.Declined = refused, declined
		return c
	}
	decided := map[string]bool{}
	for rule, test := range map[string]struct {
		h    history
		err  msdkclient.Error
		c    platform.Condition
		want verdict
	}{
		"what may pass: again": {
			history{records: 100}, fails(msdkclient.Retry), platform.Condition{}, verdict{fate: again, app: platform.Failing},
		},
		"what may pass, alone: again": {
			history{records: 1}, fails(msdkclient.Retry), platform.Condition{}, verdict{fate: again, app: platform.Failing},
		},
		"a bar that one call is told of: again": {
			history{records: 100}, fails(msdkclient.AppClass), platform.Condition{Proven: true}, verdict{fate: again, app: platform.Barred},
		},
		"a bar that one call is told of, and nothing has succeeded lately: hold": {
			history{records: 100}, fails(msdkclient.AppClass), platform.Condition{}, verdict{fate: hold, app: platform.Barred},
		},
		"a bar that five in a row are told of: hold, never apart": {
			history{records: 100}, fails(msdkclient.AppClass), platform.Condition{Failures: 4, Bars: 4, Proven: true}, verdict{fate: hold, app: platform.Barred},
		},
		"a wrong call that five in a row are told of: hold, never apart": {
			history{records: 100}, fails(msdkclient.Endpoint), platform.Condition{Failures: 4, Bars: 4, Proven: true}, verdict{fate: hold, app: platform.Barred},
		},
		"twenty failures in a row: hold": {
			history{records: 100}, fails(msdkclient.Retry), platform.Condition{Failures: 19}, verdict{fate: hold, app: platform.Failing},
		},
		"whatever fails while the app is held: hold": {
			history{records: 100, elapsed: time.Hour}, fails(msdkclient.Retry), platform.Condition{Held: true}, verdict{fate: hold, app: platform.Failing},
		},
		"a first failure while others succeed is no strike": {
			history{records: 100}, fails(msdkclient.Retry), well, verdict{fate: again, app: platform.Failing},
		},
		"a success that had begun before the failure proves nothing": {
			before(100, 2), fails(msdkclient.AppClass), platform.Condition{Succeeded: t0, Proven: true}, verdict{fate: again, app: platform.Barred, strikes: 2},
		},
		"a second strike: again": {
			before(100, 1), fails(msdkclient.Retry), well, verdict{fate: again, app: platform.Failing, strikes: 2},
		},
		"the third strike, a server error: apart, and it says nothing of the app": {
			before(100, 2), fails(msdkclient.Retry), well, verdict{fate: apart, strikes: 3, suspect: true},
		},
		"the third strike, a bar: likewise": {
			before(100, 2), fails(msdkclient.AppClass), well, verdict{fate: apart, strikes: 3, suspect: true},
		},
		"the third strike, a wrong call: likewise": {
			before(100, 2), fails(msdkclient.Endpoint), well, verdict{fate: apart, strikes: 3, suspect: true},
		},
		"the third strike, too fast: likewise, and the app need not wait": {
			before(100, 2), fails(msdkclient.Throttle), well, verdict{fate: apart, strikes: 3, suspect: true, wait: time.Second},
		},
		"the third strike of a single record: again, on its own clock": {
			before(1, 2), fails(msdkclient.AppClass), well, verdict{fate: again, strikes: 3, suspect: true},
		},
		"three strikes where a third of the calls fail: again": {
			before(100, 2), fails(msdkclient.AppClass), platform.Condition{Succeeded: well.Succeeded, Failing: 1. / 3, Proven: true}, verdict{fate: again, app: platform.Barred, strikes: 3},
		},
		"seven strikes where a third of the calls fail: apart": {
			before(100, 6), fails(msdkclient.AppClass), platform.Condition{Succeeded: well.Succeeded, Failing: 1. / 3, Proven: true}, verdict{fate: apart, strikes: 7, suspect: true},
		},
		"a suspect's failure holds nobody": {
			history{records: 1, suspect: true, failed: t0}, fails(msdkclient.AppClass), platform.Condition{Failures: 19, Bars: 4}, verdict{fate: again, suspect: true},
		},
		"a suspect while the app is held: hold": {
			history{records: 2, suspect: true, failed: t0}, fails(msdkclient.Retry), platform.Condition{Held: true}, verdict{fate: hold, suspect: true},
		},
		"a single record, tried for long enough: given up": {
			history{records: 1, elapsed: 5 * time.Minute}, fails(msdkclient.Retry), platform.Condition{}, verdict{fate: exhaust, app: platform.Failing},
		},
		"several, tried for long enough: apart, it may be the fault of one": {
			history{records: 2, elapsed: 5 * time.Minute}, fails(msdkclient.Retry), platform.Condition{}, verdict{fate: apart, app: platform.Failing},
		},
		"too fast: later, all of the app": {
			history{records: 100, elapsed: time.Hour}, fails(msdkclient.Throttle), platform.Condition{Held: true}, verdict{fate: later, wait: time.Second, pause: time.Second},
		},
		"too fast, of one user: later, it alone": {
			history{records: 1}, msdkclient.Error{Class: msdkclient.Throttle, Ret: msdkclient.RetOneUser}, platform.Condition{}, verdict{fate: later, wait: time.Second},
		},
		"too fast for longer than max_hold: a retry": {
			history{records: 1, waited: time.Hour}, fails(msdkclient.Throttle), platform.Condition{}, verdict{fate: again, wait: time.Second, pause: time.Second},
		},
		"a bad record in a batch: apart": {
			before(2, 2), fails(msdkclient.Record), platform.Condition{}, verdict{fate: apart, app: platform.Answered},
		},
		"a bad record in a batch, the app held for another reason: apart": {
			history{records: 2}, fails(msdkclient.Record), platform.Condition{Held: true}, verdict{fate: apart, app: platform.Answered},
		},
		"a bad record alone, while others are accepted: never": {
			before(1, 0), fails(msdkclient.Record), well, verdict{fate: reject, app: platform.Outlier},
		},
		"a bad record alone, and nothing known of others: in doubt": {
			history{records: 1}, fails(msdkclient.Record), platform.Condition{}, verdict{fate: doubt, app: platform.Declined, wait: doubtFor},
		},
		"the twentieth player refused in a row: hold": {
			before(1, 0), fails(msdkclient.Record), platform.Condition{Refused: 20, Declined: 20}, verdict{fate: hold, app: platform.Declined},
		},
		"the twentieth player refused in a row, beside whom others were accepted: in doubt, for longer": {
			before(1, 0), fails(msdkclient.Record), refusing(well, 20, 1), verdict{fate: doubt, app: platform.Outlier, wait: longDoubt},
		},
		"likewise, and others refused beside whom nobody was accepted: what these are decides": {
			before(1, 0), fails(msdkclient.Record), refusing(well, 39, 20), verdict{fate: doubt, app: platform.Outlier, wait: longDoubt},
		},
		"a batch of an app that is held for refusals: hold, never apart": {
			history{records: 100}, fails(msdkclient.Record), platform.Condition{Held: true, Refusing: true}, verdict{fate: hold, app: platform.Answered},
		},
	} {
		if got := judge(test.h, &test.err, test.c, &d); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", rule, got, test.want)
		}
		decided[newFailure(test.h, &test.err, test.c, &d).rule().says] = true
	}
	for _, r := range rules {
		if !decided[r.says] {
			t.Errorf("no case is decided by the rule: %s", r.says)
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
