package consumer

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// memory holds the bytes of a response. It belongs to the connection while that
// reads, then to whoever waits for the response; if nobody does any more, the
// garbage collector takes it.
type memory struct{ bytes []byte }

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

func newMemory(size int) *memory {
	if m, ok := memoriesOf(size).Get().(*memory); ok {
		return m
	}
	return new(memory)
}

// release gives the memory to the next response. What a single huge batch has
// asked for is not kept.
func (m *memory) release() {
	if cap(m.bytes) <= largeMemory {
		memoriesOf(cap(m.bytes)).Put(m)
	}
}

// readResponse reads a response and its size before it, and takes memory only
// then: until there is one it may be long. It believes the size only step by step,
// since what answers may be no broker at all.
func readResponse(r io.Reader, admit func(size int) error) (*memory, error) {
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
	return m, nil
}

func (m *memory) read(r io.Reader, size int) error {
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
