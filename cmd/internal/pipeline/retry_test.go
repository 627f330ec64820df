package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

func TestJudge(t *testing.T) {
	for rule, test := range map[string]struct {
		class         msdkclient.Class
		records       int
		suspect, held bool
		want          verdict
	}{
		"a bad record in a batch: take it apart":                 {msdkclient.Record, 2, false, false, apart},
		"a bad record in a batch while probing: take it apart":   {msdkclient.Record, 2, false, true, apart},
		"a bad record alone: reject it":                          {msdkclient.Record, 1, false, false, reject},
		"what passes: again":                                     {msdkclient.Retry, 100, false, false, again},
		"what passes, alone: again":                              {msdkclient.Retry, 1, false, false, again},
		"what should pass and strikes this batch only: apart":    {msdkclient.Retry, 2, true, false, apart},
		"what should pass and strikes this record only: again":   {msdkclient.Retry, 1, true, false, again},
		"what passes while the app is held: no retry is counted": {msdkclient.Retry, 100, false, true, hold},
		"too fast: again":                                        {msdkclient.Throttle, 100, false, false, again},
		"a bad app: hold, never apart":                           {msdkclient.AppClass, 100, true, false, hold},
		"a wrong call: hold, never apart":                        {msdkclient.Endpoint, 100, true, false, hold},
		"a bad app, one record: hold":                            {msdkclient.AppClass, 1, false, false, hold},
	} {
		if got := judge(test.class, test.records, test.suspect, test.held); got != test.want {
			t.Errorf("%s: got %d, want %d", rule, got, test.want)
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
	b := newBreaker(config.Breaker{Failures: 3, Cooldown: 10 * time.Second})
	step := func(what string, want breakerState, got bool, wantChange bool) {
		t.Helper()
		if b.get() != want || got != wantChange {
			t.Fatalf("%s: breaker is %s (changed %v), want %s (%v)", what, b.get(), got, want, wantChange)
		}
	}
	step("one failure", closed, b.failure(at(0), false, ""), false)
	step("two", closed, b.failure(at(0), false, ""), false)
	_, changed := b.success(at(0))
	step("a success begins the count anew", closed, changed, false)
	b.failure(at(1), false, "")
	b.failure(at(1), false, "")
	step("three in a row", open, b.failure(at(1), false, "down"), true)
	step("a late failure does not prolong it", open, b.failure(at(5), false, ""), false)
	if ready, ok := b.ready(); !ok || !ready.Equal(at(11)) {
		t.Fatalf("probe at %v, %v", ready, ok)
	}
	b.probing()
	if _, ok := b.ready(); ok {
		t.Fatal("two probes at once")
	}
	step("the probe fails", open, b.failure(at(12), false, ""), false)
	if ready, _ := b.ready(); !ready.Equal(at(22)) || !b.since.Equal(at(1)) {
		t.Fatalf("next probe at %v, open since %v", ready, b.since)
	}
	if got := b.clock(at(20)); !got.Equal(at(1)) {
		t.Fatalf("the clock says %v at 20s, it stopped at 1s", got)
	}
	b.probing()
	b.unprobed(at(23))
	if ready, ok := b.ready(); !ok || !ready.Equal(at(23)) {
		t.Fatalf("a probe without verdict is made again: %v, %v", ready, ok)
	}
	b.probing()
	wasOpen, changed := b.success(at(31))
	step("the probe succeeds", closed, changed, true)
	if wasOpen != 30*time.Second {
		t.Fatalf("it was open for %s", wasOpen)
	}
	if got := b.clock(at(41)); !got.Equal(at(11)) {
		t.Fatalf("the clock says %v at 41s, it stood still for 30s", got)
	}
	step("a fatal failure opens at once", open, b.failure(at(50), true, ""), true)
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
