package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// relocate decides where to go on when the log is not the one that was read, or
// does not hold the offset wanted. It returns nil if that is decided, and
// otherwise what is to be waited for.
func (g *Generation) relocate(ctx context.Context, p *Partition, failed error) error {
	var diverged *divergedError
	switch {
	case errors.As(failed, &diverged):
		if p.agrees(diverged) {
			return failed // to go back there changes nothing
		}
		return g.goBack(p, diverged.end, diverged.epoch, lostRecords)
	case errors.Is(failed, kerr.UnknownTopicID), errors.Is(failed, kerr.InconsistentTopicID):
		if made, err := g.madeAnew(ctx, p); made || err != nil {
			return err
		}
		return failed // the broker has not heard of the topic yet
	case errors.Is(failed, kerr.OffsetOutOfRange):
		if made, err := g.madeAnew(ctx, p); made || err != nil {
			return err
		}
		return g.intoRange(ctx, p, failed)
	default:
		return failed
	}
}

// agrees tells whether what is known of the log, taken or noted by former owners, is all
// from before where it is said to differ, and read in the epoch that is said.
func (p *Partition) agrees(d *divergedError) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tracker.known() <= d.end && p.epoch == d.epoch
}

// madeAnew finds out whether the topic is another one than that which is read, and
// if so has the partition located again.
func (g *Generation) madeAnew(ctx context.Context, p *Partition) (made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	l, err := g.c.describe(ctx, []string{p.Topic})
	if err != nil {
		return false, err
	}
	now := l.topics[p.Topic]
	if !now.exists {
		return false, fmt.Errorf("topic %s: %w", p.Topic, kerr.UnknownTopicOrPartition)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.id.isOther(p.topic) {
		return false, nil
	}
	if n := p.tracker.taken(); n > 0 {
		return true, fmt.Errorf("the topic has been deleted and made anew: going over to the new one once the records in flight have settled, %d of them", n)
	}
	g.log.Warn("the topic has been deleted and made anew: going over to the new one", "partition", p.String(), "at", p.tracker.position, "was", p.topic.String(), "is", now.id.String())
	p.tracker, p.begin, p.confirmed = nil, nil, false
	return true, nil
}

// intoRange goes to the nearest offset that the log holds. Should it hold the one
// that failed, the broker and its own answer disagree: that may pass.
func (g *Generation) intoRange(ctx context.Context, p *Partition, failed error) error {
	all, err := g.c.bounds(ctx, p.Topic, p.ID)
	if err != nil {
		return err
	}
	b := all[p.ID]
	at, _ := p.position()
	switch {
	case at.offset < b.first:
		g.skipDeleted(p, b)
		return nil
	case at.offset > b.end && at.topic == topicID{}:
		// Whether the topic was made anew is not known: brokers older than Kafka
		// 2.8 do not tell. To take records again is the lesser evil.
		return g.goBack(p, b.first, unknownEpoch, "the log ends before what was taken of it, for whatever reason: brokers that tell which are of Kafka 2.8 or newer")
	case at.offset > b.end:
		return g.goBack(p, b.end, unknownEpoch, lostRecords)
	}
	return failed
}

// skipDeleted goes on at the first record that is left. The others are gone by
// retention, unless the offset was set by somebody else and nothing was read since:
// then it may never have been right.
func (g *Generation) skipDeleted(p *Partition, b logBounds) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.tracker.wanted()
	if p.confirmed {
		n := p.tracker.untaken(b.first)
		g.c.metrics.deleted(p, n)
		g.log.Error("records were deleted by retention before they were taken", "partition", p.String(), "from", from, "to", b.first, "records", n)
	} else {
		g.log.Warn("the committed offset, beside which there is no note of this program, is before the log's first record: going on there", "partition", p.String(), "from", from, "to", b.first)
	}
	p.tracker.skip(b.first)
	p.hear(b.end, time.Now())
}

// lostRecords is why a log that is the same differs from what was read.
const lostRecords = "the log has lost records that were taken, as when a broker takes over that lacks them"

// goBack goes back to where the log begins to differ from what was read of it.
func (g *Generation) goBack(p *Partition, to int64, epoch int32, why string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.tracker.inHand(to)
	if p.goingBack = n > 0; p.goingBack {
		return fmt.Errorf("%s: going back to offset %d once the records in flight from there on have settled, %d of them", why, to, n)
	}
	if at := p.tracker.known(); to < at {
		g.log.Error(why+": going back to where it differs", "partition", p.String(), "at", at, "to", to)
	}
	p.tracker.goBack(to)
	p.epoch, p.skipped = epoch, p.skipped[:endBefore(p.skipped, to)]
	return nil
}
