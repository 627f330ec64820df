package topic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Reader reads what is committed in topics. It fetches what it is told to,
// rather than consume: going backwards, one must choose each offset. It is safe
// for concurrent use.
type Reader struct {
	client       *kgo.Client
	decompressor kgo.Decompressor

	mu      sync.Mutex
	layouts map[string]Layout // as they were described last
}

// NewReader returns a reader of the cluster that client is of, which stays the
// caller's to close.
func NewReader(client *kgo.Client) *Reader {
	return &Reader{client: client, decompressor: kgo.DefaultDecompressor(), layouts: map[string]Layout{}}
}

// Fetch reads some of the records of a partition from the offset on, of about
// so many bytes, at least one batch of the log. It returns where to go on. There
// must be something to read: it does not wait for new records. The error is
// kerr.OffsetOutOfRange if the log does not have the offset, and [ErrRecreated]
// if the topic is no more.
func (r *Reader) Fetch(ctx context.Context, of Incarnation, partition int32, from int64, bytes int) (records []*kgo.Record, next int64, err error) {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		records, next, err = r.fetchOnce(ctx, of, partition, from, bytes)
		if err == nil && next > from {
			return records, next, nil
		}
		if err == nil {
			err = errors.New("the broker answers with nothing")
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if !passing(err) || time.Since(began) > Patience {
			return nil, 0, fmt.Errorf("read %s/%d@%d: %w", of.Topic, partition, from, right("Read", of.Topic).Needed(err))
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
		r.Forget(of.Topic)
	}
}

// leader returns where a partition is to be read.
func (r *Reader) leader(ctx context.Context, of Incarnation, partition int32) (uuid [16]byte, broker int32, err error) {
	l, known := r.Known(of.Topic)
	if !known || l.IsOther(of.ID) {
		if l, err = r.again(ctx, of); err != nil {
			return uuid, 0, err
		}
	}
	broker, ok := l.Leaders[partition]
	if !ok {
		return uuid, 0, kerr.UnknownTopicOrPartition
	}
	return l.UUID, broker, nil
}

// Known returns a topic as it was described last, if it is remembered.
func (r *Reader) Known(topic string) (l Layout, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known = r.layouts[topic]
	return l, known
}

// Forget has the topic described again before it is read or written: what is known
// of it has turned out to be wrong.
func (r *Reader) Forget(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.layouts, topic)
}

func (r *Reader) fetchOnce(ctx context.Context, of Incarnation, partition int32, from int64, bytes int) ([]*kgo.Record, int64, error) {
	uuid, leader, err := r.leader(ctx, of, partition)
	if err != nil {
		return nil, 0, err
	}
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, from, int32(bytes)
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = of.Topic, uuid // brokers go by name up to Kafka 3.0, then by id
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
	if resp.Version < 13 { // it went by name
		if _, err := r.again(ctx, of); err != nil {
			return nil, 0, err
		}
	}
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: of.Topic, Partition: partition,
	}, &resp.Topics[0].Partitions[0], r.decompressor, nil)
	return fetched.Records, next, fetched.Err
}
