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

var memories = sync.Pool{New: func() any { return new(memory) }}

func newMemory() *memory { return memories.Get().(*memory) }

// release gives the memory to the next response. What a single huge batch has
// asked for is not kept.
func (m *memory) release() {
	const most = 2 << 20
	if cap(m.bytes) <= most {
		memories.Put(m)
	}
}

// read reads a response and its size before it. It believes the size only step
// by step, since what answers may be no broker at all.
func (m *memory) read(r io.Reader) error {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return err
	}
	size := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if size < 0 {
		return fmt.Errorf("the broker answers with a size of %d", size)
	}
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
