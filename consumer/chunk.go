package consumer

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

// chunk is what one fetch of a partition brought. Records are read off it piece
// by piece, those of aborted transactions and transaction markers left out.
// Close it.
type chunk struct {
	p        *Partition
	response *fetchResponse
	aborted  *abortedTransactions
	rest     []byte // batches not yet opened
	batch    batch  // the open one
	unpacked *bytes.Buffer

	from int64 // the offset that was asked for
	next int64 // where to go on: after what has been read
	end  int64 // high watermark
}

// fetch reads committed records from offset on.
func (c *Consumer) fetch(ctx context.Context, p *Partition, offset int64, maxBytes int) (*chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.FetchWait+10*time.Second)
	defer cancel()
	m, err := c.client.Transport.RoundTrip(ctx, c.client.Addr, &fetchRequest{
		clientID:  c.cfg.Connection.ClientID,
		topic:     p.Topic,
		partition: int32(p.ID),
		offset:    offset,
		maxWait:   c.cfg.FetchWait,
		maxBytes:  int32(maxBytes),
	})
	if err != nil {
		return nil, err
	}
	res := m.(*fetchResponse)
	if res.code != 0 {
		res.release()
		return nil, res.code
	}
	return newChunk(p, res, offset), nil
}

func newChunk(p *Partition, res *fetchResponse, offset int64) *chunk {
	return &chunk{
		p: p, response: res, aborted: newAbortedTransactions(res.aborted), rest: res.batches,
		from: offset, next: offset, end: res.highWatermark,
	}
}

// close gives the chunk's memory back. Records read off it have their own.
func (c *chunk) close() { c.response.release() }

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
		h.int32() // leader epoch
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
