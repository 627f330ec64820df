package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// askTimeout bounds a question to the brokers.
const askTimeout = 10 * time.Second

// locateAll finds out where the partitions begin. It tries until it knows or ctx
// ends.
func (g *Generation) locateAll(ctx context.Context) error {
	const pinPause, pinPatience = 100 * time.Millisecond, 20
	trouble := newTrouble(g.log, "waiting for the committed offsets", "committed offsets known")
	for pins := 0; ctx.Err() == nil; {
		said, err := g.locate(ctx, g.topics(), g.partitions)
		switch {
		case err == nil && pins < pinPatience && slices.ContainsFunc(g.partitions, (*Partition).awaitsPin):
			pins++ // then each of them goes on waiting by itself
			_ = sleep(ctx, pinPause)
		case err == nil:
			trouble.over()
			said.log(g.log)
			return nil
		case ctx.Err() == nil:
			trouble.report(err)
			_ = sleep(ctx, time.Second)
		}
	}
	return ctx.Err()
}

// awaitsPin tells whether the group's leader has to say where the partition begins.
func (p *Partition) awaitsPin() bool {
	b := p.begins()
	return b != nil && b.at == atPinned
}

// topics are those that this member has to know: its own, and those that it has
// assigned as the leader of the group. (While a new configuration is rolled out
// these differ.)
func (g *Generation) topics() []string {
	topics := slices.Clone(g.c.cfg.Topics)
	for topic := range g.assigned {
		topics = append(topics, topic)
	}
	for _, p := range g.partitions {
		topics = append(topics, p.Topic)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// locate finds out where partitions of the topics begin, and returns what is to
// be said of that. Those whose topic is not to be seen are left for when they are
// fetched.
func (g *Generation) locate(ctx context.Context, topics []string, partitions []*Partition) (said begun, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := g.survey(ctx, topics, partitions)
	if err != nil {
		return said, err
	}
	pinned, err := g.pin(ctx, s)
	if err == nil && pinned {
		s, err = g.survey(ctx, topics, partitions)
	}
	if err != nil {
		return said, err
	}
	all := map[*Partition]known{}
	for _, p := range partitions {
		t := s.topics[p.Topic]
		if !t.exists {
			continue
		}
		c := s.committed[p.Topic][p.ID]
		n, err := decodeNote(c.metadata, p.place(s.cluster), c.offset)
		all[p] = known{
			topic: t.id, committed: c, note: n, kept: g.c.kept[p.String()],
			started:  s.started(p.Topic),
			appeared: g.c.appeared(p.Topic, t.incarnation),
			latest:   g.c.start(p.Topic) == Latest,
			once:     g.c.once(p.Topic),
		}
		if err != nil {
			said.ignore(p, err)
		}
	}
	said.unasked = g.askOthers(ctx, s.cluster, all)
	for p, k := range all {
		b := k.begin()
		p.located(s.cluster, k.committed, b, k.once)
		said.add(p, b, k.once)
	}
	said.records = g.recordsIn(ctx, said.alone)
	return said, nil
}

// survey is what the brokers know of topics, and the group of their partitions.
type survey struct {
	layout
	committed map[string]map[int]committed
}

// survey asks about the topics, with all their partitions.
func (g *Generation) survey(ctx context.Context, topics []string, partitions []*Partition) (s survey, err error) {
	if s.layout, err = g.c.describe(ctx, topics); err != nil {
		return s, err
	}
	g.remember(s.layout)
	ids := map[string][]int{}
	for topic, t := range s.topics {
		if len(t.partitions) > 0 {
			ids[topic] = t.partitions
		}
	}
	for _, p := range partitions { // the broker asked may not know of them all yet
		if s.topics[p.Topic].exists && !slices.Contains(ids[p.Topic], p.ID) {
			ids[p.Topic] = append(slices.Clip(ids[p.Topic]), p.ID)
		}
	}
	s.committed, err = g.c.commits(ctx, ids)
	return s, err
}

// started tells whether the group has committed something of the topic.
func (s survey) started(topic string) bool {
	for _, c := range s.committed[topic] {
		if c.offset >= 0 {
			return true
		}
	}
	return false
}

func (p *Partition) place(cluster string) place {
	return place{cluster: cluster, topic: p.Topic, partition: p.ID}
}

// located notes where the partition begins.
func (p *Partition) located(cluster string, c committed, b begin, once bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cluster, p.committed, p.begin, p.confirmed, p.tracker, p.renew = cluster, c, &b, b.sure, nil, once
	if b.at != atOthers {
		p.waiting = time.Time{}
	}
	if b.at >= 0 {
		p.beginAt(b.at)
	}
}

// beginAt has the partition taken from an offset on. It is locked.
func (p *Partition) beginAt(offset int64) {
	n := p.begin.note
	if p.gen.c.cfg.Strand == nil {
		n = n.undeferred()
	}
	p.tracker = newTracker(offset, n)
	p.topic, p.epoch, p.skipped = p.begin.note.topic, p.begin.note.epoch, p.begin.note.skipped
	p.base, p.end, p.heard, p.transaction = offset, -1, time.Time{}, openTransaction{}
	if p.committed.offset >= 0 && !p.begin.anew {
		p.base = p.committed.offset
	}
}

// pin commits, for topics of which the group has nothing yet, where their
// partitions end now, and returns whether there were any. It is for the group's
// leader, where Start is Latest.
func (g *Generation) pin(ctx context.Context, s survey) (pinned bool, err error) {
	if g.assigned == nil {
		return false, nil
	}
	var (
		pins  []toCommit
		begun []string // topics
	)
	for topic, t := range s.topics {
		switch {
		case g.c.start(topic) != Latest || g.assigned[topic] == 0:
			continue
		case !t.exists, len(t.partitions) == 0:
			return false, fmt.Errorf("topic %s has been assigned, and the broker asked does not know it", topic)
		case s.started(topic), g.c.appeared(topic, t.incarnation):
			continue
		}
		bounds, err := g.c.bounds(ctx, topic, t.partitions...)
		if err != nil {
			return false, fmt.Errorf("find where a new group begins: %w", err)
		}
		n := note{topic: t.id, epoch: unknownEpoch}
		for id, b := range bounds {
			at := place{cluster: s.cluster, topic: topic, partition: id}
			pins = append(pins, toCommit{at, committed{b.end, g.c.metadata(n, at, b.end)}})
		}
		begun = append(begun, topic)
	}
	if len(pins) == 0 {
		return false, nil
	}
	if err := errors.Join(g.commitOffsets(ctx, pins)...); err != nil {
		return false, err
	}
	g.log.Info("the group has committed nothing of these topics: beginning at their ends", "topics", begun, "partitions", len(pins))
	return true, nil
}
