package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// incoming reads Kafka's encoding of values as their bytes come, up to the end of a
// message. After an error it reads zeros and nothing more.
type incoming struct {
	r       io.Reader
	left    int  // bytes of the message that are still to come
	compact bool // lengths are as in flexible messages
	err     error
	b       [8]byte
}

var errLies = errors.New("a length is beyond the end of the answer")

// begin reads the size of the next message.
func (s *incoming) begin() {
	s.left = 4
	s.left = int(s.int32())
	if s.left < 0 {
		s.fail(fmt.Errorf("the broker answers with a size of %d", s.left))
	}
}

func (s *incoming) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.left = 0
}

// Read reads no further than to the end of the message.
func (s *incoming) Read(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.r.Read(b[:min(len(b), s.left)])
	s.left -= n
	return n, err
}

// take returns the next n bytes, 8 at most, until the next call.
func (s *incoming) take(n int) []byte {
	if n > s.left {
		s.fail(errLies)
	}
	if s.err == nil {
		if _, err := io.ReadFull(s, s.b[:n]); err != nil {
			s.fail(err)
		}
	}
	if s.err != nil {
		clear(s.b[:])
	}
	return s.b[:n]
}

func (s *incoming) int16() int16 { return int16(binary.BigEndian.Uint16(s.take(2))) }
func (s *incoming) int32() int32 { return int32(binary.BigEndian.Uint32(s.take(4))) }
func (s *incoming) int64() int64 { return int64(binary.BigEndian.Uint64(s.take(8))) }

// uvarint reads a number of variable length that has no sign.
func (s *incoming) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := s.take(1)[0]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	s.fail(errors.New("a number has no end"))
	return 0
}

// size is a length that was read: 0 for null, and an error beyond the message.
func (s *incoming) size(n int64) int {
	if n > int64(s.left) {
		s.fail(errLies)
	}
	if s.err != nil {
		return 0
	}
	return int(max(0, n))
}

// length reads that of bytes, or of a list.
func (s *incoming) length() int {
	if s.compact {
		return s.size(int64(min(s.uvarint(), 1<<62)) - 1)
	}
	return s.size(int64(s.int32()))
}

// text reads a string.
func (s *incoming) text() string {
	var n int
	if s.compact {
		n = s.length()
	} else {
		n = s.size(int64(s.int16()))
	}
	b := make([]byte, min(n, 1<<15-1)) // a string is no longer
	if _, err := io.ReadFull(s, b); err != nil {
		s.fail(err)
	}
	s.skip(n - len(b))
	return string(b)
}

// skip passes n bytes.
func (s *incoming) skip(n int) {
	if n = s.size(int64(n)); n == 0 {
		return
	}
	if _, err := io.CopyN(io.Discard, s, int64(n)); err != nil {
		s.fail(err)
	}
}

// tags passes the tagged fields that end a part of a flexible message. The bytes of
// those that are known are read by read, which need not read them all.
func (s *incoming) tags(known uint64, read func()) {
	if !s.compact {
		return
	}
	for n := s.uvarint(); n > 0 && s.err == nil; n-- {
		tag := s.uvarint()
		size := s.size(int64(min(s.uvarint(), 1<<62)))
		end := s.left - size
		if read != nil && tag == known {
			if read(); s.left < end {
				s.fail(errLies)
			}
		}
		s.skip(max(0, s.left-end))
	}
}
