package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Take receives records of one partition, in offset order; those of a strand that
// was deferred by themselves. It is called concurrently for different partitions,
// never for one, but for its deferred strands. It blocks for as long as there is
// no room: nothing more is fetched of that partition meanwhile. It
// owns the records, but not the slice, which is used again once it has
// returned. When ctx ends it returns, with or without having kept them:
// what is never settled is taken again by whoever holds the partition next.
type Take func(ctx context.Context, records []Record)

// Fetch reads all partitions of the generation and passes the records to take, and
// what was left for later to whom reserve has room; nil: to take as well. It returns
// when ctx has ended and neither is called any more. Errors of the brokers are waited
// out and said in the log. It may be called once.
func (g *Generation) Fetch(ctx context.Context, take Take, reserve Reserve) {
	if reserve == nil {
		reserve = anyRoom(take)
	}
	g.fetchCtx, g.reserve = ctx, reserve
	g.fetcher = &fetcher{g: g, groups: map[groupKey][]*group{}}
	for _, p := range g.partitions {
		g.fetching.Go(func() { g.fetchPartition(ctx, p, take) })
	}
	g.fetching.Wait()
	<-ctx.Done() // with no partition there is still a generation to sit through
}

func (g *Generation) fetchPartition(ctx context.Context, p *Partition, take Take) {
	trouble := newTrouble(g.log, "partition cannot be fetched, trying again", "partition is fetched again")
	trouble.passing = restarting
	pause := newPause()
	hand := g.c.budget.Hand(p.Topic)
	defer hand.Empty()
	wish := newWish(p, g.fetchBytes)
	for ctx.Err() == nil {
		err := g.fetchOnce(ctx, wish, take, hand)
		if err == nil {
			trouble.over("partition", p.String())
			p.halt(notHalted)
			pause.reset()
			continue
		}
		hand.Empty() // it may be long until the record comes that it is for
		if err = g.relocate(ctx, p, err); err != nil && ctx.Err() == nil {
			trouble.report(err, "partition", p.String())
			g.c.metrics.fetchFailed(p.Topic)
			p.halt(haltFor(err))
		}
		_ = sleep(ctx, pause.next())
	}
}

// pieceRecords is how many records are handed on at a time: the rest of a chunk
// waits as it came.
const pieceRecords = 256

// fetchOnce fetches one chunk and hands it on, in pieces that lie in memory, which the
// wish keeps for the next.
func (g *Generation) fetchOnce(ctx context.Context, w *wish, take Take, hand *wire.Hand) (err error) {
	p := w.p
	if w.from, err = g.position(ctx, p); err != nil {
		return err
	}
	p.fetchAllLater()
	w.told = !p.crowded.began.IsZero()
	chunk, err := g.fetchNext(ctx, w, hand)
	if err != nil {
		return fmt.Errorf("fetch %s@%d: %w", p, w.from.offset, err)
	}
	defer chunk.Close()
	memory := w.records
	w.records, w.more = nil, false // an idle partition holds on to nothing
	p.confirm(w.from.offset, chunk.safe, chunk.end)
	if len(chunk.Rest()) == 0 {
		g.handOn(ctx, p, nil, chunk, take)
		return nil
	}
	for ctx.Err() == nil {
		memory, err = chunk.read(memory[:0], pieceRecords)
		g.handOn(ctx, p, memory, chunk, take)
		if err != nil {
			return &readError{p, chunk.Next(), err}
		}
		if chunk.Ended() {
			break
		}
	}
	w.records, w.more = memory, chunk.Next() < chunk.safe
	return nil
}

// position is where to fetch.
type position struct {
	topic  topicID
	offset int64
	epoch  int32 // of the batch before
}

// position is where to fetch next.
func (g *Generation) position(ctx context.Context, p *Partition) (position, error) {
	at, located := p.position()
	if located {
		return at, nil
	}
	b := p.begins()
	var said begun
	if b == nil || b.at == atPinned || b.at == atOthers {
		var err error
		if said, err = g.locate(ctx, []string{p.Topic}, []*Partition{p}); err != nil {
			return at, err
		}
		said.log(g.log)
		if b = p.begins(); b == nil {
			return at, fmt.Errorf("topic %s: %w", p.Topic, kerr.UnknownTopicOrPartition)
		}
	}
	switch b.at {
	case atPinned:
		return at, fmt.Errorf("%s: waiting for the leader of the group to say where the topic begins", p)
	case atOthers:
		return at, fmt.Errorf("%s: waiting to hear where other groups have come to: %w", p, said.unasked)
	case atFirst:
		bounds, err := g.c.bounds(ctx, p.Topic, p.ID)
		if err != nil {
			return at, err
		}
		p.mu.Lock()
		p.beginAt(bounds[p.ID].first)
		p.hear(bounds[p.ID].end, time.Now())
		p.mu.Unlock()
		g.commitSoon()
	}
	at, _ = p.position()
	return at, nil
}

func (p *Partition) position() (at position, located bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil {
		return position{}, false
	}
	return position{p.topic, p.tracker.wanted(), p.epoch}, true
}

func (p *Partition) begins() *begin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begin
}

// confirm notes that a broker has answered for the topic, asked from an offset on, up to
// where what is written is stable, and where the log ends.
func (p *Partition) confirm(from, stable, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirmed = true
	p.goingBack = false // whatever a broker has said
	now := time.Now()
	p.hear(end, now)
	p.transaction.hear(from, stable, end, now)
}

// pause is the wait between attempts: 100 ms, doubling up to 3 s.
type pause struct{ d time.Duration }

func newPause() *pause { return &pause{} }

func (p *pause) reset() { p.d = 0 }

func (p *pause) next() time.Duration {
	p.d = min(max(2*p.d, 100*time.Millisecond), 3*time.Second)
	return p.d
}
