package pipeline

import (
	"fmt"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/deadletter"
)

// nextSweep is when an app that is held is to be looked at for what is held too long.
func nextSweep(app *platform.App, maxHold time.Duration) time.Time {
	since, _ := app.Breaker.Since()
	first := since.Add(maxHold)
	if next := app.Swept.Add(time.Second); next.After(first) {
		return next
	}
	return first
}

// sweep gives up the events of an app that were held for too long while its breaker
// was not closed, and returns them. A player's letters have the order of its events,
// in which they are replayed: what has been sent already comes first, and nothing
// goes before what is under way.
func sweep(live, replayed *lane, now time.Time, maxHold time.Duration, underWay func(*platform.App) map[string]bool) (givenUp []*event) {
	app := live.App
	if !app.Breaker.Held() || now.Before(nextSweep(app, maxHold)) {
		return nil
	}
	app.Swept = now
	busy := underWay(app)
	heldSince, why := app.Breaker.Since()
	tooLong := func(ev *event) bool {
		since := heldSince
		if waits := ev.waits(); waits.After(since) {
			since = waits
		}
		if now.Sub(since) < maxHold || busy[string(ev.user)] {
			return false
		}
		ev.giveUp(deadletter.Exhausted, fmt.Sprintf("held for delivery.max_hold %s, since the app's calls fail: %s", maxHold, why))
		return true
	}
	for _, l := range [...]*lane{live, replayed} {
		l.filter(func(b *batch) bool {
			kept := l.trim(b, func(ev *event) bool {
				if !tooLong(ev) {
					return false
				}
				givenUp = append(givenUp, ev)
				b.span.gaveUp(ev, now)
				return true
			})
			if !kept {
				b.span.givenUp(b, deadletter.Exhausted)
			}
			return kept
		})
	}
	return append(givenUp, live.batcher.Remove(tooLong)...) // which both share
}
