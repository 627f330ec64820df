package topic

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

// Reader reads what is committed in topics. It fetches what it is told to,
// rather than consume: going backwards, one must choose each offset. It is safe
// for concurrent use.
type Reader struct {
	client       *kgo.Client
	clock        *Clock
	decompressor kgo.Decompressor

	mu      sync.Mutex
	layouts map[string]Layout // as they were described last
}

// NewReader returns a reader of the cluster that client is of, which stays the
// caller's to close.
func NewReader(client *kgo.Client) *Reader {
	return &Reader{client: client, clock: ClockOf(client), decompressor: kgo.DefaultDecompressor(), layouts: map[string]Layout{}}
}

// Clock is that of the reader's client.
func (r *Reader) Clock() *Clock { return r.clock }

// Fetch reads some of the records of a partition from the offset on, of about
// so many bytes, at least one batch of the log. It returns where to go on. There
// must be something to read: it does not wait for new records. A broker that has a
// quota is waited for, for as long as it says; trouble that may pass, for [Patience]. The
// error is kerr.OffsetOutOfRange if the log does not have the offset, and [ErrRecreated]
// if the topic is no more.
func (r *Reader) Fetch(ctx context.Context, of Incarnation, partition int32, from int64, bytes int) (records []*kgo.Record, next int64, err error) {
	const firstPause = 20 * time.Millisecond
	began := r.clock.Now()
	for pause := firstPause; ; pause = min(2*pause, time.Second) {
		records, next, err = r.fetchOnce(ctx, of, partition, from, bytes)
		if err == nil && next > from {
			return records, next, nil
		}
		if err == nil {
			err = errors.New("the broker answers with nothing, and that there is something")
		}
		if errors.Is(err, kerr.OffsetOutOfRange) {
			err = r.dispute(ctx, of, partition, from, err)
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if !passing(err) || r.clock.Now().Sub(began) > Patience {
			return nil, 0, fmt.Errorf("read %s/%d@%d: %w", of.Topic, partition, from, right("Read", of.Topic).Needed(err))
		}
		if errors.Is(err, errQuota) {
			pause = firstPause // it is for the client to wait before it asks again
		} else {
			r.Forget(of.Topic)
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// errQuota says that a broker answers with nothing but when to ask again.
var errQuota = errors.New("the broker has a quota, and wants to be left alone")

// dispute tells whether an offset is out of range, as a fetch was told, by what the
// broker lists: if so it returns that error, and otherwise another, which may pass.
func (r *Reader) dispute(ctx context.Context, of Incarnation, partition int32, offset int64, failed error) error {
	l, all, err := r.Extents(ctx, of.Topic)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e Extent) bool { return e.Partition == partition })
	if i < 0 || l.IsOther(of.ID) || offset < all[i].First || offset >= all[i].End {
		return failed
	}
	return &disputedError{all[i], failed}
}

// disputedError says that a broker disagrees with itself.
type disputedError struct {
	listed Extent
	failed error // which it must not be taken for: the log has the offset, as it says
}

func (e *disputedError) Error() string {
	return fmt.Sprintf("the broker answers %v, and lists the offsets %d to %d", e.failed, e.listed.First, e.listed.End-1)
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
	if len(resp.Topics) == 0 && resp.ThrottleMillis > 0 {
		return nil, 0, errQuota
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
