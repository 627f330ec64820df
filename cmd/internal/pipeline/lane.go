package pipeline

import (
	"time"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/cmd/internal/config"
)

// lane is the way of one app's events within a generation: they gather, go out
// in batches, and batches that failed wait here for their next turn. Replayed
// letters go on a lane of their own, where they delay nobody else and where
// their bad company is their own; the two lanes of an app share a batcher, since
// a user's events must not be in flight on both.
type lane struct {
	*app
	cfg      *config.Config
	replayed bool
	batcher  *batcher.Batcher[*event]
	waiting  batches

	inFlight int       // calls
	sated    bool      // there is enough to go on with: nothing more is let in
	swept    time.Time // when events were last looked at for being held too long
}

func newLanes(cfg *config.Config, app *app) (live, replayed *lane) {
	limits := batcher.Limits{Records: cfg.Batch.MaxRecords, Bytes: int(cfg.Batch.MaxBytes) - envelope, Linger: cfg.Batch.Linger}
	if app.Route == routeScore {
		limits.Records, limits.Linger = 1, 0 // a call has one user's score
	}
	b := batcher.New[*event](limits)
	return &lane{app: app, cfg: cfg, batcher: b}, &lane{app: app, cfg: cfg, batcher: b, replayed: true}
}

func (l *lane) class() batcher.Class {
	if l.replayed {
		return batcher.Background
	}
	return batcher.Foreground
}

// enough is how many of a lane's events, ready to go, are worth having in memory:
// every call's next batch, and the one after, since calls may end in waves. More
// would only be out of the processor's caches by the time it goes.
func (l *lane) enough() int {
	return max(2*l.cfg.Delivery.MaxInFlight*l.cfg.Batch.MaxRecords, 1024)
}

// itemOverhead is what separates two records in the body.
const itemOverhead = len(",")

func (l *lane) add(now time.Time, a *arrival) {
	l.batcher.Add(now, l.class(), a.user, a.size, a.event)
}

// next removes and returns the batch to send now, if there is one.
func (l *lane) next(now time.Time) *batch {
	ready, ok := l.breaker.ready()
	if !ok || now.Before(ready) || now.Before(l.throttled.until) {
		return nil
	}
	probe := l.breaker.get() != closed
	for {
		b := l.due(now, probe)
		if b == nil {
			return nil
		}
		var free time.Time
		if b.named, free = l.named.pick(now, b.users()); free.After(now) {
			b.due = free // everybody in it was named a moment ago
			l.waiting.add(b)
			continue
		}
		if b.probe = probe; probe {
			l.breaker.probing()
		}
		return b
	}
}

// due is the batch whose turn it is; for a probe a single record is enough.
func (l *lane) due(now time.Time, probe bool) *batch {
	if len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		b := l.waiting.next()
		if probe && len(b.items) > 1 {
			b.split(1)
		}
		return b
	}
	var items []item
	if probe {
		items = l.batcher.First(1, l.class())
	} else {
		items, _ = l.batcher.Next(now, l.class())
	}
	if len(items) == 0 {
		return nil
	}
	return &batch{lane: l, items: items, schedule: newSchedule(l.cfg.Delivery.Retry, l.breaker)}
}

// wake is the time at which next may have a batch if nothing else happens;
// false: not before something does.
func (l *lane) wake() (time.Time, bool) {
	ready, ok := l.breaker.ready()
	if !ok {
		return time.Time{}, false
	}
	at, some := l.batcher.Wake(l.class())
	if some && l.breaker.get() == open {
		at = time.Time{} // a probe does not linger
	}
	if len(l.waiting) > 0 && (!some || l.waiting[0].due.Before(at)) {
		at, some = l.waiting[0].due, true
	}
	for _, floor := range []time.Time{ready, l.throttled.until} {
		if at.Before(floor) {
			at = floor
		}
	}
	return at, some
}
