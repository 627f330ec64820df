package platform

import (
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// State is what a breaker lets through.
type State int32

// The states.
const (
	Closed   State = iota // everything
	Open                  // nothing, until it is time for a probe
	HalfOpen              // one small batch as a probe, and nothing beside it
)

func (s State) String() string {
	return [...]string{Closed: "closed", Open: "open", HalfOpen: "half-open"}[s]
}

// Breaker stops an app's calls when they fail one after the other. What is said of everybody is believed sooner, and
// asked again sooner: see firstProbe.
type Breaker struct {
	cfg    config.Breaker
	state  atomic.Int32 // State
	opened atomic.Int64 // how often

	failures, bars, declined int             // see [Condition]
	refused                  map[string]Word // players of whom a single record was refused, in a row: Declined or Outlier

	until    time.Time     // open: when to probe
	pause    time.Duration // before the next probe but one
	since    time.Time     // not closed: since when
	refusing bool          // not closed: for refusals
	why      string        // not closed: the failure that opened it, or the last probe's

	stopped time.Duration // all time spent not closed, in the past
}

// firstProbe is how long after it has opened for what is said of everybody a breaker asks whether somebody else is told
// the same. From then on it takes twice the time, up to the cooldown.
const firstProbe = time.Second

func newBreaker(cfg config.Breaker) *Breaker {
	return &Breaker{cfg: cfg, refused: map[string]Word{}}
}

// State is what the breaker lets through now. Safe for concurrent use.
func (b *Breaker) State() State { return State(b.state.Load()) }

// Held tells whether the app is held: the breaker is not closed. Safe for concurrent use.
func (b *Breaker) Held() bool { return b.State() != Closed }

// Opened is how often the breaker has opened, a probe that fails aside. Safe for concurrent use.
func (b *Breaker) Opened() int64 { return b.opened.Load() }

// Since is when the app was held first, and why it is; good while it is held.
func (b *Breaker) Since() (since time.Time, why string) { return b.since, b.why }

// Failing tells whether so many calls have failed in a row that the breaker is a good part of its way to open.
func (b *Breaker) Failing() bool { return b.failures >= max(1, b.cfg.Failures/4) }

func (b *Breaker) set(s State) { b.state.Store(int32(s)) }

// Ready is the time from which on a call may be made; false while a probe is under way.
func (b *Breaker) Ready() (time.Time, bool) {
	switch b.State() {
	case Open:
		return b.until, true
	case HalfOpen:
		return time.Time{}, false
	default:
		return time.Time{}, true
	}
}

// Probing marks that the probe is under way.
func (b *Breaker) Probing() { b.set(HalfOpen) }

// Unprobed takes Probing back: the probe brought no verdict, and another may be made at a time.
func (b *Breaker) Unprobed(next time.Time) {
	if b.State() == HalfOpen {
		b.until = next
		b.set(Open)
	}
}

// Success begins all counts anew. Of a probe it closes the breaker: other calls that end while it is not closed had
// begun before. It returns whether the breaker has closed, and for how long it had not been.
func (b *Breaker) Success(now time.Time, probe bool) (held time.Duration, changed bool) {
	b.failures, b.bars, b.declined = 0, 0, 0
	clear(b.refused)
	if !probe || !b.Held() {
		return 0, false
	}
	return b.close(now), true
}

func (b *Breaker) close(now time.Time) (held time.Duration) {
	b.set(Closed)
	held = now.Sub(b.since)
	b.stopped += held
	return held
}

// Failure takes in what a failed call says of an app in that condition. It returns the breaker's change of state, if it
// has become open or closed.
func (b *Breaker) Failure(now time.Time, w Word, c Condition, user, why string, probe bool) (opened, changed bool) {
	switch w {
	case Nothing:
	case Answered, Declined, Outlier:
		b.failures, b.bars = 0, 0
		if w != Answered && b.refused[user] != Declined {
			b.refused[user] = w
			if w == Declined {
				b.declined++
			}
		}
	case Failing:
		b.failures++
		b.bars = 0
	case Barred:
		b.failures++
		b.bars++
	}
	up := w == Answered || w == Declined || w == Outlier
	switch {
	case !b.Held() && c.Opens(w, b.cfg):
		b.since, b.refusing, b.pause = now, w == Declined, firstProbe
		if w == Failing {
			b.pause = b.cfg.Cooldown
		}
		b.reopen(now, why)
		b.opened.Add(1)
		return true, true
	case probe && up && !b.refusing:
		b.close(now)
		return false, true
	case probe:
		b.reopen(now, why)
	}
	return false, false
}

// reopen opens the breaker until the next probe.
func (b *Breaker) reopen(now time.Time, why string) {
	b.why = why
	b.pause = min(b.pause, b.cfg.Cooldown)
	b.until = now.Add(b.pause)
	b.pause *= 2
	b.set(Open)
}

// condition is the breaker's part of an app's, with a single record of the user counted as refused.
func (b *Breaker) condition(user string) Condition {
	c := Condition{
		Held: b.Held(), Refusing: b.refusing,
		Failures: b.failures, Bars: b.bars, Refused: len(b.refused), Declined: b.declined,
	}
	w, counted := b.refused[user]
	if !counted {
		c.Refused++
	}
	if w != Declined {
		c.Declined++
	}
	return c
}

// clock is the time for retry schedules: it stands still while the breaker is not closed.
func (b *Breaker) clock(now time.Time) time.Time {
	stopped := b.stopped
	if b.Held() {
		stopped += now.Sub(b.since)
	}
	return now.Add(-stopped)
}

// Now is the time for retry schedules: it stands still while the app is held.
func (b *Breaker) Now() time.Time { return b.clock(time.Now()) }
