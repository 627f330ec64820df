package pipeline

import (
	"slices"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
)

// dispatcher chooses whose batch goes next, and knows which calls are under way.
type dispatcher struct {
	cfg      *config.Delivery
	lanes    lanes
	order    []*lane         // those served longest ago first
	flying   map[*batch]bool // calls under way
	replayed int             // those of them with replayed letters
}

func newDispatcher(cfg *config.Delivery, lanes lanes) *dispatcher {
	return &dispatcher{cfg: cfg, lanes: lanes, order: slices.Clone(lanes), flying: map[*batch]bool{}}
}

// next is the batch to send now, if there is one. Replayed letters get their
// share of the calls, and no more of it if nobody else wants it: a call may take
// long. Where the share is less than one call, others come first.
func (d *dispatcher) next(now time.Time) *batch {
	if len(d.flying) >= d.cfg.MaxInFlight {
		return nil
	}
	slices.SortStableFunc(d.order, func(a, b *lane) int { return a.inFlight - b.inFlight })
	share := d.cfg.MaxInFlight / replayShare
	if d.replayed < share {
		if b := d.nextOf(now, true); b != nil {
			return b
		}
	}
	if b := d.nextOf(now, false); b != nil {
		return b
	}
	if d.replayed == 0 && share == 0 {
		return d.nextOf(now, true)
	}
	return nil
}

// nextOf is the next batch of the apps' lanes for replays, or of the others. The
// app with the fewest calls under way comes first, so that one whose calls take
// long does not end up with all of them; among equals, the one that was served
// longest ago.
func (d *dispatcher) nextOf(now time.Time, replayed bool) *batch {
	for i, l := range d.order {
		if l.replayed != replayed || !d.mayCall(l) {
			continue
		}
		if b := l.next(now); b != nil {
			d.order = append(slices.Delete(d.order, i, i+1), l)
			return b
		}
	}
	return nil
}

// mayCall keeps an app whose calls fail, and perhaps take until their timeout to
// do so, from holding the calls that the others could make, until its breaker
// has seen enough.
func (d *dispatcher) mayCall(l *lane) bool {
	alone := len(d.lanes) == 2 // those of a single app
	return alone || !l.Breaker.Failing() || l.inFlight < max(1, d.cfg.MaxInFlight/16)
}

// began and ended count the calls under way.
func (d *dispatcher) began(b *batch) {
	d.flying[b] = true
	d.lanes.of(b).begin(b)
	if b.replayed {
		d.replayed++
	}
}

func (d *dispatcher) ended(b *batch) {
	delete(d.flying, b)
	d.lanes.of(b).end(b)
	if b.replayed {
		d.replayed--
	}
}

// underWay are the users in the app's calls that have not ended.
func (d *dispatcher) underWay(app *platform.App) map[string]bool {
	users := map[string]bool{}
	for b := range d.flying {
		if b.app != app {
			continue
		}
		for user := range b.users() {
			users[string(user)] = true
		}
	}
	return users
}

// hasCall tells whether a lane could make a call now.
func (d *dispatcher) hasCall(l *lane) bool {
	most := d.cfg.MaxInFlight
	return len(d.flying) < most && d.mayCall(l) && (!l.replayed || d.replayed < max(1, most/replayShare))
}

// wake is when there may be something to do even if nothing happens; false: there
// will not be.
func (d *dispatcher) wake() (at time.Time, ok bool) {
	consider := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for _, l := range d.order {
		if t, some := l.wake(); some && d.hasCall(l) {
			consider(t)
		}
		if len(l.doubted) > 0 {
			consider(l.doubted[0].due)
		}
		if l.Breaker.Held() {
			consider(nextSweep(l.App, d.cfg.MaxHold))
		}
	}
	return at, ok
}
