package platform

import (
	"sync"
	"time"
)

// Throttle is the time until which an app's calls wait, because the platform said that they come too fast. The zero
// value lets them go.
type Throttle struct {
	until time.Time

	mu       sync.Mutex // of what Waited tells
	from, to time.Time  // the last time that they wait
	past     time.Duration
}

// Wait has the calls wait from now until a time, unless they wait for longer.
func (t *Throttle) Wait(now, until time.Time) {
	if !until.After(now) || !until.After(t.until) {
		return
	}
	t.until = until
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.After(t.to) {
		t.past += t.to.Sub(t.from)
		t.from = now
	}
	t.to = until
}

// Until is the time until which calls wait.
func (t *Throttle) Until() time.Time { return t.until }

// Waited is for how long calls have had to wait, up to now; what of a wait is still to come is not in it. Safe for
// concurrent use.
func (t *Throttle) Waited(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	to := t.to
	if to.After(now) {
		to = now
	}
	return t.past + max(0, to.Sub(t.from))
}
