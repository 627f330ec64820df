package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/segmentio/kafka-go/compress"
)

// unpacker decompresses a batch as its records are read: it holds the codec's
// window and a step of what is next, however much the batch becomes.
type unpacker struct {
	name  string // of the codec
	from  io.ReadCloser
	buf   []byte // a step, or nil
	lease *Lease
	cost  int // of that, in bytes
}

// The memory of codecs, in bytes.
const (
	unpackStep = 64 << 10 // is unpacked at a time
	codecSize  = 64 << 10 // a codec has, beside windows and blocks
)

// newUnpacker waits for memory until ctx ends.
func newUnpacker(ctx context.Context, l *Lease, packed []byte, compression compress.Compression) (*unpacker, error) {
	codec := compression.Codec()
	if codec == nil {
		return nil, fmt.Errorf("compression %d is not known", compression)
	}
	u := &unpacker{name: codec.Name(), lease: l, cost: unpackStep + codecSize}
	open := func() (io.ReadCloser, error) { return codec.NewReader(bytes.NewReader(packed)), nil }
	switch compression {
	case compress.Zstd:
		window, err := narrowWindows(packed)
		if err != nil {
			return nil, fmt.Errorf("decompress %s: %w", u.name, err)
		}
		u.cost += decoderSize(window)
		open = func() (io.ReadCloser, error) { return newZstdReader(packed, window, &l.b.decoders) }
	case compress.Lz4:
		u.cost += lz4Blocks(packed)
	case compress.Snappy:
		r := newSnappyReader(packed)
		u.cost += r.largest()
		open = func() (io.ReadCloser, error) { return r, nil }
	}
	if err := l.Grow(ctx, u.cost); err != nil {
		return nil, err
	}
	var err error
	if u.from, err = open(); err != nil {
		u.close()
		return nil, fmt.Errorf("decompress %s: %w", u.name, err)
	}
	return u, nil
}

// lz4Blocks is the memory for a block, as it is and unpacked, in bytes, whose size the
// frame's third byte behind its number says.
func lz4Blocks(packed []byte) int {
	const descriptor, smallest = 5, 4
	if len(packed) > descriptor {
		if code := packed[descriptor] >> 4 & 7; code >= smallest {
			return 2 << (8 + 2*code)
		}
	}
	return 0
}

// close gives the memory back.
func (u *unpacker) close() {
	u.drop()
	u.lease.shrink(u.cost)
}

// drop lets go of the memory; the lease is ended by who calls it.
func (u *unpacker) drop() {
	if u.from != nil {
		_ = u.from.Close()
	}
	if u.buf != nil {
		releaseStep(u.buf)
	}
}

// more unpacks until there are n bytes with those that are left, unpackStep at most,
// or the batch ends. What it has returned before is no longer valid.
func (u *unpacker) more(left []byte, n int) ([]byte, error) {
	if u.buf == nil {
		u.buf = newStep()
	}
	have := copy(u.buf, left)
	for have < n {
		read, err := u.from.Read(u.buf[have:])
		have += read
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("decompress %s: %w", u.name, err)
		}
	}
	return u.buf[:have], nil
}

// read unpacks exactly as many bytes as into has.
func (u *unpacker) read(into []byte) error {
	_, err := io.ReadFull(u.from, into)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("decompress %s: %w", u.name, err)
	}
	return nil
}

var steps = sync.Pool{New: func() any { return (*[unpackStep]byte)(make([]byte, unpackStep)) }}

func newStep() []byte { return steps.Get().(*[unpackStep]byte)[:] }

func releaseStep(b []byte) { steps.Put((*[unpackStep]byte)(b)) }
