package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// incarnation tells a topic from others that had its name before. The zero value
// is that of no topic; that of brokers older than Kafka 2.8 has no id.
type incarnation struct {
	exists bool
	id     topicID
}

// layout is what the cluster says of topics.
type layout struct {
	cluster string // its id
	topics  map[string]topicLayout
}

type topicLayout struct {
	incarnation
	partitions []int
}

// describe asks for the layout of topics. One that does not exist is in it too;
// it is not created by that.
func (c *Consumer) describe(ctx context.Context, topics []string) (layout, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
	}
	res, memory, err := c.ask(ctx, anyOf, req.MaxVersion(), req)
	if err != nil {
		return layout{}, fmt.Errorf("describe topics: %w", err)
	}
	defer memory.Release()
	meta := res.(*kmsg.MetadataResponse)
	l := layout{topics: map[string]topicLayout{}}
	if meta.ClusterID != nil {
		l.cluster = *meta.ClusterID
	}
	for _, t := range meta.Topics {
		var found topicLayout
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
		case err != nil && !errors.Is(err, kerr.LeaderNotAvailable):
			return layout{}, fmt.Errorf("describe topic %s: %w", *t.Topic, err)
		default:
			found.incarnation = incarnation{exists: true, id: t.TopicID}
		}
		for _, p := range t.Partitions {
			found.partitions = append(found.partitions, int(p.Partition))
		}
		l.topics[*t.Topic] = found
	}
	for _, topic := range topics {
		if _, answered := l.topics[topic]; !answered {
			return layout{}, fmt.Errorf("describe topic %s: no answer", topic)
		}
	}
	return l, nil
}

// committed is what a group has committed of a partition.
type committed struct {
	offset   int64 // -1: nothing
	metadata string
}

// start is where partitions of the topic begin of which nothing is committed.
func (c *Consumer) start(topic string) Start {
	if c.once(topic) {
		return Earliest
	}
	return c.cfg.Start
}

// once tells whether the topic's records are taken once, by whatever group.
func (c *Consumer) once(topic string) bool { return slices.Contains(c.cfg.Once, topic) }

// remember notes what topics there were when this member looked first. A topic
// that has been assigned exists, even if the broker asked does not know it yet.
func (g *Generation) remember(l layout) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	for topic, t := range l.topics {
		assigned := g.assigned[topic] > 0 || slices.ContainsFunc(g.partitions, func(p *Partition) bool { return p.Topic == topic })
		if _, known := g.c.firstSeen[topic]; !known && (t.exists || !assigned) {
			g.c.firstSeen[topic] = t.incarnation
		}
	}
}

// appeared tells whether this is another topic of that name than the member saw
// first, or the first.
func (c *Consumer) appeared(topic string, now incarnation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, known := c.firstSeen[topic]
	return known && first != now
}

// commits asks what the group has committed of partitions, by topic.
func (c *Consumer) commits(ctx context.Context, partitions map[string][]int) (map[string]map[int]committed, error) {
	found := map[string]map[int]committed{}
	if len(partitions) == 0 {
		return found, nil // an empty list would ask for all there are
	}
	res, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: c.cfg.Group, Topics: partitions})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, fmt.Errorf("fetch committed offsets: %w", err)
	}
	for topic, ids := range partitions {
		found[topic] = map[int]committed{}
		for _, id := range ids {
			i := slices.IndexFunc(res.Topics[topic], func(o kafka.OffsetFetchPartition) bool { return o.Partition == id })
			if i < 0 {
				return nil, fmt.Errorf("fetch committed offsets: no answer for %s/%d", topic, id)
			}
			o := res.Topics[topic][i]
			if o.Error != nil {
				return nil, fmt.Errorf("fetch committed offset of %s/%d: %w", topic, id, o.Error)
			}
			found[topic][id] = committed{o.CommittedOffset, o.Metadata}
		}
	}
	return found, nil
}

// logBounds are the offsets that a partition's log holds: first … end-1.
type logBounds struct{ first, end int64 }

// bounds asks for the bounds of partitions of a topic.
func (c *Consumer) bounds(ctx context.Context, topic string, partitions ...int) (map[int]logBounds, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var ask []kafka.OffsetRequest
	for _, id := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(id), kafka.LastOffsetOf(id))
	}
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{topic: ask},
		IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	found := map[int]logBounds{}
	for _, o := range res.Topics[topic] {
		if o.Error != nil {
			return nil, fmt.Errorf("list offsets of %s/%d: %w", topic, o.Partition, o.Error)
		}
		found[o.Partition] = logBounds{first: o.FirstOffset, end: o.LastOffset}
	}
	for _, id := range partitions {
		if _, ok := found[id]; !ok {
			return nil, fmt.Errorf("list offsets of %s/%d: no answer", topic, id)
		}
	}
	return found, nil
}
