package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// sweep gives up the events of an app that were held for too long while its breaker
// was not closed. A player's letters have the order of its events, in which they are
// replayed: what has been sent already comes first, and nothing goes before what is
// under way.
func (e *engine) sweep(a *app, now time.Time) {
	maxHold := e.p.cfg.Delivery.MaxHold
	if a.breaker.get() == closed || now.Sub(a.breaker.since) < maxHold || now.Sub(a.swept) < time.Second {
		return
	}
	a.swept = now
	underWay := e.underWay(a)
	tooLong := func(ev *event) bool {
		since := a.breaker.since
		if waits := ev.waits(); waits.After(since) {
			since = waits
		}
		if now.Sub(since) < maxHold || underWay[string(ev.user)] {
			return false
		}
		ev.giveUp(deadletter.Exhausted, fmt.Sprintf("held for delivery.max_hold %s, since the app's calls fail: %s", maxHold, a.breaker.why))
		return true
	}
	for _, l := range [...]*lane{e.live[a], e.replays[a]} {
		l.filter(func(b *batch) bool {
			return e.trim(b, func(ev *event) bool {
				if tooLong(ev) {
					e.letters = append(e.letters, ev)
					return true
				}
				return false
			})
		})
	}
	e.letters = append(e.letters, e.live[a].batcher.Remove(tooLong)...) // which both share
}

// underWay are the users in the app's calls that have not ended.
func (e *engine) underWay(a *app) map[string]bool {
	users := map[string]bool{}
	for b := range e.flying {
		if b.lane.app != a {
			continue
		}
		for user := range b.users() {
			users[string(user)] = true
		}
	}
	return users
}

// trim takes events out of a waiting batch, in order, and frees their users. It
// returns whether any are left.
func (e *engine) trim(b *batch, out func(*event) bool) bool {
	var kept [][]item
	for _, items := range slices.Backward(append(b.rest, b.items)) {
		var stay []item
		for _, it := range items {
			if out(it.Value) {
				b.lane.batcher.Done(it)
			} else {
				stay = append(stay, it)
			}
		}
		if len(stay) > 0 {
			kept = append(kept, stay)
		}
	}
	if len(kept) == 0 {
		return false
	}
	slices.Reverse(kept)
	last := len(kept) - 1
	b.items, b.rest = kept[last], kept[:last:last]
	return true
}
