package deadletter

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

// patience is how long brokers that are gone are waited for in the middle of
// the work.
const patience = 30 * time.Second

// askTimeout is how long a question about topics may take, brokers that do not
// know yet included.
const askTimeout = 10 * time.Second

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

// fetch reads some of the records of a partition from the offset on, of about
// so many bytes, at least one batch of the log. It returns where to go on. There
// must be something to read: it does not wait for new records. The error is
// kerr.OffsetOutOfRange if the log does not have the offset, and [ErrRecreated]
// if the topic is no more.
func (r *reader) fetch(ctx context.Context, of incarnation, partition int32, from int64, bytes int) (records []*kgo.Record, next int64, err error) {
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
		if !passing(err) || time.Since(began) > patience {
			return nil, 0, fmt.Errorf("read %s/%d@%d: %w", of.topic, partition, from, err)
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
		r.forget(of.topic)
	}
}

// passing tells trouble that may pass: connections, and what brokers say while
// they change roles.
func passing(err error) bool {
	var code *kerr.Error
	if errors.As(err, &code) {
		return code.Retriable
	}
	return !errors.Is(err, ErrNoTopic) && !errors.Is(err, ErrRecreated)
}

// patiently tries until it succeeds, or fails for what does not pass, but not for
// ever: brokers that are gone in the middle of the work are waited for.
func patiently(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	var last error
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := try(ctx)
		if err == nil || !passing(err) {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), last)
		}
		last = err
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// leader returns where a partition is to be read.
func (r *reader) leader(ctx context.Context, of incarnation, partition int32) (uuid [16]byte, broker int32, err error) {
	l, known := r.known(of.topic)
	if !known || l.isOther(of.id) {
		if l, err = r.again(ctx, of); err != nil {
			return uuid, 0, err
		}
	}
	broker, ok := l.leaders[partition]
	if !ok {
		return uuid, 0, kerr.UnknownTopicOrPartition
	}
	return l.uuid, broker, nil
}

// known returns a topic as it was described last.
func (r *reader) known(topic string) (l layout, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known = r.layouts[topic]
	return l, known
}

func (r *reader) forget(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.layouts, topic)
}

func (r *reader) fetchOnce(ctx context.Context, of incarnation, partition int32, from int64, bytes int) ([]*kgo.Record, int64, error) {
	uuid, leader, err := r.leader(ctx, of, partition)
	if err != nil {
		return nil, 0, err
	}
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, from, int32(bytes)
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = of.topic, uuid // brokers go by name up to Kafka 3.0, then by id
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
		Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: of.topic, Partition: partition,
	}, &resp.Topics[0].Partitions[0], r.decompressor, nil)
	return fetched.Records, next, fetched.Err
}
