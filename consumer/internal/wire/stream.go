package wire

import (
	"cmp"
	"encoding/binary"
	"io"
)

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
