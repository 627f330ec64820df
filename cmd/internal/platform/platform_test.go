package platform

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

func TestBreaker(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	b := newBreaker(config.Breaker{Failures: 6, Cooldown: 10 * time.Second})
	step := func(what string, want State, wantNext time.Time) {
		t.Helper()
		if b.State() != want || want == Open && !b.until.Equal(wantNext) {
			t.Fatalf("%s: breaker is %s until %v, want %s until %v", what, b.State(), b.until, want, wantNext)
		}
	}
	fail := func(s, times int, w Word, user string, probe bool) {
		if probe {
			b.Probing()
		}
		for range times {
			c := b.condition(user)
			c.Proven = true
			b.Failure(at(s), w, c, user, "why", probe)
		}
	}
	fail(0, 5, Failing, "a", false)
	step("five failures", Closed, t0)
	b.Success(at(0), false)
	fail(1, 5, Failing, "a", false)
	step("a success begins the count anew", Closed, t0)
	fail(1, 1, Failing, "a", false)
	step("six in a row", Open, at(11))
	fail(5, 1, Failing, "a", false)
	b.Success(at(5), false)
	step("calls that had begun before change nothing", Open, at(11))
	b.Probing()
	if _, ok := b.Ready(); ok {
		t.Fatal("two probes at once")
	}
	fail(12, 1, Barred, "a", true)
	step("the probe fails", Open, at(22))
	if !b.since.Equal(at(1)) {
		t.Fatalf("open since %v", b.since)
	}
	if got := b.clock(at(20)); !got.Equal(at(1)) {
		t.Fatalf("the clock says %v at 20s, it stopped at 1s", got)
	}
	b.Probing()
	b.Unprobed(at(23))
	step("a probe without verdict is made again", Open, at(23))
	b.Probing()
	if held, changed := b.Success(at(31), true); !changed || held != 30*time.Second {
		t.Fatalf("the probe succeeds: %v, after %s", changed, held)
	}
	if got := b.clock(at(41)); !got.Equal(at(11)) {
		t.Fatalf("the clock says %v at 41s, it stood still for 30s", got)
	}

	fail(50, 5, Barred, "a", false)
	step("five bars in a row: soon somebody else is asked", Open, at(51))
	for _, ask := range []struct{ at, next int }{{51, 53}, {53, 57}, {57, 65}, {65, 75}} {
		fail(ask.at, 1, Barred, "a", true)
		step("then more seldom, up to the cooldown", Open, at(ask.next))
	}
	fail(75, 1, Answered, "a", true)
	step("a probe is told that its content is bad: the app is up", Closed, t0)

	fail(80, 10, Declined, "a", false)
	step("one player refused ten times", Closed, t0)
	for i, user := range []string{"b", "c", "d", "e", "f"} {
		step("fewer than six players refused", Closed, t0)
		fail(81+i, 1, Declined, user, false)
	}
	step("six players refused in a row", Open, at(86))
	fail(86, 1, Declined, "g", true)
	step("a seventh as a probe", Open, at(88))
	b.Probing()
	b.Success(at(88), true)
	step("one is accepted", Closed, t0)
	fail(90, 1, Declined, "h", false)
	step("the count has begun anew", Closed, t0)
	for _, user := range []string{"i", "j", "k", "l", "m", "n", "o"} {
		fail(91, 1, Outlier, user, false)
	}
	step("seven players refused, beside whom others were accepted", Closed, t0)
	for i, user := range []string{"i", "j", "k", "l", "m"} {
		step("fewer than six refused beside whom nobody was", Closed, t0)
		fail(92+i, 1, Declined, user, false)
	}
	step("six", Open, at(97))
}

func TestNamed(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := newNamed()
	pick := func(now time.Time, wantUser string, wantWait time.Duration, users ...string) {
		t.Helper()
		user, free := n.Pick(now, func(yield func([]byte) bool) {
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
	n.Called(t0, "a")
	pick(t0.Add(300*time.Millisecond), "b", 0, "a", "b")
	n.Called(t0.Add(300*time.Millisecond), "b")
	pick(t0.Add(500*time.Millisecond), "a", 500*time.Millisecond, "b", "a")
	pick(t0.Add(time.Second), "a", 0, "b", "a")
	n.Called(t0.Add(time.Second), "a")
	pick(t0.Add(time.Hour), "a", 0, "a", "b")
	if len(n.until) != 0 || len(n.order) != 0 {
		t.Errorf("%d users are remembered an hour later", len(n.until))
	}
}
