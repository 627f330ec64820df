package wire

import "bytes"

// Span is a range of offsets, both ends included.
type Span struct{ First, Last int64 }

// Has tells whether the offset is one of them.
func (s Span) Has(offset int64) bool { return s.First <= offset && offset <= s.Last }

// Outline is what the head of a record batch says of it, believed or not: nothing is
// checked but that there is as much of it as it says.
type Outline struct {
	Offsets Span
	Records int    // that it was written with, or fewer where the log was compacted
	Bytes   []byte // all of it

	Next int64 // where the batch behind it begins; -1: what follows is not there
}

// Credible tells whether the offsets can be what they are said to be, in a log that ends
// before one: a wrong one would hide what follows.
func (o Outline) Credible(end int64) bool {
	s := o.Offsets
	switch {
	case s.Last < s.First || s.Last >= end || len(o.Bytes) == 0:
		return false
	case o.Next >= 0:
		return s.Last < o.Next
	}
	return int64(o.Records) == s.Last-s.First+1
}

// Outline is that of the next batch that is not opened yet, with bytes of its own, if that
// is there as a whole.
func (c *Chunk) Outline() (o Outline, whole bool) {
	o, rest := outline(c.rest)
	if rest == nil {
		return Outline{}, false
	}
	o.Bytes, o.Next = bytes.Clone(o.Bytes), -1
	if next := (Cursor{b: rest}); len(rest) >= batchHeader {
		o.Next = next.Int64()
	}
	return o, true
}

// outline returns nil for what is behind the batch if not all of it is there.
func outline(b []byte) (o Outline, rest []byte) {
	h := Cursor{b: b}
	base, length := h.Int64(), int(h.Int32())
	if length < batchHeader-12 || length > len(h.b) {
		return o, nil
	}
	h.Take(4 + 1 + 4 + 2) // leader epoch, message format, checksum, attributes
	o.Offsets = Span{base, base + int64(h.Int32())}
	h.Take(8 + 8 + 8 + 2 + 4) // times, producer, its epoch, sequence
	o.Records = int(h.Int32())
	o.Bytes = b[:12+length]
	return o, b[12+length:]
}
