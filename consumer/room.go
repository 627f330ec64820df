package consumer

import (
	"context"
	"fmt"
	"time"
)

// handOn passes records read off a chunk to take: those that are not settled yet,
// as far as there is room. What is unsettled has to fit into the note beside the
// committed offset, or whoever holds the partition next would take again what is
// settled. The others wait until some settle, or ctx ends.
func (g *Generation) handOn(ctx context.Context, p *Partition, records []Record, c *chunk, take Take) {
	for {
		fresh, rest, size := p.enter(records, c)
		if len(fresh) > 0 {
			g.c.metrics.taken(p.Topic, len(fresh), size)
			g.c.timestamps.look(p, fresh)
			p.turn <- struct{}{}
			<-p.turn
			take(ctx, fresh)
		}
		clear(records[:len(records)-len(rest)])
		p.sayCrowded(len(rest) > 0)
		if len(rest) == 0 {
			return
		}
		select {
		case <-p.settles:
			records = rest
		case <-ctx.Done():
			return
		}
	}
}

// enter tracks records read off a chunk. It returns those that are to be settled,
// with their size in bytes, and those that there is no room for yet.
func (p *Partition) enter(records []Record, c *chunk) (fresh, rest []Record, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch = c.Epoch()
	room := p.room()
	t := p.tracker
	defer p.tellDeferred()
	now := time.Now()
	fresh = records[:0]
	for i := range records {
		r := &records[i]
		strand := p.gen.strand(r)
		if d := t.find(strand); d != nil {
			t.pass(d, r.Offset, r.time(now), now)
			r.buffer.Release()
			continue
		}
		if !t.hasRoom(&t.list, r.Offset, room) {
			p.full = true
			return fresh, records[i:], size
		}
		var isFresh bool
		if r.place, isFresh = t.take(r.Offset); isFresh {
			t.stamp(r.place, strand, r.time(now))
			size += r.bytes()
			fresh = append(fresh, *r)
		}
	}
	t.skip(c.Next())
	return fresh, nil, size
}

// sayCrowded says that the partition pauses, and that it is over when half of the
// room is free again: meanwhile it may stop and go a hundred times.
func (p *Partition) sayCrowded(pauses bool) {
	if !pauses && p.crowded.began.IsZero() {
		return
	}
	p.mu.Lock()
	t := p.tracker
	n, oldest := t.taken(), t.committable()
	halfFree := p.halfFree()
	p.noteFull = pauses || p.noteFull && !halfFree
	p.mu.Unlock()
	switch {
	case pauses:
		p.crowded.report(fmt.Errorf("%d records of it are not settled, from offset %d on: more than that cannot be noted beside the committed offset", n, oldest), "partition", p.String())
	case halfFree:
		p.crowded.over("partition", p.String(), "unsettled", n)
	}
}

// halfFree tells whether half of the note's room is. The partition is locked.
func (p *Partition) halfFree() bool {
	t := p.tracker
	return t.hasRoom(&t.list, t.known(), p.room()/2)
}
