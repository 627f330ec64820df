package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitLoop commits by time and by count until stop is closed.
func (g *Generation) commitLoop(stop <-chan struct{}) {
	trouble := newTrouble(g.log, "offsets cannot be committed, trying again", "offsets are committed again")
	trouble.passing = restarting
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
// sum is below rebalanceMargin. A coordinator whose broker has crashed is named for
// 9 s more, unless the cluster is told otherwise (broker.session.timeout.ms), and the
// next one has still to load the group.
const (
	commitPatience = 16 * time.Second
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
		case errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.UnknownMemberID), time.Now().After(deadline):
			g.log.Error("settled offsets could not be committed: their records are taken again, unless this member gets their partitions back", "error", err)
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// commit commits the offsets that have moved since the last time.
func (g *Generation) commit() error {
	g.settled.Store(0)
	var (
		moved   []*Partition
		offsets []toCommit
	)
	for _, p := range g.partitions {
		if c, due := p.toCommit(); due {
			moved, offsets = append(moved, p), append(offsets, c)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	var failed error
	for i, err := range g.commitOffsets(ctx, offsets) {
		if err != nil {
			failed = cmp.Or(failed, err) // the rest says the same of other partitions
			continue
		}
		p := moved[i]
		p.mu.Lock()
		p.committed, p.base, p.renew = offsets[i].committed, offsets[i].offset, false
		p.mu.Unlock()
	}
	if failed != nil {
		g.c.metrics.commitFailures.Add(ctx, 1)
		return failed
	}
	g.c.metrics.commits.Add(ctx, 1)
	return nil
}

// toCommit is what is to be committed of a partition.
type toCommit struct {
	place
	committed
}

// toCommit is what the partition has to commit, if that differs from what is
// committed or is to be kept for longer.
func (p *Partition) toCommit() (c toCommit, due bool) {
	p.mu.Lock()
	if p.tracker == nil || !p.confirmed {
		p.mu.Unlock()
		return c, false
	}
	c.place, c.offset = p.place(p.cluster), p.tracker.committable()
	n, was, renew := p.note(), p.committed, p.renew
	p.mu.Unlock()
	c.metadata = p.gen.c.metadata(n, c.place, c.offset) // nobody that settles waits for that
	return c, renew || c.committed != was
}

// note is what is to be known beside the committable offset. The partition is
// locked.
func (p *Partition) note() note {
	n := p.tracker.note()
	n.topic, n.epoch = p.topic, p.epoch
	n.skipped = p.skipped[endBefore(p.skipped, p.tracker.committable()):]
	return n
}

// metadata is a note as it is committed, unless the broker takes none.
func (c *Consumer) metadata(n note, at place, offset int64) string {
	size := c.noteSize()
	if size == 0 {
		return ""
	}
	return n.encode(at, offset, size)
}

// minNote is the shortest note worth writing, in characters: to keep to less, a
// partition would hardly ever go on.
const minNote = 256

// noteSize is how long a note may be, in characters; 0: there are none. Where one is
// refused, those half as long are tried.
func (c *Consumer) noteSize() int {
	refused := int(c.refused.Load())
	switch {
	case refused == 0:
		return maxNote
	case refused/2 < minNote:
		return 0
	}
	return refused / 2
}

// room is how many bits the gaps between unsettled records may take.
func (c *Consumer) room() int {
	size := c.noteSize()
	if size == 0 {
		return math.MaxInt // nothing is noted, so nothing has to fit
	}
	return noteRoom(size)
}

// noteRefused learns from a note that was refused for its length.
func (c *Consumer) noteRefused(size int) {
	for {
		old := c.refused.Load()
		if size == 0 || old > 0 && int64(size) >= old {
			return
		}
		if c.refused.CompareAndSwap(old, int64(size)) {
			break
		}
	}
	if size = c.noteSize(); size > 0 {
		c.log.Warn("the broker takes less metadata with a commit than is usual (offset.metadata.max.bytes): partitions pause sooner where records settle out of turn", "bytes", size)
	} else {
		c.log.Warn("the broker takes little metadata with a commit (offset.metadata.max.bytes): what settles out of turn may be delivered again, and a topic that is made anew may not be recognised")
	}
}

// keepOnce is for how long a commit of a topic that is taken once is kept, from when a
// member has last taken over the partition or committed something new. It is to outlive
// the records that it speaks of; the brokers would forget it a week after the group's
// last member has left (offsets.retention.minutes).
const keepOnce = 365 * 24 * time.Hour

// commitOffsets commits them, and returns for each whether that failed. It takes a
// request for those of topics that are taken once, which are kept for longer, and
// another for the rest.
func (g *Generation) commitOffsets(ctx context.Context, offsets []toCommit) []error {
	errs := make([]error, len(offsets))
	for _, once := range []bool{false, true} {
		var (
			some []toCommit
			at   []int
		)
		for i, o := range offsets {
			if g.c.once(o.topic) == once {
				some, at = append(some, o), append(at, i)
			}
		}
		if len(some) == 0 {
			continue
		}
		for i, err := range g.commitTogether(ctx, some, once) {
			errs[at[i]] = err
		}
	}
	return errs
}

// commitTogether commits in one request. Of the leader epoch it says nothing, which
// clients that believe it then do not check: it is of the last record taken, not of
// the one before the offset.
func (g *Generation) commitTogether(ctx context.Context, offsets []toCommit, once bool) []error {
	most := int16(8) // from 9 on it is about groups of the new protocol, from 10 on by topic id
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation, req.MemberID = g.kgen.GroupID, g.kgen.ID, g.kgen.MemberID
	if once {
		most = 4 // from 5 on it cannot say
		req.RetentionTimeMillis = keepOnce.Milliseconds()
	}
	topics := map[string]int{}
	for _, o := range offsets {
		i, ok := topics[o.topic]
		if !ok {
			i = len(req.Topics)
			topics[o.topic] = i
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic = o.topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = int32(o.partition), o.offset, &o.metadata
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, p)
	}
	errs := make([]error, len(offsets))
	res, err := g.c.askCoordinator(ctx, most, req, func(res kmsg.Response) int16 {
		for _, t := range res.(*kmsg.OffsetCommitResponse).Topics {
			for _, p := range t.Partitions {
				return p.ErrorCode // what concerns the group is said of all alike
			}
		}
		return 0
	})
	if err != nil {
		for i := range errs {
			errs[i] = fmt.Errorf("commit offsets: %w", err) // of all alike
		}
		return errs
	}
	type partition struct {
		topic string
		id    int
	}
	answers := map[partition]error{}
	for _, t := range res.(*kmsg.OffsetCommitResponse).Topics {
		for _, p := range t.Partitions {
			answers[partition{t.Topic, int(p.Partition)}] = kerr.ErrorForCode(p.ErrorCode)
		}
	}
	for i, o := range offsets {
		err, answered := answers[partition{o.topic, o.partition}]
		switch {
		case !answered:
			errs[i] = fmt.Errorf("commit %s/%d@%d: no answer", o.topic, o.partition, o.offset)
		case err != nil:
			if errors.Is(err, kerr.OffsetMetadataTooLarge) {
				g.c.noteRefused(len(o.metadata))
			}
			errs[i] = fmt.Errorf("commit %s/%d@%d: %w", o.topic, o.partition, o.offset, err)
		}
	}
	return errs
}

// keep notes where the partitions stand, committed or not.
func (g *Generation) keep() {
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil && p.confirmed { // otherwise what was kept before still holds
			g.c.kept[p.String()] = &kept{committed: p.committed, offset: p.tracker.committable(), note: p.note()}
		}
		p.mu.Unlock()
	}
}
