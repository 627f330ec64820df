package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// Generation is the time between two rebalances, in which this member holds a
// fixed set of partitions. Its methods are safe for concurrent use.
type Generation struct {
	c          *Consumer
	kgen       *kafka.Generation
	log        *slog.Logger
	partitions []*Partition
	fetchBytes int // of a partition at a time

	settled atomic.Int64  // records settled since the last commit
	wake    chan struct{} // the commit loop, when settled has reached CommitRecords
}

// Partition is a partition held during one generation.
type Partition struct {
	Topic string
	ID    int

	gen       *Generation
	mu        sync.Mutex
	tracker   *tracker // nil until it is known where to begin, and when the generation is over
	committed int64    // -1: nothing
	metadata  string   // committed with it: what is settled beyond
	done      ahead    // settled by former generations, beyond the offset they committed
	end       int64    // the log's end, as last heard
}

// String is TOPIC/PARTITION.
func (p *Partition) String() string { return p.Topic + "/" + strconv.Itoa(p.ID) }

func newGeneration(c *Consumer, kgen *kafka.Generation) *Generation {
	g := &Generation{c: c, kgen: kgen, log: c.log.With("generation", kgen.ID), wake: make(chan struct{}, 1)}
	for topic, assigned := range kgen.Assignments {
		for _, a := range assigned {
			g.partitions = append(g.partitions, &Partition{Topic: topic, ID: a.ID, gen: g, committed: -1})
		}
	}
	g.fetchBytes = max(min(c.cfg.FetchBytes, c.cfg.FetchTotal/max(1, len(g.partitions))), min(c.cfg.FetchBytes, minFetchBytes))
	return g
}

// Partitions are the partitions held. The slice must not be changed.
func (g *Generation) Partitions() []*Partition { return g.partitions }

// assignment lists the partitions by topic, for the log.
func (g *Generation) assignment() map[string][]int {
	m := map[string][]int{}
	for _, p := range g.partitions {
		m[p.Topic] = append(m[p.Topic], p.ID)
	}
	for _, ids := range m {
		slices.Sort(ids)
	}
	return m
}

// locate fetches the committed offsets; where a partition without one begins is
// found when it is fetched first. It tries until it knows or ctx ends. kafka-go's
// own answer is not used: it takes an error for "nothing committed".
func (g *Generation) locate(ctx context.Context) error {
	trouble := newTrouble(g.log, "waiting for the committed offsets", "committed offsets known")
	for ctx.Err() == nil {
		err := g.tryLocate(ctx)
		switch {
		case err == nil:
			trouble.over()
			return nil
		case ctx.Err() == nil:
			trouble.report(err)
			_ = sleep(ctx, time.Second)
		}
	}
	return ctx.Err()
}

func (g *Generation) tryLocate(ctx context.Context) error {
	if len(g.partitions) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	committed, metadata, err := g.c.committedOffsets(ctx, g.partitions)
	if err != nil {
		return err
	}
	for p, offset := range committed {
		p.committed, p.metadata = offset, metadata[p]
		p.done = decodeAhead(p.metadata, offset)
		if u, ok := g.c.uncommitted[p.String()]; ok && u.committed == offset {
			offset = u.settled
		}
		if offset >= 0 {
			p.tracker, p.end = newTracker(offset), offset
		}
	}
	return nil
}

// committedOffsets is what the group has committed of each partition, -1 where
// it has nothing.
func (c *Consumer) committedOffsets(ctx context.Context, partitions []*Partition) (offsets map[*Partition]int64, metadata map[*Partition]string, err error) {
	req := &kafka.OffsetFetchRequest{GroupID: c.cfg.Group, Topics: map[string][]int{}}
	for _, p := range partitions {
		req.Topics[p.Topic] = append(req.Topics[p.Topic], p.ID)
	}
	res, err := c.client.OffsetFetch(ctx, req)
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, nil, fmt.Errorf("fetch committed offsets: %w", err)
	}
	offsets, metadata = make(map[*Partition]int64, len(partitions)), make(map[*Partition]string, len(partitions))
	for _, p := range partitions {
		i := slices.IndexFunc(res.Topics[p.Topic], func(o kafka.OffsetFetchPartition) bool { return o.Partition == p.ID })
		if i < 0 {
			return nil, nil, fmt.Errorf("fetch committed offsets: no answer for %s", p)
		}
		if o := res.Topics[p.Topic][i]; o.Error != nil {
			return nil, nil, fmt.Errorf("fetch committed offset of %s: %w", p, o.Error)
		} else {
			offsets[p], metadata[p] = o.CommittedOffset, o.Metadata
		}
	}
	return offsets, metadata, nil
}

// settled ends the settling of n records; p, if it is one, is locked.
func (p *Partition) settled(n int) {
	if p == nil {
		return
	}
	p.mu.Unlock()
	if g := p.gen; n > 0 && g.settled.Add(int64(n)) >= int64(g.c.cfg.CommitRecords) {
		g.commitSoon()
	}
}

// unsettled is the number of records that the next generation takes again.
func (g *Generation) unsettled() (n int) {
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			n += p.tracker.pending()
		}
		p.mu.Unlock()
	}
	return n
}

// release lets go of the partitions: what settles from now on has no effect.
func (g *Generation) release() {
	for _, p := range g.partitions {
		p.mu.Lock()
		p.tracker = nil
		p.mu.Unlock()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
