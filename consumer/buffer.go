package consumer

import (
	"slices"
	"sync"
)

// buffer holds a record's key and value. Buffers are used again once their
// record is settled: at a hundred thousand records a second the garbage
// collector would otherwise have more to do than anybody else.
type buffer struct{ bytes []byte }

// bufferSizes are the capacities of buffers, each a quarter to a third more than
// the last; bufferPools has a pool for each. A larger record gets a buffer of
// its own size, which is not used again.
var (
	bufferSizes = func() (sizes []int) {
		for size := 128; size <= 64<<10; size *= 2 {
			sizes = append(sizes, size, size+size/4, size+size/2, size+3*size/4)
		}
		return sizes
	}()
	bufferPools = make([]sync.Pool, len(bufferSizes))
)

// newBuffer returns a buffer of size bytes, whatever they are.
func newBuffer(size int) *buffer {
	i, _ := slices.BinarySearch(bufferSizes, size)
	if i == len(bufferSizes) {
		return &buffer{make([]byte, size)}
	}
	if b, ok := bufferPools[i].Get().(*buffer); ok {
		b.bytes = b.bytes[:size]
		return b
	}
	return &buffer{make([]byte, size, bufferSizes[i])}
}

// release gives the buffer to whoever needs one next.
func (b *buffer) release() {
	if i, ok := slices.BinarySearch(bufferSizes, cap(b.bytes)); ok {
		bufferPools[i].Put(b)
	}
}
