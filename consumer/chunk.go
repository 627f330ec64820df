package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// chunk is what one fetch of a partition brought. Records are read off it piece
// by piece, those of aborted transactions and transaction markers left out.
// Close it.
type chunk struct {
	p        *Partition
	memory   *memory // that batches lie in; nil: nothing to be given back
	aborted  *abortedTransactions
	rest     []byte // batches not yet opened
	batch    batch  // the open one
	unpacked *bytes.Buffer

	from  int64 // the offset that was asked for
	next  int64 // where to go on: after what has been read
	end   int64 // high watermark
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

// The versions of the Fetch API spoken here: record batches came with 4 (Kafka
// 0.11), and from 13 on it goes by the topic's id (Kafka 3.1).
const (
	oldestFetch     = 4
	newestFetchName = 12
)

// fetch reads committed records from an offset on.
func (c *Consumer) fetch(ctx context.Context, p *Partition, from position, maxBytes int) (*chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.FetchWait+askTimeout)
	defer cancel()
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = int32(p.ID), from.offset, int32(maxBytes)
	part.LastFetchedEpoch = from.epoch
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = p.Topic, from.topic
	topic.Partitions = []kmsg.FetchRequestTopicPartition{part}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(c.cfg.FetchWait / time.Millisecond)
	req.MinBytes, req.MaxBytes = 1, int32(maxBytes)
	req.IsolationLevel = 1 // committed
	req.SessionEpoch = -1  // no session
	req.Topics = []kmsg.FetchRequestTopic{topic}
	newest := req.MaxVersion()
	if from.topic == (topicID{}) {
		newest = newestFetchName
	}
	m, memory, err := c.ask(ctx, leaderOf(p.Topic, p.ID), newest, req)
	if err != nil {
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

var errOtherPartition = errors.New("the broker answered for other partitions than asked")

func newChunk(p *Partition, from position, res *kmsg.FetchResponse) (*chunk, error) {
	if res.Version < oldestFetch {
		return nil, fmt.Errorf("the broker speaks version %d of the Fetch API: Kafka 0.11 or newer is needed", res.Version)
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
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return nil, err
	}
	if d := part.DivergingEpoch; d.EndOffset >= 0 {
		return nil, &divergedError{epoch: d.Epoch, end: d.EndOffset}
	}
	return &chunk{
		p: p, aborted: newAbortedTransactions(part.AbortedTransactions), rest: part.RecordBatches,
		from: from.offset, next: from.offset, end: part.HighWatermark, epoch: from.epoch,
	}, nil
}

// close gives the chunk's memory back. Records read off it have their own.
func (c *chunk) close() {
	if c.memory != nil {
		c.memory.release()
	}
}

// read appends up to n records. It returns fewer only at the end of the chunk,
// or with an error: the records before it are good.
func (c *chunk) read(records []Record, n int) ([]Record, error) {
	for n > 0 {
		if c.batch.left == 0 {
			opened, err := c.open()
			if err != nil || !opened {
				return records, err
			}
			continue
		}
		r, err := c.batch.record(c.p, c.from)
		if err != nil {
			return records, err
		}
		if r.Offset >= c.from { // a batch is sent whole even when only its tail was asked for
			if r.Offset < c.next {
				return records, fmt.Errorf("batch at %d: its records do not rise: %d is behind %d", c.batch.base, r.Offset, c.next-1)
			}
			records = append(records, r)
			c.next = r.Offset + 1
			n--
		}
		if c.batch.left == 0 {
			c.next = max(c.next, c.batch.last+1)
		}
	}
	return records, nil
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
		b.records = h
		switch {
		case attributes.Control():
			c.aborted.marker(b, producer)
			b.left = 0
		case attributes.Transactional() && c.aborted.contains(base, producer), b.last < c.from:
			b.left = 0
		default:
			var err error
			if b.records.b, err = c.unpack(h.b, attributes.Compression()); err != nil {
				return false, fmt.Errorf("batch at %d: %w", base, err)
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

// maxUnpacked bounds what a batch decompresses to, in bytes: 150 KB can become
// gigabytes. Producers limit a batch to a megabyte before compression unless told
// otherwise.
const maxUnpacked = 64 << 20

// unpack decompresses a batch's records, into memory that the next batch uses
// again.
func (c *chunk) unpack(records []byte, compression compress.Compression) ([]byte, error) {
	if compression == 0 {
		return records, nil
	}
	codec := compression.Codec()
	if codec == nil {
		return nil, fmt.Errorf("compression %d is not known", compression)
	}
	r := codec.NewReader(bytes.NewReader(records))
	defer r.Close()
	if c.unpacked == nil {
		c.unpacked = new(bytes.Buffer)
	}
	c.unpacked.Reset()
	switch n, err := c.unpacked.ReadFrom(io.LimitReader(r, maxUnpacked+1)); {
	case err != nil:
		return nil, fmt.Errorf("decompress %s: %w", codec.Name(), err)
	case n > maxUnpacked:
		return nil, fmt.Errorf("decompress %s: %d bytes become more than %d", codec.Name(), len(records), maxUnpacked)
	}
	return c.unpacked.Bytes(), nil
}

// appendTime marks a batch whose records bear the time at which the broker
// appended them.
const appendTime = 1 << 3

// batch is a record batch that is being read.
type batch struct {
	base, last int64 // offsets
	time       int64 // of its first record, in milliseconds; of all if appended
	appended   bool
	left       int // records not yet read
	records    cursor
}

// record reads the next record, copying key and value into a buffer of their
// own: a record that waits long must not hold on to the chunk it came in. Below
// from, where it is not wanted, it reads no more than the offset.
func (b *batch) record(p *Partition, from int64) (Record, error) {
	length := b.records.varint()
	if length < 0 || length > int64(len(b.records.b)) {
		b.records.short = true
	}
	if err := b.records.err(); err != nil {
		return Record{}, fmt.Errorf("batch at %d, record %d before its end: %w", b.base, b.left, err)
	}
	b.left--
	c := cursor{b: b.records.take(int(length))}
	c.int8() // attributes
	at := b.time
	if delta := c.varint(); !b.appended {
		at += delta
	}
	r := Record{Partition: p, Offset: b.base + c.varint()}
	if err := c.err(); err != nil {
		return Record{}, fmt.Errorf("batch at %d, record %d before its end: %w", b.base, b.left+1, err)
	}
	if r.Offset < b.base || r.Offset > b.last { // brokers do not look at it
		return Record{}, fmt.Errorf("batch at %d: it ends at %d and has a record %d", b.base, b.last, r.Offset)
	}
	if r.Offset < from {
		return r, nil
	}
	r.Time = time.UnixMilli(at)
	key, value := c.varbytes(), c.varbytes()
	if n := c.varint(); n > 0 && n <= int64(len(c.b)) {
		r.Headers = make([]Header, n)
		for i := range r.Headers {
			h := Header{Key: string(c.varbytes()), Value: bytes.Clone(c.varbytes())}
			r.Headers[i] = h
			r.size += headerSize + len(h.Key) + len(h.Value)
		}
	} else if n != 0 {
		c.short = true
	}
	if err := c.err(); err != nil {
		return Record{}, fmt.Errorf("record %s@%d: %w", p, r.Offset, err)
	}
	r.buffer = newBuffer(len(key) + len(value))
	r.size += len(r.buffer)
	if key != nil {
		r.Key = r.buffer[:len(key):len(key)]
		copy(r.Key, key)
	}
	if value != nil {
		r.Value = r.buffer[len(key):]
		copy(r.Value, value)
	}
	return r, nil
}
