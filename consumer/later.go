package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Defer leaves a strand's records from an offset on for later, so that those of
// others can be taken while there is no room for these: they are passed, all that
// are still to come included, and fetched a second time, as Reserve finds room for
// them, in order. Once these have caught up with the others the strand is taken as
// any other.
//
// It is to be called within Take, of a record in there, for the partition's strand;
// from it on, the strand's records in there are to be forgotten. It returns false,
// and does nothing, where that could not be noted beside the committed offset.
func (p *Partition) Defer(strand uint64, from int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil || p.tracker.find(strand) != nil {
		return true
	}
	if p.gen.c.noteSize() == 0 || !p.tracker.canDefer(p.room()) {
		return false
	}
	d := p.tracker.postpone(strand, from, time.Now())
	p.gen.log.Debug("records are left for later", "partition", p.String(), "strand", strand, "from", from)
	p.gen.fetchLater(p, d)
	return true
}

// fetchLater begins to fetch what a strand has left for later. The partition is
// locked.
func (g *Generation) fetchLater(p *Partition, d *deferred) {
	d.fetched = true
	g.fetching.Go(func() { g.fetchDeferred(g.fetchCtx, p, d) })
}

// fetchAllLater does so for the strands that former owners have deferred.
func (p *Partition) fetchAllLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil {
		return
	}
	for _, d := range p.tracker.deferred {
		if !d.fetched {
			p.gen.fetchLater(p, d)
		}
	}
}

// fetchDeferred is the second cursor for a strand of a partition. It follows the
// first until it has caught up.
func (g *Generation) fetchDeferred(ctx context.Context, p *Partition, d *deferred) {
	trouble := newTrouble(g.log, "what was left for later of a partition cannot be fetched, trying again", "it is fetched again")
	trouble.passing = restarting
	pause := newPause()
	for ctx.Err() == nil {
		at, next := p.later(d)
		switch next {
		case laterDone:
			return
		case laterWait:
			select {
			case <-d.moved:
			case <-ctx.Done():
			}
			continue
		}
		room := g.reserve(ctx, p, d.strand)
		if room == nil {
			return
		}
		progress, err := g.fetchDeferredOnce(ctx, p, d, at, room)
		if err != nil {
			err = g.relocateDeferred(ctx, p, d, err)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			trouble.report(err, "partition", p.String())
			g.c.metrics.fetchFailed(p.Topic)
			_ = sleep(ctx, pause.next())
		case !progress: // the note is full, or the first cursor is about to go back
			_ = sleep(ctx, pause.next())
		default:
			trouble.over("partition", p.String())
			pause.reset()
		}
	}
}

// What a second cursor does next.
type laterStep int

const (
	laterFetch laterStep = iota
	laterWait            // for the first cursor
	laterDone
)

// later is where a strand goes on.
func (p *Partition) later(d *deferred) (at position, next laterStep) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.tracker == nil || p.tracker.find(d.strand) != d:
		return at, laterDone
	case p.tracker.caughtUp(d):
		p.rejoin(d)
		return at, laterDone
	case !p.tracker.mayTake(d):
		return at, laterWait
	}
	// Whether the log is still the same is for the first cursor to find out.
	return position{p.topic, d.wanted(), unknownEpoch}, laterFetch
}

// reservePatience is how long room is waited for with a chunk in memory: while
// records flow, it is there in no time.
const reservePatience = 100 * time.Millisecond

// fetchDeferredOnce fetches one chunk and hands on what is the strand's, as far as
// there is room: who waits long for that holds nothing. It returns whether it may go on
// at once.
func (g *Generation) fetchDeferredOnce(ctx context.Context, p *Partition, d *deferred, from position, room *Room) (progress bool, err error) {
	most := room.Records
	var claim claim
	claim.room.Store(room)
	defer claim.giveBack()
	hand := g.c.budget.Hand(p.Topic)
	defer hand.Empty()
	chunk, records, err := g.readBeside(ctx, p, from, most, hand, claim.giveBack)
	if chunk == nil {
		return false, err
	}
	defer chunk.Close()
	for {
		if room = claim.room.Swap(nil); room == nil {
			soon, cancel := context.WithTimeout(ctx, reservePatience)
			room = g.reserve(soon, p, d.strand)
			cancel()
			if room == nil {
				return true, nil
			}
		}
		p.turn <- struct{}{}
		fresh, size, further := p.enterDeferred(d, records, chunk, room.Bytes)
		if len(fresh) > 0 {
			g.c.metrics.taken(p.Topic, len(fresh), size)
			g.c.timestamps.look(p, fresh)
			room.Take(ctx, fresh)
		} else {
			claim.room.Store(room)
		}
		<-p.turn
		progress = progress || further || len(fresh) > 0
		switch {
		case err != nil:
			return progress, fmt.Errorf("read %s@%d: %w", p, chunk.Next(), err)
		case chunk.Ended() || !further || ctx.Err() != nil:
			return progress, nil
		}
		records, err = chunk.read(records[:0], most)
	}
}

// readBeside fetches a chunk and reads the first n records of it, or fewer. Without a
// chunk there is an error.
func (g *Generation) readBeside(ctx context.Context, p *Partition, from position, n int, hand *wire.Hand, lacked func()) (*chunk, []Record, error) {
	for {
		chunk, err := g.c.fetchBeside(ctx, p, from, g.fetchBytes, hand, lacked)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch %s@%d: %w", p, from.offset, err)
		}
		records, err := chunk.read(nil, n)
		if len(records) > 0 || err != nil || hand.Size() == 0 {
			return chunk, records, err
		}
		chunk.Close() // others have taken its memory while it waited for the hand
	}
}

// enterDeferred tracks records that the second cursor has read. It returns those to
// be settled that take up no more than maxBytes, with their size, and whether it is the
// chunk that has more: not once the strand has caught up, nor where some are left.
func (p *Partition) enterDeferred(d *deferred, records []Record, c *chunk, maxBytes int) (fresh []Record, size int, further bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tracker
	if t == nil || t.find(d.strand) != d || p.goingBack {
		return nil, 0, false
	}
	limit, room := t.wanted(), p.room()
	to, taken, now := min(c.Next(), limit), 0, time.Now()
	fresh = records[:0]
	for i := range records {
		r := &records[i]
		switch {
		case r.Offset >= limit:
			continue
		case !d.wants(p.gen.strand(r), r.Offset):
			r.buffer.Release()
			continue
		case !t.hasRoom(&d.list, r.Offset, room), len(fresh) > 0 && taken+r.Size() > maxBytes:
			d.skip(r.Offset)
			return fresh, size, false
		}
		r.place, r.Passed = d.takeLater(r.Offset)
		t.stamp(r.place, d.strand, r.time(now))
		taken += r.Size()
		size += r.bytes()
		fresh = append(fresh, *r)
	}
	d.skip(to)
	if t.caughtUp(d) {
		p.rejoin(d)
		return fresh, size, false
	}
	return fresh, size, to < limit
}

// rejoin has a strand that has caught up be taken as any other. The partition is
// locked.
func (p *Partition) rejoin(d *deferred) {
	gone := p.tracker.rejoin(d)
	p.gen.log.Debug("what was left for later has caught up", "partition", p.String(), "strand", d.strand, "at", p.tracker.wanted())
	if gone > 0 {
		p.gen.c.metrics.deleted(p, gone)
		p.gen.log.Error("records that were left for later are gone, by retention as a rule, before they were taken", "partition", p.String(), "records", gone)
	}
}

// relocateDeferred goes on at the first record that is left, where retention was
// faster. All else is for the first cursor to find out.
func (g *Generation) relocateDeferred(ctx context.Context, p *Partition, d *deferred, failed error) error {
	if !errors.Is(failed, kerr.OffsetOutOfRange) {
		return failed
	}
	bounds, err := g.c.bounds(ctx, p.Topic, p.ID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tracker
	if t == nil || t.find(d.strand) != d {
		return nil
	}
	if to := min(bounds[p.ID].first, t.wanted()); d.wanted() < to {
		d.skip(to)
		return nil
	}
	return failed
}

// tellDeferred tells the second cursors that the first has come further. The partition is
// locked.
func (p *Partition) tellDeferred() {
	for _, d := range p.tracker.deferred {
		select {
		case d.moved <- struct{}{}:
		default:
		}
	}
}

// strand is that of a record; 0: none.
func (g *Generation) strand(r *Record) uint64 {
	if g.c.cfg.Strand == nil {
		return 0
	}
	return g.c.cfg.Strand(r)
}
