package deadletter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is how long brokers that are gone are waited for in the middle of
// the work.
const patience = 30 * time.Second

// reader reads what is committed in topics. It fetches what it is told to,
// rather than consume: going backwards, one must choose each offset. It is safe
// for concurrent use.
type reader struct {
	client       *kgo.Client
	decompressor kgo.Decompressor

	mu      sync.Mutex
	layouts map[string]layout
}

func newReader(client *kgo.Client) *reader {
	return &reader{client: client, decompressor: kgo.DefaultDecompressor(), layouts: map[string]layout{}}
}

// layout is a topic as the brokers last described it.
type layout struct {
	id      [16]byte
	leaders map[int32]int32 // by partition
}

// extent is which offsets of a partition there are to read, from first up to
// and without end. Not each of them need hold a record.
type extent struct {
	partition  int32
	first, end int64
}

// extents asks for the partitions of a topic and what is in them now.
func (r *reader) extents(ctx context.Context, topic string) ([]extent, error) {
	l, err := r.describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	firsts, err := r.offsets(ctx, topic, l, -2)
	if err != nil {
		return nil, err
	}
	ends, err := r.offsets(ctx, topic, l, -1)
	if err != nil {
		return nil, err
	}
	all := make([]extent, 0, len(ends))
	for p, end := range ends {
		all = append(all, extent{partition: p, first: min(firsts[p], end), end: end})
	}
	slices.SortFunc(all, func(a, b extent) int { return int(a.partition - b.partition) })
	return all, nil
}

// since asks, for each partition, for the first offset that holds a record of
// that time or a later one. A partition without one is not in the map.
func (r *reader) since(ctx context.Context, topic string, at time.Time) (map[int32]int64, error) {
	l, err := r.describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	return r.offsets(ctx, topic, l, max(at.UnixMilli(), 0))
}

// describe asks for a topic's layout.
func (r *reader) describe(ctx context.Context, topic string) (layout, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return layout{}, fmt.Errorf("topic %s: %w", topic, ErrNoTopic)
	}
	if err != nil {
		return layout{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	l := layout{id: resp.Topics[0].TopicID, leaders: map[int32]int32{}}
	for _, p := range resp.Topics[0].Partitions {
		l.leaders[p.Partition] = p.Leader
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layouts[topic] = l
	return l, nil
}

// offsets asks for the offset at a time in each partition. The time -2 means the
// first offset, -1 the one behind the last that is committed.
func (r *reader) offsets(ctx context.Context, topic string, l layout, at int64) (map[int32]int64, error) {
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for id := range l.leaders {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = id, at
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = 1 // committed
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("list the offsets of topic %s: %w", topic, err)
	}
	found := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list the offsets of %s/%d: %w", topic, p.Partition, err)
			}
			if p.Offset >= 0 {
				found[p.Partition] = p.Offset
			}
		}
	}
	return found, nil
}

// fetch reads some of the records of a partition from the offset on, of about
// so many bytes, at least one batch of the log. It returns where to go on. There
// must be something to read: it does not wait for new records. The error is
// kerr.OffsetOutOfRange if the log does not have the offset.
func (r *reader) fetch(ctx context.Context, topic string, partition int32, from int64, bytes int) (records []*kgo.Record, next int64, err error) {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		records, next, err = r.fetchOnce(ctx, topic, partition, from, bytes)
		if err == nil && next > from {
			return records, next, nil
		}
		if err == nil {
			err = errors.New("the broker answers with nothing")
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if !passing(err) || time.Since(began) > patience {
			return nil, 0, fmt.Errorf("read %s/%d@%d: %w", topic, partition, from, err)
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
		r.forget(topic)
	}
}

// passing tells trouble that may pass: connections, and what brokers say while
// they change roles.
func passing(err error) bool {
	var code *kerr.Error
	if errors.As(err, &code) {
		return code.Retriable
	}
	return !errors.Is(err, ErrNoTopic)
}

// leader returns where a partition is to be read.
func (r *reader) leader(ctx context.Context, topic string, partition int32) (id [16]byte, broker int32, err error) {
	r.mu.Lock()
	l, known := r.layouts[topic]
	r.mu.Unlock()
	if !known {
		if l, err = r.describe(ctx, topic); err != nil {
			return id, 0, err
		}
	}
	broker, ok := l.leaders[partition]
	if !ok {
		return id, 0, kerr.UnknownTopicOrPartition
	}
	return l.id, broker, nil
}

func (r *reader) forget(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.layouts, topic)
}

func (r *reader) fetchOnce(ctx context.Context, topic string, partition int32, from int64, bytes int) ([]*kgo.Record, int64, error) {
	id, leader, err := r.leader(ctx, topic, partition)
	if err != nil {
		return nil, 0, err
	}
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, from, int32(bytes)
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topic, id // old brokers go by name, new ones by id
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 500, 1, math.MaxInt32 // of one partition, which has its own limit
	req.IsolationLevel = 1                                                // committed
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client.Broker(int(leader)))
	if err != nil {
		return nil, 0, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, 0, errors.New("the broker answers without the partition")
	}
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: topic, Partition: partition,
	}, &resp.Topics[0].Partitions[0], r.decompressor, nil)
	return fetched.Records, next, fetched.Err
}
