package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
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
	*r = Record{Offset: e.offset, Time: timeOf(e.time)}
	if e.long {
		err = b.readLong(r, e)
	} else {
		err = r.read(e)
		b.ahead = b.ahead[e.total:]
	}
	b.left--
	return err
}

// timeOf is the time of a timestamp in milliseconds. Kafka writes -1 for none; brokers refuse
// what is below that, as far as they look.
func timeOf(millis int64) time.Time {
	if millis < 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}
