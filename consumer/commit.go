package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// commitLoop commits by time and by count until stop is closed.
func (g *Generation) commitLoop(stop <-chan struct{}) {
	trouble := newTrouble(g.log, "offsets cannot be committed, trying again", "offsets are committed again")
	ticker := time.NewTicker(g.c.cfg.CommitInterval)
	defer ticker.Stop()
	for {
		if err := g.commit(); err != nil {
			trouble.report(err)
		} else {
			trouble.over()
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		case <-g.wake:
		}
	}
}

// commitSoon has the loop commit without waiting for its time.
func (g *Generation) commitSoon() {
	select {
	case g.wake <- struct{}{}:
	default: // it will
	}
}

// commitPatience and commitTimeout bound the last commit and each attempt. Their
// sum is well below rebalanceMargin.
const (
	commitPatience = 10 * time.Second
	commitTimeout  = 5 * time.Second
)

// commitLast commits what the drained generation has settled, trying for a
// while: a coordinator that moves or restarts is back within seconds, and
// another member takes again what is not committed.
func (g *Generation) commitLast() {
	deadline := time.Now().Add(commitPatience)
	for {
		err := g.commit()
		switch {
		case err == nil:
			return
		case errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.UnknownMemberId), time.Now().After(deadline):
			g.log.Error("settled offsets could not be committed: their records are taken again, unless this member gets their partitions back", "error", err)
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// commit commits the offsets that have moved since the last time.
func (g *Generation) commit() error {
	g.settled.Store(0)
	type position struct {
		offset   int64
		metadata string
	}
	offsets := map[*Partition]position{}
	req := &kafka.OffsetCommitRequest{
		GroupID:      g.kgen.GroupID,
		GenerationID: int(g.kgen.ID),
		MemberID:     g.kgen.MemberID,
		Topics:       map[string][]kafka.OffsetCommit{},
	}
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			at := position{offset: p.tracker.committable()}
			if !g.c.bare.Load() {
				at.metadata = append(p.tracker.ahead(), p.done.after(p.tracker.position)...).encode(at.offset)
			}
			if at != (position{p.committed, p.metadata}) {
				offsets[p] = at
				req.Topics[p.Topic] = append(req.Topics[p.Topic], kafka.OffsetCommit{Partition: p.ID, Offset: at.offset, Metadata: at.metadata})
			}
		}
		p.mu.Unlock()
	}
	if len(offsets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	res, err := g.c.client.OffsetCommit(ctx, req)
	if err != nil {
		g.c.metrics.commitFailures.Add(ctx, 1)
		return fmt.Errorf("commit offsets: %w", err)
	}
	var errs []error
	for p, at := range offsets {
		i := slices.IndexFunc(res.Topics[p.Topic], func(c kafka.OffsetCommitPartition) bool { return c.Partition == p.ID })
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("commit %s@%d: no answer", p, at.offset))
		case res.Topics[p.Topic][i].Error != nil:
			if errors.Is(res.Topics[p.Topic][i].Error, kafka.OffsetMetadataTooLarge) && !g.c.bare.Swap(true) {
				g.log.Warn("the broker takes little metadata with a commit (offset.metadata.max.bytes): what settles out of turn may be delivered again")
			}
			errs = append(errs, fmt.Errorf("commit %s@%d: %w", p, at.offset, res.Topics[p.Topic][i].Error))
		default:
			p.mu.Lock()
			p.committed, p.metadata = at.offset, at.metadata
			p.mu.Unlock()
		}
	}
	if len(errs) > 0 {
		g.c.metrics.commitFailures.Add(ctx, 1)
		return errs[0] // the rest says the same of other partitions
	}
	g.c.metrics.commits.Add(ctx, 1)
	return nil
}

// uncommitted is what is settled of a partition beyond its committed offset. A
// member that gets the partition back in its next generation goes on there, if
// nobody has committed anything since: an outage of the brokers then repeats
// nothing, however long it is.
type uncommitted struct{ committed, settled int64 }

func (g *Generation) uncommitted() map[string]uncommitted {
	m := map[string]uncommitted{}
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil && p.tracker.committable() > p.committed {
			m[p.String()] = uncommitted{committed: p.committed, settled: p.tracker.committable()}
		}
		p.mu.Unlock()
	}
	return m
}
