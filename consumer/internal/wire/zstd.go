package wire

import (
	"bytes"
	"errors"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The memory of decoders, in bytes.
const (
	zstdBlock  = 128 << 10 // the largest block; a decoder has some beside its window
	minWindow  = zstdBlock
	maxWindow  = 128 << 20 // decoders need not take more
	hugeWindow = 16 << 20
)

// decoderSize is what a decoder takes up.
func decoderSize(window int) int { return window + 4*zstdBlock }

var errContent = errors.New("a frame says that it becomes more than its blocks can become")

// narrowWindows returns the window that it takes to decompress what are one or more
// frames (RFC 8878, 3.1), a power of two, so that decoders can be used again. Encoders
// of a high level tell windows of up to 128 MiB for whatever they write, and decoders
// take as much at once: it writes what the blocks can need, at most, into the frames.
func narrowWindows(packed []byte) (window int, err error) {
	window = minWindow
	for len(packed) > 0 {
		var h zstd.Header
		rest, err := h.DecodeAndStrip(packed)
		if err != nil {
			break // the decoder says so
		}
		if h.Skippable {
			packed = rest[min(int64(h.SkippableSize), int64(len(rest))):]
			continue
		}
		rest, content := passBlocks(rest, h.HasCheckSum)
		if h.HasFCS && h.FrameContentSize > content {
			return 0, errContent
		}
		told := h.WindowSize
		if h.SingleSegment { // it is its own window
			told = h.FrameContentSize
		}
		needed := minWindow
		for uint64(needed) < min(told, content) && needed < maxWindow {
			needed *= 2
		}
		if h.WindowSize > uint64(needed) {
			const descriptor, exponent, least = 5, 3, 10
			packed[descriptor] = byte(bits.Len(uint(needed))-1-least) << exponent
		}
		window = max(window, needed)
		packed = rest
	}
	return window, nil
}

// passBlocks passes the blocks of a frame and its checksum, and returns what they can
// become, at most.
func passBlocks(b []byte, checksum bool) (rest []byte, content uint64) {
	const header, raw, rle = 3, 0, 1
	for last := false; !last && len(b) >= header; {
		h := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size, becomes := int(h>>3), zstdBlock
		switch h >> 1 & 3 {
		case raw:
			becomes = size
		case rle:
			size, becomes = 1, size
		}
		content += uint64(becomes)
		last = h&1 != 0
		b = b[min(header+size, len(b)):]
	}
	if checksum {
		b = b[min(4, len(b)):]
	}
	return b, content
}

// decoders are those that are not used at the moment. Safe for concurrent use.
type decoders struct {
	most int // bytes

	mu   sync.Mutex
	size int
	idle []decoder // the one used last is last
}

// decoder decompresses without goroutines, and with no more than its window.
type decoder struct {
	*zstd.Decoder
	window int
}

func newDecoder(window int) (decoder, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
	return decoder{d, window}, err
}

// get returns a decoder of exactly that window.
func (d *decoders) get(window int) (decoder, error) {
	if window >= hugeWindow { // it is not kept: two of them would be too much
		runtime.GC()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, idle := range slices.Backward(d.idle) {
		if idle.window == window {
			d.idle = slices.Delete(d.idle, i, i+1)
			d.size -= decoderSize(window)
			return idle, nil
		}
	}
	return newDecoder(window)
}

// put takes a decoder back, and lets go of those that have not been used for longest
// where there is no room for all.
func (d *decoders) put(used decoder) {
	size := decoderSize(used.window)
	if size > d.most {
		used.Close()
		return
	}
	_ = used.Reset(nil) // it must not hold on to what it has read
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, used)
	d.size += size
	for d.size > d.most {
		d.idle[0].Close()
		d.size -= decoderSize(d.idle[0].window)
		d.idle = slices.Delete(d.idle, 0, 1)
	}
}

// zstdReader decompresses zstd.
type zstdReader struct {
	decoder
	decoders *decoders // that it goes to
}

func newZstdReader(packed []byte, window int, decoders *decoders) (*zstdReader, error) {
	d, err := decoders.get(window)
	if err == nil {
		err = d.Reset(bytes.NewReader(packed))
	}
	return &zstdReader{d, decoders}, err
}

// Close lets the decoder be used again.
func (r *zstdReader) Close() error {
	if r.Decoder != nil {
		r.decoders.put(r.decoder)
	}
	return nil
}
