package groupstatus

import "time"

// LateAfter is how old the oldest record may be before a partition is anything but ok: a call that is tried again takes as
// long. Where the age is not known, what the window shows has to do.
const LateAfter = 30 * time.Second

// course is what a partition has done in a window of snapshots, the oldest first, and how it is now.
type course struct {
	steps    []*Partition // in each snapshot, as far back as the partition was the same
	over     time.Duration
	now      time.Time
	settling bool // nobody is expected to own anything: the group is rebalancing
}

// The rules are Burrow's, with two changes. What is settled beyond the committed offset counts as progress. And they are
// of what has become late: with that a few seconds tell as much as the minutes that Burrow looks at, and what is tried
// again for a moment is no stall.
func (c *course) state() State {
	last := c.steps[len(c.steps)-1]
	age, aged := last.Age(c.now)
	late := !aged || age >= LateAfter
	switch {
	case last.Leaderless:
		return Leaderless
	case last.Deleted() > 0:
		return Lost
	case last.Lag() == 0:
		if c.came() == 0 {
			return Idle
		}
		return OK
	case last.Owner == "" && !c.settling:
		return Unowned
	case !late || c.wasEmpty():
		return OK
	case last.Stable < last.End && last.Position+last.Beyond() >= last.Stable:
		return Unstable
	case len(c.steps) == 1:
		return OK // it has just changed: nothing is known against it
	case last.Position > c.steps[0].Position:
		if c.shrinks() {
			return CatchingUp
		}
		return FallingBehind
	case last.passes() && (c.progress() > 0 || last.Noted.Horizon >= last.Stable):
		return Held
	case c.progress() > 0:
		return FallingBehind
	}
	return Stalled
}

// passes tells that something is settled, or deferred, though what is before it is not.
func (p *Partition) passes() bool { return p.Beyond() > 0 || len(p.Noted.Deferred) > 0 }

// came is how many records have come in the window.
func (c *course) came() int64 { return max(0, c.steps[len(c.steps)-1].End-c.steps[0].End) }

// progress is how many records were settled in the window.
func (c *course) progress() int64 {
	return max(0, c.steps[len(c.steps)-1].Settled()-c.steps[0].Settled())
}

// wasEmpty tells that nothing waited at some time of the window.
func (c *course) wasEmpty() bool {
	for _, p := range c.steps {
		if p.Waiting() == 0 {
			return true
		}
	}
	return false
}

// shrinks tells that less waits at the end of the window than at its begin.
func (c *course) shrinks() bool {
	return c.steps[len(c.steps)-1].Waiting() < c.steps[0].Waiting()
}
