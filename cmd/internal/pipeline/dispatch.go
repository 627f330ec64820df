package pipeline

import (
	"context"
	"slices"
	"time"
)

// dispatch starts the calls that are due, and gives up what was held for too
// long.
func (e *engine) dispatch(calls context.Context, now time.Time) {
	for _, l := range e.lanes {
		e.decideDoubted(l, now)
	}
	for a := range e.live {
		e.sweep(a, now)
	}
	for len(e.flying) < e.p.cfg.Delivery.MaxInFlight {
		b := e.nextBatch(now)
		if b == nil {
			break
		}
		if e.stillDue(b, now) {
			e.start(calls, b)
		}
	}
}

// replayShare is the part of the calls, and of the room, that replayed letters
// may take up: replaying a million of them must not delay what comes in.
const replayShare = 8

// nextBatch is the batch to send now, if there is one. Replayed letters get
// their share of the calls, and no more of it if nobody else wants it: a call may
// take long. Where the share is less than one call, others come first.
func (e *engine) nextBatch(now time.Time) *batch {
	slices.SortStableFunc(e.lanes, func(a, b *lane) int { return a.inFlight - b.inFlight })
	share := e.p.cfg.Delivery.MaxInFlight / replayShare
	if e.replayed < share {
		if b := e.nextOf(now, true); b != nil {
			return b
		}
	}
	if b := e.nextOf(now, false); b != nil {
		return b
	}
	if e.replayed == 0 && share == 0 {
		return e.nextOf(now, true)
	}
	return nil
}

// nextOf is the next batch of the apps' lanes for replays, or of the others. The
// app with the fewest calls under way comes first, so that one whose calls take
// long does not end up with all of them; among equals, the one that was served
// longest ago.
func (e *engine) nextOf(now time.Time, replayed bool) *batch {
	for i, l := range e.lanes {
		if l.replayed != replayed || !e.mayCall(l) {
			continue
		}
		if b := l.next(now); b != nil {
			e.lanes = append(slices.Delete(e.lanes, i, i+1), l)
			return b
		}
	}
	return nil
}

// mayCall keeps an app whose calls fail, and perhaps take until their timeout to
// do so, from holding the calls that the others could make, until its breaker
// has seen enough.
func (e *engine) mayCall(l *lane) bool {
	failing := l.breaker.failures >= max(1, l.breaker.cfg.Failures/4)
	return len(e.live) == 1 || !failing || l.inFlight < max(1, e.p.cfg.Delivery.MaxInFlight/16)
}

// stillDue takes the expired out of a batch. It returns whether the batch can go
// as it is; if not, it has moved on.
func (e *engine) stillDue(b *batch, now time.Time) bool {
	if e.p.cfg.Delivery.MaxAge == 0 {
		return true
	}
	kept := b.items[:0:0]
	for _, it := range b.items {
		if e.p.expire(it.Value, now) {
			e.letters = append(e.letters, it.Value)
			b.lane.batcher.Done(it)
		} else {
			kept = append(kept, it)
		}
	}
	b.items = kept
	if slices.ContainsFunc(kept, func(it item) bool { return string(it.Value.user) == b.named }) {
		return true
	}
	if b.probe {
		b.lane.breaker.unprobed(now)
	}
	if len(kept) > 0 { // somebody else must be named
		b.due = now
		b.lane.put(b)
	} else {
		e.proceed(b, now)
	}
	return false
}

func (e *engine) start(calls context.Context, b *batch) {
	e.flying[b] = true
	b.lane.begin(b)
	if b.lane.replayed {
		e.replayed++
	}
	go func() { e.outcomes <- e.p.call(calls, b) }()
}

// hasCall tells whether a lane could make a call now.
func (e *engine) hasCall(l *lane) bool {
	most := e.p.cfg.Delivery.MaxInFlight
	return len(e.flying) < most && e.mayCall(l) && (!l.replayed || e.replayed < max(1, most/replayShare))
}

// wake is when the loop must turn even if nothing happens; false: it need not.
func (e *engine) wake() (at time.Time, ok bool) {
	consider := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for _, l := range e.lanes {
		if t, some := l.wake(); some && e.hasCall(l) {
			consider(t)
		}
		if len(l.doubted) > 0 {
			consider(l.doubted[0].due)
		}
		if l.breaker.get() != closed {
			first := l.breaker.since.Add(e.p.cfg.Delivery.MaxHold)
			if next := l.swept.Add(time.Second); next.After(first) {
				first = next
			}
			consider(first)
		}
	}
	if e.writing != nil {
		consider(time.Now().Add(time.Second)) // to see whether letters can be written
	}
	return at, ok
}
