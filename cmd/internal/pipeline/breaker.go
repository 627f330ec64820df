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
	open                         // nothing, until the cooldown is over
	halfOpen                     // one small batch as a probe, and nothing beside it
)

func (s breakerState) String() string {
	return [...]string{closed: "closed", open: "open", halfOpen: "half-open"}[s]
}

// breaker stops an app's calls when they all fail: after a number of failures
// in a row, or at once when the platform says that this app's calls will all
// fail alike. Belongs to the engine's loop; only state is safe to read from
// elsewhere.
type breaker struct {
	cfg      config.Breaker
	state    atomic.Int32 // breakerState
	failures int          // in a row
	until    time.Time    // open: when to probe
	since    time.Time    // not closed: since when
	why      string       // not closed: the failure that opened it

	stopped time.Duration // all time spent not closed, in the past
}

func newBreaker(cfg config.Breaker) *breaker { return &breaker{cfg: cfg} }

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

// success closes the breaker. It returns whether it was not closed, and for how
// long.
func (b *breaker) success(now time.Time) (wasOpen time.Duration, changed bool) {
	b.failures = 0
	if b.get() == closed {
		return 0, false
	}
	b.set(closed)
	wasOpen = now.Sub(b.since)
	b.stopped += wasOpen
	return wasOpen, true
}

// failure counts a failure; fatal opens the breaker at once. It returns whether
// the breaker has opened that was closed before.
func (b *breaker) failure(now time.Time, fatal bool, why string) (opened bool) {
	b.failures++
	switch b.get() {
	case closed:
		if !fatal && b.failures < b.cfg.Failures {
			return false
		}
		b.since, opened = now, true
	case open: // a call from before it opened
		return false
	}
	b.why = why
	b.until = now.Add(b.cfg.Cooldown)
	b.set(open)
	return opened
}

// probing marks that the probe is under way.
func (b *breaker) probing() { b.set(halfOpen) }

// unprobed takes probing back: the probe brought no verdict.
func (b *breaker) unprobed(now time.Time) {
	if b.get() == halfOpen {
		b.until = now
		b.set(open)
	}
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
