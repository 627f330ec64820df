package wire

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Chunk is what one fetch of a partition brought. Records are read off it piece
// by piece, those of aborted transactions and transaction markers left out.
// Close it. Not safe for concurrent use.
type Chunk struct {
	name    fmt.Stringer // of the partition
	memory  *Memory      // that batches lie in; nil: nothing to be given back
	aborted abortedTransactions
	rest    []byte          // batches not yet opened
	batch   batch           // the open one
	record  Record          // that is handed on
	share   int             // bytes of records to read at a time, or one record
	lease   *Lease          // of memory beside the share
	hand    *Hand           // for a record that is larger than the share
	ctx     context.Context // ends the waiting for either

	skipped []Span // what cannot be read of these is passed
	base    int64  // of the last batch looked at

	last  bool  // nothing more is to be read
	from  int64 // the offset that was asked for
	next  int64 // where to go on
	epoch int32 // leader epoch of the last batch opened, or that of before; unknownEpoch: one was skipped since
}

const unknownEpoch = -1

// NewChunk is the chunk of what an answer says of a partition, which was asked for from
// an offset on; epoch is the leader epoch of the batch before. The memory is what the
// batches lie in; nil: there is nothing to be given back. Errors call the partition by
// its name. The chunk is to be read with what [Chunk.With] says.
func NewChunk(name fmt.Stringer, offset int64, epoch int32, part *kmsg.FetchResponseTopicPartition, m *Memory) *Chunk {
	return &Chunk{
		name: name, memory: m, aborted: newAbortedTransactions(part.AbortedTransactions), rest: part.RecordBatches,
		from: offset, next: offset, epoch: epoch,
	}
}

// With says what the chunk is read with: its share in bytes, which the records of a piece
// do not exceed, but for a single one; a lease of the memory beside it, which the chunk
// closes; a hand for that single record; and what ends the waiting for either.
func (c *Chunk) With(ctx context.Context, lease *Lease, hand *Hand, share int) {
	c.ctx, c.lease, c.hand, c.share = ctx, lease, hand, share
}

// Skip has the chunk end, and go on behind it, at what cannot be read of these offsets.
func (c *Chunk) Skip(spans []Span) { c.skipped = spans }

// Rest is the batches that are not opened yet.
func (c *Chunk) Rest() []byte { return c.rest }

// Next is the offset at which to go on: after what has been read.
func (c *Chunk) Next() int64 { return c.next }

// Epoch is the leader epoch of the last batch opened, or that of before; -1: one was
// skipped since.
func (c *Chunk) Epoch() int32 { return c.epoch }

// Ended tells that there is nothing more to read.
func (c *Chunk) Ended() bool { return c.last }

// Read reads up to n records, and fewer where they are large: none only at the end
// of the chunk, or with an error, before which the records are good. Each is handed on to
// take, which may keep what it refers to, but not the record itself. Those of the call
// before have been handed on since. Between two calls others may take the chunk's
// memory: it ends early then, and what follows is to be fetched again.
func (c *Chunk) Read(n int, take func(*Record)) error {
	if c.hand.full {
		c.hand.Empty()
	}
	if !c.lease.resume() {
		c.last = true
		return nil
	}
	some, more, err := c.readPiece(n, take)
	c.record, c.last = Record{}, !more
	if some && !c.hand.full {
		c.hand.Empty() // what it was reserved for has not come again
	}
	if errors.Is(err, errReclaimed) || c.ctx.Err() != nil || err != nil && c.skip() {
		err = nil // what was waited for is not wanted any more, or what cannot be read is not to be
	}
	c.lease.rest(c.drop)
	return err
}

// skip goes on behind what is skipped, if it is there that the reading has failed.
func (c *Chunk) skip() bool {
	at := max(c.next, c.base)
	i := slices.IndexFunc(c.skipped, func(s Span) bool { return s.Has(at) })
	if i < 0 {
		return false
	}
	c.next = c.skipped[i].Last + 1
	c.epoch = unknownEpoch // it may have been the first batch of its leader
	return true
}

// readPiece tells whether it has read some, and whether there may be more.
func (c *Chunk) readPiece(n int, take func(*Record)) (some, more bool, _ error) {
	var e peeked
	each := c.lease.b.recordSize
	for size := 0; n > 0 && size < c.share; {
		if c.batch.left == 0 {
			opened, err := c.open()
			if err != nil || !opened {
				return some, false, err
			}
			continue
		}
		err := c.batch.peek(&e)
		e.size += each
		switch {
		case err != nil:
		case e.offset < c.from: // a batch is sent whole even when only its tail was asked for
			err = c.batch.pass(&e)
		case e.offset < c.next:
			err = fmt.Errorf("batch at %d: its records do not rise: %d is behind %d", c.batch.base, e.offset, c.next-1)
		case some && size+e.size > c.share:
			return some, true, nil
		case e.size > max(c.share, c.hand.size):
			size := e.size
			e = peeked{} // it must not hold on to memory that others take
			err = c.waitForHand(size)
		case e.size > c.share: // it goes alone
			if err = c.readOne(&e, take); err == nil {
				c.hand.fill(c.record.Size)
				some, n = true, 0
			}
		default:
			if err = c.readOne(&e, take); err == nil {
				some = true
				size += e.size
				n--
			}
		}
		if err != nil {
			return some, false, err
		}
		if c.batch.left == 0 {
			c.next = max(c.next, c.batch.last+1)
		}
	}
	return some, true, nil
}

func (c *Chunk) readOne(e *peeked, take func(*Record)) error {
	if err := c.batch.record(&c.record, e); err != nil {
		return fmt.Errorf("record %s@%d: %w", c.name, e.offset, err)
	}
	c.next = e.offset + 1
	take(&c.record)
	return nil
}

// waitForHand waits for memory for a record that is larger than the share. Meanwhile
// others may take the chunk's at once, and the record is to be fetched again: who waits
// for the one kind of memory must not keep the other from anybody.
func (c *Chunk) waitForHand(size int) error {
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

// Close gives the chunk's memory back. Records read off it have their own.
func (c *Chunk) Close() {
	if c.lease.resume() {
		c.drop()
	}
	c.lease.Close()
}

// drop lets go of what the chunk holds: it has come to its end.
func (c *Chunk) drop() {
	if c.batch.unpacker != nil {
		c.batch.unpacker.drop()
	}
	c.batch, c.rest = batch{}, nil
	if c.memory != nil {
		c.memory.Release()
		c.memory = nil
	}
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
func (c *Chunk) open() (bool, error) {
	c.batch.close()
	passed := false
	for {
		h := Cursor{b: c.rest}
		base, length := h.Int64(), int(h.Int32())
		if length < 0 || h.short || length > len(h.b) {
			if c.next == c.from && len(c.rest) > 0 {
				return false, fmt.Errorf("a batch of %d bytes is cut off after %d", length, len(h.b))
			}
			if passed && c.next == c.from {
				return false, fmt.Errorf("the broker answers with batches that end before offset %d", c.from)
			}
			return false, nil
		}
		c.base = base
		whole := c.rest[:12+length]
		c.rest = c.rest[12+length:]
		h.b = h.b[:length]
		epoch := h.Int32()
		if magic := h.Int8(); magic != 2 {
			return false, fmt.Errorf("batch at %d: message format %d, which brokers wrote before Kafka 0.11, is not supported", base, magic)
		}
		sum := uint32(h.Int32())
		if h.short || len(whole) < batchHeader {
			return false, fmt.Errorf("batch at %d: %w", base, io.ErrUnexpectedEOF)
		}
		if actual := crc32.Checksum(whole[batchPreamble:], castagnoli); actual != sum {
			return false, fmt.Errorf("batch at %d: its checksum is %08x and should be %08x", base, actual, sum)
		}
		attributes := protocol.Attributes(h.Int16())
		b := batch{base: base, last: base + int64(h.Int32()), time: h.Int64()}
		if b.last < base {
			return false, fmt.Errorf("batch at %d: it ends before it begins, at %d", base, b.last)
		}
		c.epoch = max(c.epoch, epoch)
		maxTime := h.Int64()
		if attributes&appendTime != 0 {
			b.time, b.appended = maxTime, true
		}
		producer := h.Int64()
		h.Int16() // producer epoch
		h.Int32() // base sequence
		b.left = int(h.Int32())
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
			c.next, passed = max(c.next, b.last+1), true
			continue
		}
		c.batch = b
		return true, nil
	}
}

// appendTime marks a batch whose records bear the time at which the broker
// appended them.
const appendTime = 1 << 3
