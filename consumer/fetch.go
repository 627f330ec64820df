package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Take receives records of one partition, in offset order. It is called
// concurrently for different partitions, never for one. It blocks for as long
// as there is no room: nothing more is fetched of that partition meanwhile. It
// owns the records, but not the slice, which is used again once it has
// returned. When ctx ends it returns, with or without having kept them:
// what is never settled is taken again by whoever holds the partition next.
type Take func(ctx context.Context, records []Record)

// Fetch reads all partitions of the generation and passes the records to take.
// It returns when ctx has ended and no call of take is under way. Errors of the
// brokers are waited out and said in the log.
func (g *Generation) Fetch(ctx context.Context, take Take) {
	var wg sync.WaitGroup
	for _, p := range g.partitions {
		wg.Go(func() { g.fetchPartition(ctx, p, take) })
	}
	wg.Wait()
	<-ctx.Done() // with no partition there is still a generation to sit through
}

func (g *Generation) fetchPartition(ctx context.Context, p *Partition, take Take) {
	trouble := newTrouble(g.log, "partition cannot be fetched, trying again", "partition is fetched again")
	pause := newPause()
	var records []Record
	for ctx.Err() == nil {
		var err error
		records, err = g.fetchOnce(ctx, p, take, records)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			trouble.over("partition", p.String())
			pause.reset()
			continue
		}
		if errors.Is(err, kafka.OffsetOutOfRange) {
			err = g.relocate(ctx, p)
			if err == nil {
				continue
			}
		}
		trouble.report(err, "partition", p.String())
		_ = sleep(ctx, pause.next())
	}
}

// pieceRecords is how many records are handed on at a time: the rest of a chunk
// waits as it came.
const pieceRecords = 256

// fetchOnce fetches one chunk and hands it on, in pieces that lie in memory. It
// returns the memory for the next.
func (g *Generation) fetchOnce(ctx context.Context, p *Partition, take Take, memory []Record) ([]Record, error) {
	from, err := g.position(ctx, p)
	if err != nil {
		return memory, err
	}
	chunk, err := g.c.fetch(ctx, p, from, g.fetchBytes)
	if err != nil {
		return nil, fmt.Errorf("fetch %s@%d: %w", p, from, err)
	}
	defer chunk.close()
	if len(chunk.rest) == 0 {
		p.enter(nil, chunk)
		return nil, nil // an idle partition holds on to nothing
	}
	if memory == nil {
		memory = make([]Record, 0, pieceRecords)
	}
	for ctx.Err() == nil {
		records, err := chunk.read(memory[:0], pieceRecords)
		last := len(records) < pieceRecords
		records, size := p.enter(records, chunk)
		if len(records) > 0 {
			g.c.metrics.taken(p.Topic, len(records), size)
			take(ctx, records)
			clear(records)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s@%d: %w", p, chunk.next, err)
		}
		if last {
			break
		}
	}
	return memory, nil
}

// position is where to fetch next. Where a partition without a committed offset
// begins is decided here and committed at once: with Start Latest, a crash
// before the first record would otherwise lose what is written meanwhile.
func (g *Generation) position(ctx context.Context, p *Partition) (int64, error) {
	if at, pending, known := p.position(); known {
		if pending >= maxPending {
			return 0, fmt.Errorf("%s@%d: waiting for the oldest of %d records taken to settle", p, at, pending)
		}
		return at, nil
	}
	b, err := g.c.bounds(ctx, p)
	if err != nil {
		return 0, err
	}
	at := b.start(g.c.start(p.Topic))
	p.mu.Lock()
	p.tracker, p.end = newTracker(at), b.end
	p.mu.Unlock()
	g.commitSoon()
	return at, nil
}

// maxPending bounds the tracker of a partition whose oldest record does not
// settle while those behind it do: 16 bytes each.
const maxPending = 1 << 18

func (p *Partition) position() (at int64, pending int, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil {
		return 0, 0, false
	}
	return p.tracker.position, p.tracker.pending(), true
}

// enter tracks records read off a chunk. It returns those that are not settled
// yet, and their size in bytes.
func (p *Partition) enter(records []Record, c *chunk) (fresh []Record, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh = records[:0]
	for _, r := range records {
		r.seq = p.tracker.take(r.Offset)
		if p.done.holds(r.Offset) {
			p.tracker.settle(r.seq)
			continue
		}
		size += r.Size()
		fresh = append(fresh, r)
	}
	p.tracker.skip(c.next)
	p.end = c.end
	return fresh, size
}

// relocate decides where to go on when the log no longer holds, or does not yet
// hold, the offset wanted.
func (g *Generation) relocate(ctx context.Context, p *Partition) error {
	b, err := g.c.bounds(ctx, p)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.tracker.position
	switch {
	case at < b.first:
		// Retention was faster than this group. There is nothing left to take.
		g.log.Error("records were deleted by retention before they were taken", "partition", p.String(), "from", at, "to", b.first)
		p.tracker.skip(b.first)
	case at > b.end:
		// The log is shorter than it was: the topic was made anew, or a broker
		// that lacked the newest records took over. Where a new group would
		// begin is the only place that the configuration names.
		if p.tracker.pending() > 0 {
			return fmt.Errorf("the log ends at %d, before the group's offset %d: starting over once what is in flight has settled", b.end, at)
		}
		to := b.start(g.c.start(p.Topic))
		g.log.Error("the log ends before the group's offset: starting over as a new group would", "partition", p.String(), "offset", at, "end", b.end, "to", to)
		p.tracker, p.done = newTracker(to), nil
	}
	return nil
}

// logBounds are the offsets that a partition's log holds: first … end-1.
type logBounds struct{ first, end int64 }

func (b logBounds) start(s Start) int64 {
	if s == Latest {
		return b.end
	}
	return b.first
}

func (c *Consumer) bounds(ctx context.Context, p *Partition) (logBounds, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{p.Topic: {kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID)}},
		IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return logBounds{}, fmt.Errorf("list offsets of %s: %w", p, err)
	}
	for _, o := range res.Topics[p.Topic] {
		if o.Partition == p.ID {
			if o.Error != nil {
				return logBounds{}, fmt.Errorf("list offsets of %s: %w", p, o.Error)
			}
			return logBounds{first: o.FirstOffset, end: o.LastOffset}, nil
		}
	}
	return logBounds{}, fmt.Errorf("list offsets of %s: no answer", p)
}

// pause is the wait between attempts: 100 ms, doubling up to 3 s.
type pause struct{ d time.Duration }

func newPause() *pause { return &pause{} }

func (p *pause) reset() { p.d = 0 }

func (p *pause) next() time.Duration {
	p.d = min(max(2*p.d, 100*time.Millisecond), 3*time.Second)
	return p.d
}
