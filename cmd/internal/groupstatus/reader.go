package groupstatus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// A Reader takes snapshots of a group. It is for one goroutine.
type Reader struct {
	client *kgo.Client
	group  string
	latest bool // where a new group begins
	topics []Topic

	ages map[partitionKey]aged // of the snapshot before: a record that is still the oldest is not read again
}

type partitionKey struct {
	topic     string
	partition int32
}

// NewReader returns a reader of how a group does in topics, of which Name and Replayed are given. Latest says where the
// group begins in a topic of which it has nothing. The client remains the caller's.
func NewReader(client *kgo.Client, group string, latest bool, topics []Topic) *Reader {
	return &Reader{client: client, group: group, latest: latest, topics: topics}
}

// Read takes a snapshot. The error is that of Kafka, a [consumer.DeniedError] where a right is missing that it cannot do
// without: Describe on the group and on the topics. Without Read on a topic its ages are not known.
func (r *Reader) Read(ctx context.Context) (*Snapshot, error) {
	l, err := r.layout(ctx)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Topics: slices.Clone(r.topics)}
	owners, err := r.members(ctx, l, s)
	if err != nil {
		return nil, err
	}
	commits, err := r.commits(ctx, l)
	if err != nil {
		return nil, err
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		at, is := l.topics[t.Name]
		if t.Missing = !is; t.Missing {
			continue
		}
		for _, p := range at.partitions {
			key := partitionKey{t.Name, p.number}
			s.Partitions = append(s.Partitions, Partition{
				Topic: t.Name, Partition: p.number, Owner: owners[key], Leaderless: p.leader < 0, Committed: -1,
			})
		}
	}
	if err := r.extents(ctx, l, s); err != nil {
		return nil, err
	}
	for i := range s.Partitions {
		p := &s.Partitions[i]
		p.stand(l, commits[p.Topic], r.latest)
	}
	s.At = time.Now()
	return s, r.readAges(ctx, l, s)
}

// stand finds out where the group stands by what it has committed of the topic.
func (p *Partition) stand(l *layout, commits map[int32]commit, latest bool) {
	c, is := commits[p.Partition]
	if is {
		p.Committed = c.offset
		p.Noted, is = consumer.ReadNote(c.metadata, l.cluster, p.Topic, int(p.Partition), c.offset)
	}
	var none [16]byte
	id := l.topics[p.Topic].id
	switch {
	case p.Committed < 0 && latest && len(commits) == 0:
		p.Position = p.End
	case p.Committed < 0:
		p.Position = p.Start
	case is && p.Noted.TopicID != id && p.Noted.TopicID != none && id != none, p.Committed > p.End && !p.Leaderless:
		p.Anew, p.Position = true, p.Start
	default:
		p.Position = p.Committed
	}
	if !is || p.Anew {
		p.Noted = consumer.Noted{Horizon: p.Position}
	}
}

// A commit is what a group has committed of a partition.
type commit struct {
	offset   int64
	metadata string
}

// commits asks what the group has committed of the topics that exist.
func (r *Reader) commits(ctx context.Context, l *layout) (map[string]map[int32]commit, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = r.group
	for _, topic := range r.topics {
		at, is := l.topics[topic.Name]
		if !is {
			continue
		}
		t := kmsg.NewOffsetFetchRequestTopic()
		t.Topic = topic.Name
		for _, p := range at.partitions {
			t.Partitions = append(t.Partitions, p.number)
		}
		req.Topics = append(req.Topics, t)
	}
	all := map[string]map[int32]commit{}
	if len(req.Topics) == 0 { // which would be all that the group has
		return all, nil
	}
	failed := func(err error) error {
		return r.onGroup(fmt.Errorf("ask what the group %s has committed: %w", r.group, err))
	}
	resp, err := req.RequestWith(ctx, r.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return all, nil
	}
	if err != nil {
		return nil, failed(err)
	}
	for _, t := range resp.Topics {
		all[t.Topic] = map[int32]commit{}
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, failed(fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err))
			}
			if p.Offset >= 0 {
				c := commit{offset: p.Offset}
				if p.Metadata != nil {
					c.metadata = *p.Metadata
				}
				all[t.Topic][p.Partition] = c
			}
		}
	}
	return all, nil
}

// onGroup names the right on the group that is missing.
func (r *Reader) onGroup(err error) error {
	return consumer.Right{Operation: "Describe", Resource: consumer.Group, Name: r.group}.Needed(err)
}

// layout is the topics as the brokers have them.
type layout struct {
	cluster string
	topics  map[string]topicLayout // those that exist
}

type topicLayout struct {
	id         [16]byte
	partitions []partitionLayout // in the order of their numbers
}

type partitionLayout struct{ number, leader, epoch int32 }

// partition is where one is led; by -1: by nobody.
func (l *layout) partition(topic string, number int32) partitionLayout {
	for _, p := range l.topics[topic].partitions {
		if p.number == number {
			return p
		}
	}
	return partitionLayout{number, -1, -1}
}

// layout asks for the topics. What is asked by name may have the broker create it, unless it is told not to.
func (r *Reader) layout(ctx context.Context) (*layout, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, t := range r.topics {
		asked := kmsg.NewMetadataRequestTopic()
		asked.Topic = &t.Name
		req.Topics = append(req.Topics, asked)
	}
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("ask for the topics: %w", err)
	}
	l := &layout{topics: map[string]topicLayout{}}
	if resp.ClusterID != nil {
		l.cluster = *resp.ClusterID
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			continue
		case err != nil && !errors.Is(err, kerr.LeaderNotAvailable):
			right := consumer.Right{Operation: "Describe", Resource: consumer.Topic, Name: *t.Topic}
			return nil, right.Needed(fmt.Errorf("ask for the topic %s: %w", *t.Topic, err))
		}
		at := topicLayout{id: t.TopicID}
		for _, p := range t.Partitions {
			at.partitions = append(at.partitions, partitionLayout{p.Partition, p.Leader, p.LeaderEpoch})
		}
		slices.SortFunc(at.partitions, func(a, b partitionLayout) int { return int(a.number - b.number) })
		l.topics[*t.Topic] = at
	}
	return l, nil
}
