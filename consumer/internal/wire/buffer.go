package wire

import (
	"slices"
	"sync"
	"unsafe"
)

// Buffer is what a record's key and value lie in. Once nobody looks at these any more
// it is to be released, and used again: at a hundred thousand records a second the
// garbage collector would otherwise have more to do than anybody else. Its length must
// not be changed.
type Buffer []byte

// bufferSizes are the sizes of buffers, each a quarter to a seventh larger than
// the last; bufferPools has a pool for each, of pointers to a buffer's first
// byte. (A slice in a pool would cost an allocation, and a struct around it one
// more thing to fetch from memory.) A record that is larger than all gets a
// buffer of its own size, which is not used again.
var (
	bufferSizes = func() (sizes []int) {
		for size := 128; size <= 64<<10; size *= 2 {
			sizes = append(sizes, size, size+size/4, size+size/2, size+3*size/4)
		}
		return sizes
	}()
	bufferPools = make([]sync.Pool, len(bufferSizes))
)

// bufferSize is the capacity of a buffer of that many bytes.
func bufferSize(size int) int {
	i, _ := slices.BinarySearch(bufferSizes, size)
	if i == len(bufferSizes) || size == 0 {
		return size
	}
	return bufferSizes[i]
}

// newBuffer returns a buffer of size bytes, whatever they are.
func newBuffer(size int) Buffer {
	i, _ := slices.BinarySearch(bufferSizes, size)
	if i == len(bufferSizes) || size == 0 {
		return make([]byte, size)
	}
	if first, ok := bufferPools[i].Get().(*byte); ok {
		return unsafe.Slice(first, bufferSizes[i])[:size]
	}
	return make([]byte, size, bufferSizes[i])
}

// Release gives the buffer to whoever needs one next.
func (b Buffer) Release() {
	i, _ := slices.BinarySearch(bufferSizes, len(b))
	if i < len(bufferSizes) && len(b) > 0 {
		bufferPools[i].Put(unsafe.SliceData(b))
	}
}
