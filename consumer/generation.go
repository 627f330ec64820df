package consumer

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Generation is the time between two rebalances, in which this member holds a
// fixed set of partitions. Its methods are safe for concurrent use.
type Generation struct {
	c          *Consumer
	kgen       *kafka.Generation
	log        *slog.Logger
	partitions []*Partition
	assigned   map[string]int // partitions by topic, over all members; nil: this one does not lead the group
	fetchBytes int            // of a partition at a time

	// While Fetch runs.
	fetching sync.WaitGroup
	fetchCtx context.Context
	fetcher  *fetcher
	reserve  Reserve

	settled atomic.Int64  // records settled since the last commit
	wake    chan struct{} // the commit loop, when settled has reached CommitRecords
}

// Partition is a partition held during one generation.
type Partition struct {
	Topic string
	ID    int

	gen       *Generation
	mu        sync.Mutex
	committed committed // by this generation, or those before
	begin     *begin    // nil until it is known
	tracker   *tracker  // nil until it is known at which offset to begin, and when the generation is over
	base      int64     // what counts as committed: before anything is of this log, where it began
	end       int64     // the log's end, as last heard; -1: not yet
	heard     time.Time // when that was

	transaction openTransaction // that holds it back

	// What the tracker counts is of this topic. Where what is committed may be of
	// another, nothing is committed before a broker has confirmed the topic by
	// serving it: one that lags may name the former.
	cluster   string
	topic     topicID
	confirmed bool
	epoch     int32 // of the last batch taken, or a later one

	skipped []wire.Span // see Skip; the spans are not changed, others may have them

	// See fetchDeferred.
	goingBack bool          // what is in hand has to settle: nothing more is taken
	turn      chan struct{} // full while a strand is handed on that may just have caught up: what follows it waits

	// See commitTogether and hasWaited.
	renew   bool      // what is committed is committed again, if only for the time that it is kept
	waiting time.Time // since when other groups are asked in vain

	// See handOn.
	full    bool          // what is to be taken next waits for others to settle
	settles chan struct{} // gets one when that is so, and some have
	crowded *trouble      // of the goroutine that fetches

	// See [Consumer.held].
	noteFull bool // what is unsettled is near what a note can say
	stopped  halt // nothing is fetched
}

// String is TOPIC/PARTITION.
func (p *Partition) String() string { return p.Topic + "/" + strconv.Itoa(p.ID) }

// toSkip is what is not to be read if it cannot be.
func (p *Partition) toSkip() []wire.Span {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.skipped
}

// room is how many bits the gaps between unsettled records may take. The partition is
// locked.
func (p *Partition) room() int { return p.gen.c.room() - skippedHeads(len(p.skipped)) }

// minFetchBytes is what a partition may always fetch: less would be hardly more
// than one batch of a producer.
const minFetchBytes = 16 << 10

func newGeneration(c *Consumer, kgen *kafka.Generation, assigned map[string]int) *Generation {
	g := &Generation{c: c, kgen: kgen, assigned: assigned, log: c.log.With("generation", kgen.ID), wake: make(chan struct{}, 1)}
	for topic, assigned := range kgen.Assignments {
		for _, a := range assigned {
			g.partitions = append(g.partitions, &Partition{
				Topic: topic, ID: a.ID, gen: g, committed: committed{offset: -1}, epoch: unknownEpoch,
				turn: make(chan struct{}, 1), settles: make(chan struct{}, 1),
				crowded: newTrouble(g.log, "partition pauses, and goes on as its records settle", "partition goes on"),
			})
		}
	}
	g.fetchBytes = max(min(c.cfg.FetchBytes, c.cfg.FetchTotal/4/max(1, len(g.partitions))), min(c.cfg.FetchBytes, minFetchBytes))
	return g
}

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

// settled ends the settling of n records; p, if it is one, is locked.
func (p *Partition) settled(n int) {
	if p == nil {
		return
	}
	if p.full && n > 0 {
		p.full = false
		p.settles <- struct{}{} // it holds one: nothing is waited for
	}
	p.mu.Unlock()
	if g := p.gen; n > 0 && g.settled.Add(int64(n)) >= int64(g.c.cfg.CommitRecords) {
		g.commitSoon()
	}
}

// unsettled is the number of records that are left to whoever comes next.
func (g *Generation) unsettled() (n int) {
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			n += p.tracker.taken() + int(p.tracker.left())
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
