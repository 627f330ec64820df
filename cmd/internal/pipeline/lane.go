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
	waiting  batches // to be sent again
	suspects batches // likewise, behind everybody else
	doubted  batches // of one event that was refused, by when it is given up

	inFlight  int  // calls
	isolating int  // those of them with suspects
	isolated  bool // the last one was one of them
	sated     bool // there is enough to go on with: nothing more is let in
}

func newLanes(cfg *config.Config, app *app) (live, replayed *lane) {
	limits := batcher.Limits{Records: cfg.Batch.MaxRecords, Bytes: int(cfg.Batch.MaxBytes) - config.CallOverhead, Linger: cfg.Batch.Linger}
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
	if !ok || now.Before(ready) || now.Before(l.throttled.until) || l.givesWay() {
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
			l.put(b)
			continue
		}
		if b.probe = probe; probe {
			l.breaker.probing()
		}
		return b
	}
}

// givesWay tells whether a replayed letter leaves a probe to the app's other
// events: it has failed once already.
func (l *lane) givesWay() bool {
	return l.replayed && l.breaker.get() != closed && l.batcher.Ready(batcher.Foreground) > 0
}

// due is the batch whose turn it is. A probe is a single record, rather of those
// that have not failed: whether they do as well is the question.
func (l *lane) due(now time.Time, probe bool) *batch {
	suspect := l.suspects.due(now) && l.mayIsolate()
	switch {
	case probe:
		if b := l.fresh(l.batcher.First(1, l.class())); b != nil {
			return b
		}
		b := l.failed(now, suspect)
		if b != nil && len(b.items) > 1 {
			l.put(b.first())
		}
		return b
	case suspect && !l.isolated: // no more than every other call, lest the others wait
		return l.suspects.next()
	}
	if l.waiting.due(now) {
		return l.waiting.next()
	}
	items, _ := l.batcher.Next(now, l.class())
	if b := l.fresh(items); b != nil {
		return b
	}
	return l.failed(now, suspect)
}

// failed is a batch that has failed before and whose time has come.
func (l *lane) failed(now time.Time, suspect bool) *batch {
	switch {
	case l.waiting.due(now):
		return l.waiting.next()
	case suspect:
		return l.suspects.next()
	default:
		return nil
	}
}

// fresh is a batch of events that have not been sent yet.
func (l *lane) fresh(items []item) *batch {
	if len(items) == 0 {
		return nil
	}
	return &batch{lane: l, items: items, schedule: newSchedule(l.cfg.Delivery.Retry, l.breaker)}
}

// put has a batch, or none, wait for its time.
func (l *lane) put(b *batch) {
	switch {
	case b == nil:
	case b.suspect:
		l.suspects.add(b)
	default:
		l.waiting.add(b)
	}
}

// suspectShare is the part of the calls that suspects may take up.
const suspectShare = 8

func (l *lane) mayIsolate() bool {
	return l.isolating < max(1, l.cfg.Delivery.MaxInFlight/suspectShare)
}

// begin and end count the calls.
func (l *lane) begin(b *batch) {
	l.inFlight++
	if l.isolated = b.suspect; b.suspect {
		l.isolating++
	}
}

func (l *lane) end(b *batch) {
	l.inFlight--
	if b.suspect {
		l.isolating--
	}
}

// filter asks keep about each batch that has failed and drops the others.
func (l *lane) filter(keep func(*batch) bool) {
	l.waiting.filter(keep)
	l.suspects.filter(keep)
	l.doubted.filter(keep)
}

// wake is the time at which next may have a batch if nothing else happens;
// false: not before something does.
func (l *lane) wake() (time.Time, bool) {
	ready, ok := l.breaker.ready()
	if !ok || l.givesWay() {
		return time.Time{}, false
	}
	at, some := l.batcher.Wake(l.class())
	if some && l.breaker.get() == open {
		at = time.Time{} // a probe does not linger
	}
	earlier := func(waiting batches) {
		if len(waiting) > 0 && (!some || waiting[0].due.Before(at)) {
			at, some = waiting[0].due, true
		}
	}
	earlier(l.waiting)
	if l.mayIsolate() {
		earlier(l.suspects)
	}
	for _, floor := range []time.Time{ready, l.throttled.until} {
		if at.Before(floor) {
			at = floor
		}
	}
	return at, some
}
