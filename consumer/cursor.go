package consumer

import (
	"encoding/binary"
	"io"
)

// cursor reads Kafka's encoding of values. Once the bytes are short it reads
// zeros and nothing more.
type cursor struct {
	b     []byte
	short bool
}

// err tells that the bytes were short.
func (c *cursor) err() error {
	if c.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// take returns the next n bytes, not copied.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) int8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// varint reads a number of variable length, zigzag encoded.
func (c *cursor) varint() int64 {
	if len(c.b) > 0 && c.b[0] < 0x80 { // most are short
		v := int64(c.b[0]>>1) ^ -int64(c.b[0]&1)
		c.b = c.b[1:]
		return v
	}
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.b, c.short = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// varbytes reads a length and as many bytes, not copied; nil for length -1.
func (c *cursor) varbytes() []byte {
	n := c.varint()
	if n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(c.b)) {
		c.b, c.short = nil, true
		return nil
	}
	return c.take(int(n))
}

// tags passes the tagged fields that end a part of a flexible message.
func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && !c.short; n-- {
		c.uvarint() // which
		size := c.uvarint()
		if size > uint64(len(c.b)) {
			c.b, c.short = nil, true
			return
		}
		c.take(int(size))
	}
}

// uvarint reads a number of variable length that has no sign.
func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b, c.short = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}
