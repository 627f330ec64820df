package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Memory holds the bytes of a response. It belongs to the connection while that
// reads, then to whoever waits for the response; if nobody does any more, the
// garbage collector takes it.
type Memory struct{ bytes []byte }

// memories are used again, small and large ones apart: a small answer must not hold on
// to much, nor is what was large to be lost to it.
var memories [2]sync.Pool

// The sizes of memory that is used again, in bytes.
const (
	smallMemory = 64 << 10
	largeMemory = 512 << 10
)

func memoriesOf(size int) *sync.Pool {
	if size <= smallMemory {
		return &memories[0]
	}
	return &memories[1]
}

func newMemory(size int) *Memory {
	if m, ok := memoriesOf(size).Get().(*Memory); ok {
		return m
	}
	return new(Memory)
}

// Release gives the memory to the next response. What a single huge batch has
// asked for is not kept.
func (m *Memory) Release() {
	if cap(m.bytes) <= largeMemory {
		memoriesOf(cap(m.bytes)).Put(m)
	}
}

// ReadResponse reads the response to a request, of which res has the version, and its
// size before it, and takes memory only then: until there is one it may be long. Before
// that admit, if there is one, waits for so many bytes. It believes the size only step by
// step, since what answers may be no broker at all. The response refers to the memory,
// which whoever has it last releases.
func ReadResponse(r io.Reader, res kmsg.Response, admit func(size int) error) (*Memory, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if size < 0 {
		return nil, fmt.Errorf("the broker answers with a size of %d", size)
	}
	if admit != nil {
		if err := admit(size); err != nil {
			return nil, fmt.Errorf("wait for memory for %d bytes: %w", size, err)
		}
	}
	m := newMemory(size)
	if err := m.read(r, size); err != nil {
		return nil, err
	}
	if err := m.decode(res); err != nil {
		m.Release()
		return nil, fmt.Errorf("read the answer to a request of %s: %w", kmsg.NameForKey(res.Key()), err)
	}
	return m, nil
}

func (m *Memory) decode(res kmsg.Response) error {
	c := Cursor{b: m.bytes}
	c.Int32() // correlation
	if res.IsFlexible() && res.Key() != int16(kmsg.ApiVersions) {
		c.tags()
	}
	if err := c.Err(); err != nil {
		return err
	}
	return res.ReadFrom(c.b)
}

func (m *Memory) read(r io.Reader, size int) error {
	const step = 512 << 10
	m.bytes = m.bytes[:0]
	for len(m.bytes) < size {
		if len(m.bytes) == cap(m.bytes) {
			grown := make([]byte, len(m.bytes), min(size, max(step, 2*cap(m.bytes))))
			copy(grown, m.bytes)
			m.bytes = grown
		}
		n := len(m.bytes)
		m.bytes = m.bytes[:min(size, cap(m.bytes))]
		if _, err := io.ReadFull(r, m.bytes[n:]); err != nil {
			return err
		}
	}
	return nil
}
