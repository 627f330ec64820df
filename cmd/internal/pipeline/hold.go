package pipeline

import (
	"fmt"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// sweep gives up the events of a lane that were held for too long while its
// breaker was not closed.
func (e *engine) sweep(l *lane, now time.Time) {
	maxHold := e.p.cfg.Delivery.MaxHold
	if l.breaker.get() == closed || now.Sub(l.breaker.since) < maxHold || now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	held := func(ev *event) bool {
		since := l.breaker.since
		if waits := ev.waits(); waits.After(since) {
			since = waits
		}
		if now.Sub(since) < maxHold {
			return false
		}
		ev.giveUp(deadletter.Exhausted, fmt.Sprintf("held for delivery.max_hold %s, since the app's calls fail: %s", maxHold, l.breaker.why))
		return true
	}
	e.letters = append(e.letters, l.batcher.Remove(held)...)
	l.filter(func(b *batch) bool {
		return e.trim(b, func(ev *event) bool {
			if held(ev) {
				e.letters = append(e.letters, ev)
				return true
			}
			return false
		})
	})
}

// trim takes events out of a waiting batch and frees their users. It returns
// whether any are left.
func (e *engine) trim(b *batch, out func(*event) bool) bool {
	segments := append(b.rest, b.items)
	kept := segments[:0]
	for _, items := range segments {
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
	last := len(kept) - 1
	b.items, b.rest = kept[last], kept[:last:last]
	return true
}
