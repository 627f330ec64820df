package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// chunk is what one fetch of a partition brought. Close it.
type chunk struct {
	*wire.Chunk
	p    *Partition
	end  int64 // high watermark
	safe int64 // last stable offset: what is before it may be read
}

// fetch reads committed records from an offset on: about maxBytes, of which the
// chunk and the records read off it at a time each have a share of that size. A broker
// that has a quota is waited for.
func (c *Consumer) fetch(ctx context.Context, p *Partition, from position, maxBytes int, hand *wire.Hand) (*chunk, error) {
	return c.fetchWithin(ctx, p, from, maxBytes, maxBytes, hand, nil)
}

// fetchBeside is fetch for a partition whose share others use. Before memory is waited
// for, here or while the chunk is read, or a broker that has a quota, lacked is called,
// perhaps by another goroutine.
func (c *Consumer) fetchBeside(ctx context.Context, p *Partition, from position, maxBytes int, hand *wire.Hand, lacked func()) (*chunk, error) {
	return c.fetchWithin(ctx, p, from, maxBytes, -maxBytes, hand, lacked)
}

// fetchWithin is fetch, with memory from the budget for what is beyond the share.
func (c *Consumer) fetchWithin(ctx context.Context, p *Partition, from position, maxBytes, share int, hand *wire.Hand, lacked func()) (*chunk, error) {
	for {
		broker, err := c.leader(ctx, p.Topic, p.ID)
		if err != nil {
			return nil, err
		}
		if err := c.quota.wait(ctx, broker, lacked); err != nil {
			return nil, err
		}
		lease := c.budget.Lease(lacked)
		chunk, err := c.fetchLeased(ctx, lease, broker, p, from, maxBytes, share)
		if err == nil {
			chunk.With(ctx, lease, hand, maxBytes)
			return chunk, nil
		}
		lease.Close()
		if !errors.Is(err, errQuota) {
			return nil, err
		}
	}
}

func (c *Consumer) fetchLeased(ctx context.Context, lease *wire.Lease, broker int32, p *Partition, from position, maxBytes, share int) (*chunk, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(c.cfg.FetchWait+askTimeout, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	req := newFetch(c.cfg.FetchWait, &wish{p: p, from: from, maxBytes: maxBytes})
	m, memory, err := c.askWithin(ctx, node(broker), newestFetchOf(from.topic), req, func(size int) error {
		if size <= share+wire.ResponseSlack {
			return nil
		}
		if late.Stop() { // it is not the broker that is waited for
			defer late.Reset(askTimeout)
		}
		return lease.Grow(ctx, size-share)
	})
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	chunk, err := newChunk(p, from, m.(*kmsg.FetchResponse), memory)
	if err != nil {
		memory.Release()
	}
	return chunk, err
}

// newChunk is the chunk of an answer that is in memory as a whole.
func newChunk(p *Partition, from position, res *kmsg.FetchResponse, memory *wire.Memory) (*chunk, error) {
	if res.Version < wire.OldestFetch {
		return nil, tooOldError(res.Version)
	}
	if err := kerr.ErrorForCode(res.ErrorCode); err != nil {
		return nil, err
	}
	if len(res.Topics) == 0 && throttle(res) > 0 {
		return nil, errQuota
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return nil, errOtherPartition
	}
	t, part := &res.Topics[0], &res.Topics[0].Partitions[0]
	byName := res.Version <= wire.NewestFetchByName
	if byName && t.Topic != p.Topic || !byName && topicID(t.TopicID) != from.topic || int(part.Partition) != p.ID {
		return nil, errOtherPartition
	}
	chunk, err := newChunkOf(p, from, part, memory)
	if err == nil && len(chunk.Rest()) == 0 && chunk.safe > from.offset {
		return nil, fmt.Errorf("the broker answers with nothing, and that there is something, up to offset %d", chunk.safe)
	}
	return chunk, err
}

// newChunkOf is the chunk of what an answer says of the partition. Where there is an
// error the memory is still the caller's.
func newChunkOf(p *Partition, from position, part *kmsg.FetchResponseTopicPartition, memory *wire.Memory) (*chunk, error) {
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return nil, err
	}
	if d := part.DivergingEpoch; d.EndOffset >= 0 {
		return nil, &divergedError{epoch: d.Epoch, end: d.EndOffset}
	}
	c := wire.NewChunk(p, from.offset, from.epoch, part, memory)
	c.Skip(p.toSkip())
	return &chunk{Chunk: c, p: p, end: part.HighWatermark, safe: part.LastStableOffset}, nil
}

// read appends the records of the next piece: see [wire.Chunk.Read].
func (c *chunk) read(records []Record, n int) ([]Record, error) {
	err := c.Read(n, func(r *wire.Record) {
		records = append(records, Record{
			Partition: c.p, Offset: r.Offset, Time: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers,
			Excess: (*Excess)(r.Excess), buffer: r.Buffer, size: r.Size,
		})
	})
	return records, err
}

// divergedError says that the log is no longer the one that was read: a broker
// that lacked its last records has taken over.
type divergedError struct {
	epoch int32 // the last that both have
	end   int64 // where it ends
}

func (e *divergedError) Error() string {
	return fmt.Sprintf("the log differs from what was read of it, from offset %d on", e.end)
}

// tooOldError is of a broker that speaks no newer version than that.
func tooOldError(version int16) error {
	return fmt.Errorf("the broker speaks version %d of the Fetch API: Kafka 0.11 or newer is needed", version)
}

// errQuota says that a broker answers with nothing but when to ask again.
var errQuota = errors.New("the broker wants to be left alone for a while")

var errOtherPartition = errors.New("the broker answered for other partitions than asked")
