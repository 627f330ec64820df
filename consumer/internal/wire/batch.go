// Package wire reads the bytes of Kafka's Fetch API into records, within a budget of
// bytes.
//
// It knows no group, no state of a partition and no network beyond an [io.Reader], nor
// does it decide who is asked for what, and when. What it takes and gives is
//
//	Answer                what a broker answers for many partitions, read as it comes, each
//	                      into memory of its own
//	ReadResponse, Memory  any other response, in memory that is used again
//	Chunk                 what was fetched of one partition, from an offset on: its records
//	                      are read off it piece by piece
//	Record, Buffer        a record, in memory of its own, which is to be released
//	Budget, Lease, Hand   the memory that all of it is taken from
//	Cursor                values in Kafka's encoding, of bytes that are there
//
// Records come in the order of their offsets. Those before the offset that was asked for,
// those of aborted transactions and the markers of transactions are left out, and nothing
// else is: what is read is what was written, in whatever codec.
//
// Memory is bounded whatever a broker sends. A batch is unpacked as its records are read,
// a step at a time, with no more than the window or block that its codec needs for what is
// there. What of a record is too large to be kept is passed, and counted, see [Excess]. A
// length is believed only as far as there are bytes for it. Where a response is larger
// than its partition's share, a batch is unpacked, or a record is larger than the share,
// the [Budget] is asked first: what waits for it holds on to nothing that others want.
//
// Garbage is an error, never a panic: batches whose checksum is wrong, of a format that is
// not known, whose records do not rise or lie outside of them. What was read before an
// error is good.
package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/segmentio/kafka-go/protocol"
)

// batch is a record batch that is being read.
type batch struct {
	base, last int64 // offsets
	time       int64 // of its first record, in milliseconds; of all if appended
	appended   bool
	left       int       // records not yet read
	ahead      []byte    // what is there of them
	unpacker   *unpacker // of what follows; nil: all is there
}

func (b *batch) close() {
	if b.unpacker != nil {
		b.unpacker.close()
	}
	*b = batch{}
}

// fill sees to it that n bytes are ahead, up to unpackStep, unless the batch has fewer.
func (b *batch) fill(n int) (err error) {
	if b.unpacker != nil && len(b.ahead) < n {
		b.ahead, err = b.unpacker.more(b.ahead, n)
	}
	return err
}

// read reads exactly as many bytes as into has.
func (b *batch) read(into []byte) error {
	n := copy(into, b.ahead)
	b.ahead = b.ahead[n:]
	switch {
	case n == len(into):
		return nil
	case b.unpacker == nil:
		return io.ErrUnexpectedEOF
	default:
		return b.unpacker.read(into[n:])
	}
}

// skip passes n bytes.
func (b *batch) skip(n int64) error {
	here := min(n, int64(len(b.ahead)))
	b.ahead = b.ahead[here:]
	for n -= here; n > 0; n -= here {
		if err := b.fill(1); err != nil {
			return err
		}
		if len(b.ahead) == 0 {
			return io.ErrUnexpectedEOF
		}
		here = min(n, int64(len(b.ahead)))
		b.ahead = b.ahead[here:]
	}
	return nil
}

// peeked is a record as it lies in a batch. What it refers to is valid until the
// batch goes on.
type peeked struct {
	offset int64
	time   int64 // in milliseconds
	size   int   // what key, value and headers take up in memory at most, in bytes

	total  int64 // bytes that it has in the batch
	fields int64 // of these, the ones from the key on
	long   bool  // it is not there as a whole, and what follows is not set

	key, value []byte
	headers    int64
	rest       Cursor // the headers
}

// peek looks at the next record, without going on.
func (b *batch) peek(e *peeked) error {
	if err := b.look(e); err != nil {
		return fmt.Errorf("batch at %d, record %d before its end: %w", b.base, b.left, err)
	}
	if e.offset < b.base || e.offset > b.last { // brokers do not look at it
		return fmt.Errorf("batch at %d: it ends at %d and has a record %d", b.base, b.last, e.offset)
	}
	return nil
}

func (b *batch) look(e *peeked) error {
	if err := b.fill(binary.MaxVarintLen64); err != nil {
		return err
	}
	c := Cursor{b: b.ahead}
	length := c.Varint()
	if c.short || length < 0 || length > math.MaxInt32 {
		return io.ErrUnexpectedEOF
	}
	prefix := len(b.ahead) - len(c.b)
	e.total, e.long = int64(prefix)+length, false
	if e.total > int64(len(b.ahead)) {
		if err := b.fill(int(min(e.total, unpackStep))); err != nil {
			return err
		}
		c.b = b.ahead[prefix:]
		e.long = e.total > unpackStep && len(b.ahead) == unpackStep && b.unpacker != nil
		if !e.long && e.total > int64(len(b.ahead)) {
			return io.ErrUnexpectedEOF
		}
	}
	if !e.long {
		c.b = c.b[:length]
	}
	before := len(c.b)
	c.Int8() // attributes
	e.time = b.time
	if delta := c.Varint(); !b.appended {
		e.time += delta
	}
	e.offset = b.base + c.Varint()
	e.fields = length - int64(before-len(c.b))
	if e.long {
		e.size = longest(e.fields)
		return c.Err()
	}
	e.key, e.value = c.varbytes(), c.varbytes()
	if e.headers = c.Varint(); e.headers < 0 || e.headers > int64(len(c.b)) {
		c.short = true
	}
	e.rest = c
	e.size = e.buffer() + int(min(e.headers, MaxHeaders))*headerSize + min(len(c.b), MaxHeaderBytes)
	return c.Err()
}

// buffer is the size of the buffer for key and value.
func (e *peeked) buffer() (n int) {
	if len(e.key) <= MaxKeyBytes {
		n = len(e.key)
	}
	if len(e.value) <= MaxValueBytes {
		n += len(e.value)
	}
	return bufferSize(n)
}

// longest is what the fields of a record take up in memory at most that have that
// many bytes.
func longest(fields int64) int {
	headers := min(fields/2, MaxHeaders)
	return int(min(fields, MaxKeyBytes+MaxValueBytes+MaxHeaderBytes) + headers*int64(headerSize))
}

// pass passes the record that peek has found.
func (b *batch) pass(e *peeked) error {
	b.left--
	if err := b.skip(e.total); err != nil {
		return fmt.Errorf("batch at %d, record %d before its end: %w", b.base, b.left+1, err)
	}
	return nil
}

// record reads the record that peek has found.
func (b *batch) record(r *Record, e *peeked) (err error) {
	*r = Record{Offset: e.offset, Time: time.UnixMilli(e.time)}
	if e.long {
		err = b.readLong(r, e)
	} else {
		err = r.read(e)
		b.ahead = b.ahead[e.total:]
	}
	b.left--
	return err
}

// Header is a record's header.
type Header = protocol.Header

// Record is one record of a batch, in memory of its own: one that waits long must not
// hold on to what it came in.
type Record struct {
	Offset  int64
	Time    time.Time // as the producer or broker set it, in milliseconds
	Key     []byte    // nil: none
	Value   []byte    // nil: a tombstone
	Headers []Header
	Excess  *Excess // what was too large to be kept; nil: nothing

	Buffer Buffer // that Key and Value lie in, unless the record is large
	Size   int    // what Buffer, or Key and Value, and Headers take up, in bytes
}

// What of a record is kept. A batch of 1 MiB, which is what brokers and clients take
// unless they are told otherwise, may unpack to a thousand times that.
const (
	MaxKeyBytes    = 1 << 20
	MaxValueBytes  = 16 << 20
	MaxHeaders     = 10_000
	MaxHeaderBytes = 4 << 20 // keys and values
)

// Excess is what a record has that is too large to be kept, and was passed; 0: it
// was not. Key and Value are bytes. Headers is how many there are, and HeaderBytes what
// their keys and values have: the first of them are kept.
type Excess struct {
	Key, Value           int
	Headers, HeaderBytes int
}

// headerSize is what a header takes up beside its text.
const headerSize = int(unsafe.Sizeof(Header{}))

// read copies what lies there as a whole.
func (r *Record) read(e *peeked) error {
	key, value := e.key, e.value
	var x Excess
	if len(key) > MaxKeyBytes {
		x.Key, key = len(key), nil
	}
	if len(value) > MaxValueBytes {
		x.Value, value = len(value), nil
	}
	buffer := newBuffer(len(key) + len(value))
	if key != nil {
		r.Key = buffer[:len(key):len(key)]
		copy(r.Key, key)
	}
	if value != nil {
		r.Value = buffer[len(key):]
		copy(r.Value, value)
	}
	r.Buffer, r.Size = buffer, cap(buffer)
	if e.headers == 0 && x == (Excess{}) {
		return nil
	}
	h := newHeaders(e.headers)
	for range e.headers {
		key, value := e.rest.varbytes(), e.rest.varbytes()
		if e.rest.short {
			return e.rest.Err()
		}
		if h.fit(len(key) + len(value)) {
			h.kept = append(h.kept, Header{Key: string(key), Value: slices.Clone(value)})
		}
	}
	r.end(&h, x)
	return nil
}

// headers gathers the headers of a record: the first ones, as far as they are kept.
type headers struct {
	kept     []Header
	n, bytes int // of all
	size     int // of those kept, beside the slice
}

func newHeaders(n int64) headers { return headers{kept: make([]Header, 0, min(n, MaxHeaders))} }

// fit counts a header, and tells whether it is kept.
func (h *headers) fit(bytes int) bool {
	h.n++
	h.bytes += bytes
	if h.n > MaxHeaders || h.bytes > MaxHeaderBytes {
		return false
	}
	h.size = h.bytes
	return true
}

// left is how many bytes the next header may have to be kept.
func (h *headers) left() int {
	if h.n >= MaxHeaders {
		return 0
	}
	return max(0, MaxHeaderBytes-h.bytes)
}

// end ends the reading of a record whose key and value are read, but for x.
func (r *Record) end(h *headers, x Excess) {
	if h.n > 0 {
		r.Headers = h.kept
		r.Size += headerSize*cap(h.kept) + h.size
	}
	if h.n > len(h.kept) {
		x.Headers, x.HeaderBytes = h.n, h.bytes
	}
	if x != (Excess{}) {
		excess := x
		r.Excess = &excess
	}
}

// readLong reads a record field by field.
func (b *batch) readLong(r *Record, e *peeked) error {
	if err := b.skip(e.total - e.fields); err != nil {
		return err
	}
	s := stream{b: b, left: e.fields}
	var x Excess
	r.Key, x.Key = s.bytes(MaxKeyBytes)
	r.Value, x.Value = s.bytes(MaxValueBytes)
	r.Size = cap(r.Key) + cap(r.Value)
	n := s.varint()
	if n < 0 || n > s.left {
		return cmp.Or(s.err, io.ErrUnexpectedEOF)
	}
	h := newHeaders(n)
	for range n {
		key, moreOfKey := s.bytes(h.left())
		value, moreOfValue := s.bytes(h.left() - len(key))
		if s.err != nil {
			return s.err
		}
		if h.fit(len(key) + moreOfKey + len(value) + moreOfValue) {
			h.kept = append(h.kept, Header{Key: string(key), Value: value})
		}
	}
	r.end(&h, x)
	s.skip(s.left)
	return s.err
}

// stream reads the fields of a record that is not there as a whole. After an error
// it reads zeros and nothing more.
type stream struct {
	b    *batch
	left int64 // bytes of the record
	err  error
}

func (s *stream) varint() int64 {
	if s.err == nil {
		s.err = s.b.fill(binary.MaxVarintLen64)
	}
	if s.err != nil {
		return 0
	}
	there := s.b.ahead[:min(s.left, int64(len(s.b.ahead)))]
	c := Cursor{b: there}
	v := c.Varint()
	if s.err = c.Err(); s.err != nil {
		return 0
	}
	s.skip(int64(len(there) - len(c.b)))
	return v
}

// bytes reads a length and as many bytes; nil for length -1. Those beyond most are
// passed, and it says how many these are.
func (s *stream) bytes(most int) (kept []byte, passed int) {
	n := s.varint()
	switch {
	case s.err != nil || n == -1:
		return nil, 0
	case n < 0 || n > s.left:
		s.err = io.ErrUnexpectedEOF
		return nil, 0
	case n > int64(most):
		s.skip(n)
		return nil, int(n)
	}
	kept = make([]byte, n)
	s.left -= n
	s.err = s.b.read(kept)
	return kept, 0
}

func (s *stream) skip(n int64) {
	s.left -= n
	if s.err == nil {
		s.err = s.b.skip(n)
	}
}
