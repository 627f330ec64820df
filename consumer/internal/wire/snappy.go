package wire

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/snappy"
)

// snappyReader decompresses snappy as Kafka's clients write it: blocks with their
// length before them, behind a header (xerial's framing), or a single block bare.
// kafka-go's believes whatever length it reads.
type snappyReader struct {
	packed []byte
	framed bool
	block  []byte // unpacked
	rest   []byte // of it
}

const xerialHeader = 16

var xerialMagic = []byte{130, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func newSnappyReader(packed []byte) *snappyReader {
	if len(packed) >= xerialHeader && bytes.HasPrefix(packed, xerialMagic) {
		return &snappyReader{packed: packed[xerialHeader:], framed: true}
	}
	return &snappyReader{packed: packed}
}

// next returns the next block, packed, and what it becomes in bytes.
func (r *snappyReader) next() (block []byte, size int, err error) {
	if len(r.packed) == 0 {
		return nil, 0, io.EOF
	}
	block, r.packed = r.packed, nil
	if r.framed {
		c := Cursor{b: block}
		block = c.Take(int(c.Int32()))
		if err := c.Err(); err != nil {
			return nil, 0, err
		}
		r.packed = c.b
	}
	const most = 32 // what a byte can become, and more
	if size, err = snappy.DecodedLen(block); err == nil && size > most*len(block) {
		err = snappy.ErrCorrupt
	}
	return block, size, err
}

// largest is what the largest block becomes.
func (r *snappyReader) largest() (most int) {
	for ahead := *r; ; {
		_, size, err := ahead.next()
		if err != nil {
			return most
		}
		most = max(most, size)
	}
}

func (r *snappyReader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		block, _, err := r.next()
		if err == nil {
			r.block, err = snappy.Decode(r.block[:cap(r.block)], block)
		}
		if err != nil {
			return 0, err
		}
		r.rest = r.block
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *snappyReader) Close() error { return nil }
