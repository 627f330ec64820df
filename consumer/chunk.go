package consumer

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// chunk is what one fetch of a partition brought. Records are read off it piece
// by piece, those of aborted transactions and transaction markers left out.
// Close it.
type chunk struct {
	p       *Partition
	memory  *memory // that batches lie in; nil: nothing to be given back
	aborted *abortedTransactions
	rest    []byte          // batches not yet opened
	batch   batch           // the open one
	most    int             // bytes of records to read at a time, or one record
	lease   *lease          // of memory beside the partition's share
	hand    *hand           // for a record that is larger than most
	ctx     context.Context // ends the waiting for either

	last  bool  // nothing more is to be read
	from  int64 // the offset that was asked for
	next  int64 // where to go on: after what has been read
	end   int64 // high watermark
	safe  int64 // last stable offset: what is before it may be read
	epoch int32 // leader epoch of the last batch opened, or that of before
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

// fetch reads committed records from an offset on: about maxBytes, of which the
// chunk and the records read off it at a time each have a share of that size.
func (c *Consumer) fetch(ctx context.Context, p *Partition, from position, maxBytes int, hand *hand) (*chunk, error) {
	return c.fetchWithin(ctx, p, from, maxBytes, maxBytes, hand, nil)
}

// fetchBeside is fetch for a partition whose share others use. Before memory is waited
// for, here or while the chunk is read, lacked is called, perhaps by another goroutine.
func (c *Consumer) fetchBeside(ctx context.Context, p *Partition, from position, maxBytes int, hand *hand, lacked func()) (*chunk, error) {
	return c.fetchWithin(ctx, p, from, maxBytes, -maxBytes, hand, lacked)
}

// fetchWithin is fetch, with memory from the budget for what is beyond the share.
func (c *Consumer) fetchWithin(ctx context.Context, p *Partition, from position, maxBytes, share int, hand *hand, lacked func()) (*chunk, error) {
	lease := c.budget.lease()
	lease.lacked = lacked
	chunk, err := c.fetchLeased(ctx, lease, p, from, maxBytes, share)
	if err != nil {
		lease.close()
		return nil, err
	}
	return chunk.with(ctx, lease, hand, maxBytes), nil
}

// with says what the chunk is read with.
func (c *chunk) with(ctx context.Context, lease *lease, hand *hand, most int) *chunk {
	c.ctx, c.lease, c.hand, c.most = ctx, lease, hand, most
	return c
}

func (c *Consumer) fetchLeased(ctx context.Context, lease *lease, p *Partition, from position, maxBytes, share int) (*chunk, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(c.cfg.FetchWait+askTimeout, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	req := newFetch(c.cfg.FetchWait, &wish{p: p, from: from, maxBytes: maxBytes})
	m, memory, err := c.askWithin(ctx, leaderOf(p.Topic, p.ID), newestFetchOf(from.topic), req, func(size int) error {
		if size <= share+responseSlack {
			return nil
		}
		if late.Stop() { // it is not the broker that is waited for
			defer late.Reset(askTimeout)
		}
		return lease.grow(ctx, size-share)
	})
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	chunk, err := newChunk(p, from, m.(*kmsg.FetchResponse))
	if err != nil {
		memory.release()
		return nil, err
	}
	chunk.memory = memory
	return chunk, nil
}

// responseSlack is what a response has beside its batches, and more, in bytes.
const responseSlack = 16 << 10

var errOtherPartition = errors.New("the broker answered for other partitions than asked")

func newChunk(p *Partition, from position, res *kmsg.FetchResponse) (*chunk, error) {
	if res.Version < oldestFetch {
		return nil, tooOldError(res.Version)
	}
	if err := kerr.ErrorForCode(res.ErrorCode); err != nil {
		return nil, err
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return nil, errOtherPartition
	}
	t, part := &res.Topics[0], &res.Topics[0].Partitions[0]
	byName := res.Version <= newestFetchName
	if byName && t.Topic != p.Topic || !byName && topicID(t.TopicID) != from.topic || int(part.Partition) != p.ID {
		return nil, errOtherPartition
	}
	return newChunkOf(p, from, part)
}

// newChunkOf is the chunk of what an answer says of the partition.
func newChunkOf(p *Partition, from position, part *kmsg.FetchResponseTopicPartition) (*chunk, error) {
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return nil, err
	}
	if d := part.DivergingEpoch; d.EndOffset >= 0 {
		return nil, &divergedError{epoch: d.Epoch, end: d.EndOffset}
	}
	return &chunk{
		p: p, aborted: newAbortedTransactions(part.AbortedTransactions), rest: part.RecordBatches,
		from: from.offset, next: from.offset, end: part.HighWatermark, safe: part.LastStableOffset, epoch: from.epoch,
	}, nil
}

// close gives the chunk's memory back. Records read off it have their own.
func (c *chunk) close() {
	if c.lease.resume() {
		c.drop()
	}
	c.lease.close()
}

// drop lets go of what the chunk holds: it has come to its end.
func (c *chunk) drop() {
	if c.batch.unpacker != nil {
		c.batch.unpacker.drop()
	}
	c.batch, c.rest = batch{}, nil
	if c.memory != nil {
		c.memory.release()
		c.memory = nil
	}
}

// ended tells that there is nothing more to read.
func (c *chunk) ended() bool { return c.last }

// read appends up to n records, and fewer where they are large: none only at the end
// of the chunk, or with an error, before which the records are good. Those of the call
// before have been handed on. Between two calls others may take the chunk's memory: it
// ends early then, and what follows is to be fetched again.
func (c *chunk) read(records []Record, n int) ([]Record, error) {
	if c.hand.full {
		c.hand.empty()
	}
	if !c.lease.resume() {
		c.last = true
		return records, nil
	}
	before := len(records)
	records, more, err := c.readPiece(records, n)
	c.last = !more
	if len(records) > before && !c.hand.full {
		c.hand.empty() // what it was reserved for has not come again
	}
	if errors.Is(err, errReclaimed) || c.ctx.Err() != nil {
		err = nil // or what was waited for is not wanted any more
	}
	c.lease.rest(c.drop)
	return records, err
}

func (c *chunk) readPiece(records []Record, n int) (_ []Record, more bool, _ error) {
	var e peeked
	for first, size := len(records), 0; n > 0 && size < c.most; {
		if c.batch.left == 0 {
			opened, err := c.open()
			if err != nil || !opened {
				return records, false, err
			}
			continue
		}
		err := c.batch.peek(&e)
		switch {
		case err != nil:
		case e.offset < c.from: // a batch is sent whole even when only its tail was asked for
			err = c.batch.pass(&e)
		case e.offset < c.next:
			err = fmt.Errorf("batch at %d: its records do not rise: %d is behind %d", c.batch.base, e.offset, c.next-1)
		case len(records) > first && size+e.size > c.most:
			return records, true, nil
		case e.size > max(c.most, c.hand.size):
			size := e.size
			e = peeked{} // it must not hold on to memory that others take
			err = c.waitForHand(size)
		case e.size > c.most: // it goes alone
			if records, err = c.readOne(records, &e); err == nil {
				c.hand.fill(records[first].size)
				n = 0
			}
		default:
			records, err = c.readOne(records, &e)
			size += e.size
			n--
		}
		if err != nil {
			return records, false, err
		}
		if c.batch.left == 0 {
			c.next = max(c.next, c.batch.last+1)
		}
	}
	return records, true, nil
}

func (c *chunk) readOne(records []Record, e *peeked) ([]Record, error) {
	r, err := c.batch.record(c.p, e)
	if err != nil {
		return records, err
	}
	c.next = r.Offset + 1
	return append(records, r), nil
}

// waitForHand waits for memory for a record that is larger than the share. Meanwhile
// others may take the chunk's at once, and the record is to be fetched again: who waits
// for the one kind of memory must not keep the other from anybody.
func (c *chunk) waitForHand(size int) error {
	if c.hand.tryReserve(size) {
		return nil
	}
	c.lease.yield(c.drop)
	if c.lease.lacked != nil {
		c.lease.lacked()
	}
	err := c.hand.reserve(c.ctx, size)
	if !c.lease.resume() {
		return errReclaimed
	}
	return err
}

// The bytes of a record batch before its records (KIP-98, "Message Format"), and
// those of it before the checksummed part.
const (
	batchHeader   = 61
	batchPreamble = 21
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// open opens the next batch that has something to read, and returns whether
// there is one. The last batch of a fetch may be cut off: it is fetched again.
func (c *chunk) open() (bool, error) {
	c.batch.close()
	for {
		h := cursor{b: c.rest}
		base, length := h.int64(), int(h.int32())
		if length < 0 || h.short || length > len(h.b) {
			if c.next == c.from && len(c.rest) > 0 {
				return false, fmt.Errorf("a batch of %d bytes is cut off after %d", length, len(h.b))
			}
			return false, nil
		}
		whole := c.rest[:12+length]
		c.rest = c.rest[12+length:]
		h.b = h.b[:length]
		epoch := h.int32()
		if magic := h.int8(); magic != 2 {
			return false, fmt.Errorf("batch at %d: message format %d, which brokers wrote before Kafka 0.11, is not supported", base, magic)
		}
		sum := uint32(h.int32())
		if h.short || len(whole) < batchHeader {
			return false, fmt.Errorf("batch at %d: %w", base, io.ErrUnexpectedEOF)
		}
		if actual := crc32.Checksum(whole[batchPreamble:], castagnoli); actual != sum {
			return false, fmt.Errorf("batch at %d: its checksum is %08x and should be %08x", base, actual, sum)
		}
		attributes := protocol.Attributes(h.int16())
		b := batch{base: base, last: base + int64(h.int32()), time: h.int64()}
		if b.last < base {
			return false, fmt.Errorf("batch at %d: it ends before it begins, at %d", base, b.last)
		}
		c.epoch = max(c.epoch, epoch)
		maxTime := h.int64()
		if attributes&appendTime != 0 {
			b.time, b.appended = maxTime, true
		}
		producer := h.int64()
		h.int16() // producer epoch
		h.int32() // base sequence
		b.left = int(h.int32())
		b.ahead = h.b
		switch {
		case attributes.Control():
			c.aborted.marker(b, producer)
			b.left = 0
		case attributes.Transactional() && c.aborted.contains(base, producer), b.last < c.from:
			b.left = 0
		default:
			if compression := attributes.Compression(); compression != 0 && b.left > 0 {
				var err error
				if b.unpacker, err = newUnpacker(c.ctx, c.lease, h.b, compression); err != nil {
					return false, fmt.Errorf("batch at %d: %w", base, err)
				}
				b.ahead = nil
			}
		}
		if b.left <= 0 {
			b.left = 0
			c.next = max(c.next, b.last+1)
			continue
		}
		c.batch = b
		return true, nil
	}
}

// appendTime marks a batch whose records bear the time at which the broker
// appended them.
const appendTime = 1 << 3
