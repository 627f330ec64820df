package pipeline

import (
	"slices"
	"time"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/deadletter"
)

// lane is the way of one app's events within a generation: they gather, go out
// in batches, and batches that failed wait here for their next turn. Replayed
// letters go on a lane of their own, where they delay nobody else and where
// their bad company is their own; the two lanes of an app share a batcher, since
// a user's events must not be in flight on both.
type lane struct {
	*platform.App
	cfg      *config.Config
	replayed bool
	batcher  *batcher.Batcher[*event]
	tracer   *tracer
	waiting  batches // to be sent again
	suspects batches // likewise, behind everybody else
	doubted  batches // of one event that was refused, by when it is given up

	inFlight  int  // calls
	isolating int  // those of them with suspects
	isolated  bool // the last one was one of them
	sated     bool // there is enough to go on with: nothing more is let in
}

// lanes are those of all apps, by their number.
type lanes []*lane

func newLanes(cfg *config.Config, apps []*platform.App) (all lanes) {
	for _, app := range apps {
		b := batcher.New[*event](limitsOf(cfg, app.Route))
		all = append(all, &lane{App: app, cfg: cfg, batcher: b}, &lane{App: app, cfg: cfg, batcher: b, replayed: true})
	}
	return all
}

// limitsOf are those of a call on a route.
func limitsOf(cfg *config.Config, route string) batcher.Limits {
	limits := batcher.Limits{Records: cfg.Batch.MaxRecords, Bytes: int(cfg.Batch.MaxBytes) - config.CallOverhead, Linger: cfg.Batch.Linger}
	if route == config.RouteScore {
		limits.Records, limits.Linger = 1, 0 // a call has one user's score
	}
	return limits
}

// of is the lane that a batch is on.
func (l lanes) of(b *batch) *lane { return l[laneOf(b.app, b.replayed)] }

func (l *lane) tenant() tenant { return tenant{l.App, l.replayed} }

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

func (l *lane) add(now time.Time, a *arrival) {
	l.batcher.Add(now, l.class(), a.user, a.size, a.event)
}

// next removes and returns the batch to send now, if there is one.
func (l *lane) next(now time.Time) *batch {
	ready, ok := l.Breaker.Ready()
	if !ok || now.Before(ready) || now.Before(l.Throttle.Until()) || l.givesWay() {
		return nil
	}
	probe := l.Breaker.Held()
	for {
		b := l.due(now, probe)
		if b == nil {
			return nil
		}
		var free time.Time
		if b.named, free = l.Named.Pick(now, b.users()); free.After(now) {
			b.due = free // everybody in it was named a moment ago
			l.put(b)
			continue
		}
		if b.probe = probe; probe {
			l.Breaker.Probing()
		}
		return b
	}
}

// givesWay tells whether a replayed letter leaves a probe to the app's other
// events: it has failed once already.
func (l *lane) givesWay() bool {
	return l.replayed && l.Breaker.Held() && l.batcher.Ready(batcher.Foreground) > 0
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
			whole := b.span
			other := b.first()
			whole.split(b, other)
			l.put(other)
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
	b := &batch{app: l.App, replayed: l.replayed, items: items, schedule: newSchedule(l.cfg.Delivery.Retry, l.Breaker)}
	l.tracer.gathered(b)
	return b
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

// expire takes the expired out of a batch that is to go. It returns them, and
// whether the batch can go as it is; if not, it has moved on.
func (l *lane) expire(b *batch, now time.Time) (expired []*event, goes bool) {
	if l.cfg.Delivery.MaxAge == 0 {
		return nil, true
	}
	kept := b.items[:0:0]
	for _, it := range b.items {
		if it.Value.expire(now, l.cfg.Delivery.MaxAge) {
			expired = append(expired, it.Value)
			b.span.gaveUp(it.Value, now)
			l.batcher.Done(it)
		} else {
			kept = append(kept, it)
		}
	}
	b.items = kept
	if slices.ContainsFunc(kept, func(it item) bool { return string(it.Value.user) == b.named }) {
		return expired, true
	}
	if b.probe {
		l.Breaker.Unprobed(now)
	}
	if len(kept) > 0 { // somebody else must be named
		b.due = now
		l.put(b)
	} else {
		b.span.givenUp(b, deadletter.Expired)
		l.proceed(b, now)
	}
	return expired, false
}

// release frees the users of a batch's items, whose way has ended, and goes on
// with its rest.
func (l *lane) release(b *batch, now time.Time) {
	l.batcher.Done(b.items...)
	l.proceed(b, now)
}

func (l *lane) proceed(b *batch, now time.Time) {
	if b.advance() {
		b.due = now
		l.put(b)
	}
}

// trim takes events out of a waiting batch, in order, and frees their users. It
// returns whether any are left.
func (l *lane) trim(b *batch, out func(*event) bool) bool {
	var kept [][]item
	for _, items := range slices.Backward(append(b.rest, b.items)) {
		var stay []item
		for _, it := range items {
			if out(it.Value) {
				l.batcher.Done(it)
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

// filter asks keep about each batch that has failed and drops the others.
func (l *lane) filter(keep func(*batch) bool) {
	l.waiting.filter(keep)
	l.suspects.filter(keep)
	l.doubted.filter(keep)
}

// wake is the time at which next may have a batch if nothing else happens;
// false: not before something does.
func (l *lane) wake() (time.Time, bool) {
	ready, ok := l.Breaker.Ready()
	if !ok || l.givesWay() {
		return time.Time{}, false
	}
	at, some := l.batcher.Wake(l.class())
	if some && l.Breaker.State() == platform.Open {
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
	for _, floor := range []time.Time{ready, l.Throttle.Until()} {
		if at.Before(floor) {
			at = floor
		}
	}
	return at, some
}
