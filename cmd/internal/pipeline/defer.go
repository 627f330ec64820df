package pipeline

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// patience is how long the records of other apps wait behind those of one that is
// not held and for which there is no room: less would defer what is merely busy.
const patience = 250 * time.Millisecond

// strand is the number of the app that a record says it is of, in its topic: what is
// deferred together. It follows from the record's bytes, whatever the configuration
// is: who goes on with the partition may have another. 0: it says none, or several.
func (a *apps) strand(r *consumer.Record) uint64 {
	if len(r.Headers) == 0 {
		return 0
	}
	replayed := a.feeds[r.Partition.Topic].replayed
	var source, appid []byte
	ids := 0
	for i := range r.Headers {
		switch h := &r.Headers[i]; {
		case h.Key == HeaderAppID:
			appid = h.Value
			ids++
		case replayed && h.Key == deadletter.HeaderSourceTopic:
			source = h.Value
		}
	}
	if ids > 1 || ids == 0 && !replayed {
		return 0
	}
	return strandOf(source, appid)
}

// strandOf is the number of an app in a topic; source is the topic that its records
// were in before they were replayed.
func strandOf[T string | []byte](source, appid T) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, text := range [...]T{source, appid} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
		h *= prime // as if a zero followed
	}
	return max(h, 1)
}

// stuck are the tenants for whose events the others of a piece need not wait: there is
// no room for them, and will not be soon, while another app of the topic could go on.
func (e *engine) stuck(from *feed, lacking []tenant, waited time.Duration) (stuck []tenant) {
	for _, t := range lacking {
		if t.app == nil || t.app.breaker.get() == closed && waited < patience {
			continue
		}
		if slices.ContainsFunc(from.apps, func(a *app) bool { return a != t.app && e.couldGoOn(tenant{a, from.replayed}) }) {
			stuck = append(stuck, t)
		}
	}
	return stuck
}

// couldGoOn tells whether there may be a use for more of the tenant's events: of one
// that is held, for the first alone.
func (e *engine) couldGoOn(t tenant) bool {
	if t.app.breaker.get() == closed {
		return e.intake.hasRoom(t)
	}
	return !e.intake.holds(t)
}

// letIn waits until there is room for a piece and hands it to the loop. What is stuck
// in it, and behind it, is left for later. It returns what is left of the records, and
// false once ctx has ended.
func (e *engine) letIn(ctx context.Context, piece []arrival, rooms []room, records []consumer.Record) ([]consumer.Record, bool) {
	from := piece[0].feed
	var stuck func([]tenant, time.Duration) []tenant
	if len(from.apps) > 1 {
		stuck = func(lacking []tenant, waited time.Duration) []tenant { return e.stuck(from, lacking, waited) }
	}
	for len(piece) > 0 {
		out, err := e.intake.acquire(ctx, rooms, stuck)
		if err != nil {
			return nil, false
		}
		if len(out) == 0 {
			return records, e.hand(ctx, piece, rooms)
		}
		deferred, ok := e.deferStuck(piece, out)
		if !ok {
			stuck = nil // they have to be waited for
		}
		piece, rooms = e.without(piece, deferred)
		records = slices.DeleteFunc(records, func(r consumer.Record) bool { return slices.Contains(deferred, e.p.apps.strand(&r)) })
	}
	return records, true
}

// hand hands a piece that has been let in to the loop.
func (e *engine) hand(ctx context.Context, piece []arrival, rooms []room) bool {
	select {
	case e.in <- piece:
		return true
	case <-ctx.Done():
		e.intake.release(rooms...)
		return false
	}
}

// deferStuck has a partition leave for later what is stuck of it, and returns the
// strands. False: the partition cannot do that for all.
func (e *engine) deferStuck(piece []arrival, stuck []tenant) (deferred []uint64, all bool) {
	all = true
	for _, a := range piece {
		if !slices.Contains(stuck, a.tenant()) {
			continue
		}
		strand, p := e.p.apps.strand(&a.record), a.record.Partition
		if slices.Contains(deferred, strand) {
			continue
		}
		if !p.Defer(strand, a.record.Offset) {
			all = false
			continue
		}
		deferred = append(deferred, strand)
		e.sayDeferred(a.event)
	}
	return deferred, all
}

// without is the piece without the events of some strands, and the room for it.
func (e *engine) without(piece []arrival, strands []uint64) (left []arrival, rooms []room) {
	var out []*event
	left = piece[:0]
	for _, a := range piece {
		if slices.Contains(strands, e.p.apps.strand(&a.record)) {
			out = append(out, a.event)
			continue
		}
		left = append(left, a)
		rooms = addRoom(rooms, a.tenant(), 1, a.record.Size())
	}
	e.p.spares.put(out)
	return left, rooms
}

// reserve waits for room for records of a strand that were left for later.
func (e *engine) reserve(ctx context.Context, p *consumer.Partition, strand uint64) *consumer.Room {
	from := e.p.apps.feeds[p.Topic]
	granted := e.intake.pieceOf(from.replayed)
	granted.tenant = tenant{from.strands[strand], from.replayed} // no app's, if it is not configured any more
	if _, err := e.intake.acquire(ctx, []room{granted}, nil); err != nil {
		return nil
	}
	return &consumer.Room{
		Records: granted.records,
		Bytes:   granted.bytes,
		Cancel:  func() { e.intake.release(granted) },
		Take: func(ctx context.Context, records []consumer.Record) {
			piece, rooms := e.checkPiece(records)
			if !e.intake.exchange(granted, rooms) {
				e.intake.release(granted) // they are of others than was thought
				if _, err := e.intake.acquire(ctx, rooms, nil); err != nil {
					return
				}
			}
			e.hand(ctx, piece, rooms)
		},
	}
}

// sayDeferred says that an app's records are deferred, once a minute.
func (e *engine) sayDeferred(ev *event) {
	if !sayOnce(&ev.app.deferralSaid) {
		return
	}
	e.log.Warn("there is no room for more of the app's records: those to come are left for later, so that those of others flow",
		"appid", ev.app.AppID, "partition", ev.record.Partition.String(), "from", ev.record.Offset, "held", ev.app.breaker.get() != closed)
}

// sayOnce tells whether something is to be said that was said at a time, in
// nanoseconds. Safe for concurrent use.
func sayOnce(at *atomic.Int64) bool {
	now, last := time.Now(), at.Load()
	return (last == 0 || now.Sub(time.Unix(0, last)) >= sayAgain) && at.CompareAndSwap(last, now.UnixNano())
}
