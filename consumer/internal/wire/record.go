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
// the [Budget] is waited for, a response's by who asks for it. Beyond its bound goes one
// chunk at a time, which could not go on otherwise, and one record of each topic.
//
// Garbage is an error, never a panic: batches whose checksum is wrong, of a format that is
// not known, whose records do not rise or lie outside of them. What was read before an
// error is good.
package wire

import (
	"slices"
	"time"
	"unsafe"

	"github.com/segmentio/kafka-go/protocol"
)

// Header is a record's header.
type Header = protocol.Header

// Record is one record of a batch, in memory of its own: one that waits long must not
// hold on to what it came in.
type Record struct {
	Offset  int64
	Time    time.Time // as the producer or broker set it, in milliseconds; zero: there is none
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
