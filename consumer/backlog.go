package consumer

import "time"

// Backlog is what there is of a partition beyond the records in hand.
type Backlog struct {
	Topic     string
	Partition int
	End       int64            // the log's end, as last heard; -1: not yet
	Unread    int64            // records that were not come to yet and could be taken now; 0 while the end is not known
	Deferred  map[uint64]int64 // records passed, to be taken later, by strand; nil: none
	Paused    bool             // nothing of it can be taken for now, whoever holds it
}

// Backlogs reports the partitions held now; none while the member is joining. What is
// taken and not settled is not in it.
func (c *Consumer) Backlogs() []Backlog {
	g := c.generation.Load()
	if g == nil {
		return nil
	}
	all := make([]Backlog, 0, len(g.partitions))
	now := time.Now()
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			all = append(all, p.backlog(now))
		}
		p.mu.Unlock()
	}
	return all
}

func (p *Partition) backlog(now time.Time) Backlog {
	b := Backlog{Topic: p.Topic, Partition: p.ID, End: p.end, Paused: p.halted() != notHalted}
	if p.end >= 0 {
		b.Unread = max(0, p.end-p.tracker.wanted()-p.transaction.unstable(now))
	}
	for _, d := range p.tracker.deferred {
		if d.left == 0 {
			continue
		}
		if b.Deferred == nil {
			b.Deferred = map[uint64]int64{}
		}
		b.Deferred[d.strand] += d.left
	}
	return b
}
