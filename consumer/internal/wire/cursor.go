package wire

import (
	"encoding/binary"
	"io"
)

// Cursor reads Kafka's encoding of values. Once the bytes are short it reads
// zeros and nothing more.
type Cursor struct {
	b     []byte
	short bool
}

// NewCursor reads the bytes, and copies none.
func NewCursor(b []byte) Cursor { return Cursor{b: b} }

// Len is how many bytes are left.
func (c *Cursor) Len() int { return len(c.b) }

// Fail has the bytes be short: what they say cannot be.
func (c *Cursor) Fail() { c.b, c.short = nil, true }

// Err tells that the bytes were short.
func (c *Cursor) Err() error {
	if c.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Take returns the next n bytes, not copied.
func (c *Cursor) Take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.Fail()
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

// Int8 reads a number of one byte.
func (c *Cursor) Int8() int8 {
	if b := c.Take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

// Int16 reads one of two bytes.
func (c *Cursor) Int16() int16 {
	if b := c.Take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

// Int32 reads one of four.
func (c *Cursor) Int32() int32 {
	if b := c.Take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Int64 reads one of eight.
func (c *Cursor) Int64() int64 {
	if b := c.Take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Varint reads a number of variable length, zigzag encoded.
func (c *Cursor) Varint() int64 {
	if len(c.b) > 0 && c.b[0] < 0x80 { // most are short
		v := int64(c.b[0]>>1) ^ -int64(c.b[0]&1)
		c.b = c.b[1:]
		return v
	}
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.Fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

// varbytes reads a length and as many bytes, not copied; nil for length -1.
func (c *Cursor) varbytes() []byte {
	n := c.Varint()
	if n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(c.b)) {
		c.Fail()
		return nil
	}
	return c.Take(int(n))
}

// tags passes the tagged fields that end a part of a flexible message.
func (c *Cursor) tags() {
	for n := c.Uvarint(); n > 0 && !c.short; n-- {
		c.Uvarint() // which
		size := c.Uvarint()
		if size > uint64(len(c.b)) {
			c.Fail()
			return
		}
		c.Take(int(size))
	}
}

// Uvarint reads a number of variable length that has no sign.
func (c *Cursor) Uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.Fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}
