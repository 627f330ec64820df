package pipeline

import (
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// breakerState is what a breaker lets through.
type breakerState int32

const (
	closed   breakerState = iota // everything
	open                         // nothing, until it is time for a probe
	halfOpen                     // one small batch as a probe, and nothing beside it
)

func (s breakerState) String() string {
	return [...]string{closed: "closed", open: "open", halfOpen: "half-open"}[s]
}

// breaker stops an app's calls when they fail one after the other. What is said
// of everybody is believed sooner, and asked again sooner: see firstProbe.
// Belongs to the engine's loop; only state is safe to read from elsewhere.
type breaker struct {
	cfg   config.Breaker
	state atomic.Int32 // breakerState

	failures, bars, declined int             // see condition
	refused                  map[string]word // players of whom a single record was refused, in a row: declined or outlier

	until    time.Time     // open: when to probe
	pause    time.Duration // before the next probe but one
	since    time.Time     // not closed: since when
	refusing bool          // not closed: for refusals
	why      string        // not closed: the failure that opened it, or the last probe's

	stopped time.Duration // all time spent not closed, in the past
}

// firstProbe is how long after it has opened for what is said of everybody a
// breaker asks whether somebody else is told the same. From then on it takes
// twice the time, up to the cooldown.
const firstProbe = time.Second

func newBreaker(cfg config.Breaker) *breaker {
	return &breaker{cfg: cfg, refused: map[string]word{}}
}

func (b *breaker) get() breakerState { return breakerState(b.state.Load()) }

func (b *breaker) set(s breakerState) { b.state.Store(int32(s)) }

// ready is the time from which on a call may be made; false while a probe is
// under way.
func (b *breaker) ready() (time.Time, bool) {
	switch b.get() {
	case open:
		return b.until, true
	case halfOpen:
		return time.Time{}, false
	default:
		return time.Time{}, true
	}
}

// probing marks that the probe is under way.
func (b *breaker) probing() { b.set(halfOpen) }

// unprobed takes probing back: the probe brought no verdict, and another may be
// made at a time.
func (b *breaker) unprobed(next time.Time) {
	if b.get() == halfOpen {
		b.until = next
		b.set(open)
	}
}

// success begins all counts anew. Of a probe it closes the breaker: other calls
// that end while it is not closed had begun before. It returns whether the
// breaker has closed, and for how long it had not been.
func (b *breaker) success(now time.Time, probe bool) (wasOpen time.Duration, changed bool) {
	b.failures, b.bars, b.declined = 0, 0, 0
	clear(b.refused)
	if !probe || b.get() == closed {
		return 0, false
	}
	return b.close(now), true
}

func (b *breaker) close(now time.Time) (wasOpen time.Duration) {
	b.set(closed)
	wasOpen = now.Sub(b.since)
	b.stopped += wasOpen
	return wasOpen
}

// failure takes in what a failed call says of an app in that condition. It
// returns the breaker's change of state, if it has become open or closed.
func (b *breaker) failure(now time.Time, w word, c condition, user, why string, probe bool) (opened, changed bool) {
	switch w {
	case nothing:
	case answered, declined, outlier:
		b.failures, b.bars = 0, 0
		if w != answered && b.refused[user] != declined {
			b.refused[user] = w
			if w == declined {
				b.declined++
			}
		}
	case failing:
		b.failures++
		b.bars = 0
	case barred:
		b.failures++
		b.bars++
	}
	up := w == answered || w == declined || w == outlier
	switch {
	case b.get() == closed && c.opens(w, b.cfg):
		b.since, b.refusing, b.pause = now, w == declined, firstProbe
		if w == failing {
			b.pause = b.cfg.Cooldown
		}
		b.reopen(now, why)
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
func (b *breaker) reopen(now time.Time, why string) {
	b.why = why
	b.pause = min(b.pause, b.cfg.Cooldown)
	b.until = now.Add(b.pause)
	b.pause *= 2
	b.set(open)
}

// condition is the breaker's part of an app's, with a single record of the user
// counted as refused.
func (b *breaker) condition(user string) condition {
	c := condition{
		held: b.get() != closed, refusing: b.refusing,
		failures: b.failures, bars: b.bars, refused: len(b.refused), declined: b.declined,
	}
	w, counted := b.refused[user]
	if !counted {
		c.refused++
	}
	if w != declined {
		c.declined++
	}
	return c
}

// clock is the time for retry schedules: it stands still while the breaker is
// not closed.
func (b *breaker) clock(now time.Time) time.Time {
	stopped := b.stopped
	if b.get() != closed {
		stopped += now.Sub(b.since)
	}
	return now.Add(-stopped)
}

// Now is clock for the schedule's library.
func (b *breaker) Now() time.Time { return b.clock(time.Now()) }
