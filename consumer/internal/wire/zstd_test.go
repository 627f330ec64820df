package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// Clients write one frame, of a window that its header says, or of a single segment;
// the format allows for more.
func TestTheWindowOfZstdIsWhatItsLargestFrameCanNeed(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("text"), 1<<20) // 4 MiB
	frame := func(window int, options ...zstd.EOption) []byte {
		return wiretest.Frame(t, text, true, append(options, zstd.WithWindowSize(window))...)
	}
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}
	broken := wiretest.Frame(t, text, false, zstd.WithSingleSegment(true), zstd.WithWindowSize(8<<20))
	binary.LittleEndian.PutUint32(broken[5:], 100<<20) // what it becomes
	for rule, test := range map[string]struct {
		packed []byte
		want   int
		err    error
	}{
		"one frame":                          {frame(2 << 20), 2 << 20, nil},
		"a small one":                        {frame(1 << 10), minWindow, nil},
		"more than there is":                 {frame(128 << 20), 4 << 20, nil},
		"a single segment":                   {wiretest.Frame(t, text[:3<<20], false, zstd.WithSingleSegment(true), zstd.WithWindowSize(8<<20)), 4 << 20, nil},
		"a single segment that is not there": {broken, 0, errContent},
		"a larger one behind":                {append(frame(64<<10), frame(2<<20, zstd.WithEncoderCRC(false))...), 2 << 20, nil},
		"without a checksum":                 {append(frame(64<<10, zstd.WithEncoderCRC(false)), frame(2<<20)...), 2 << 20, nil},
		"behind what is passed":              {append(bytes.Clone(skippable), frame(2<<20)...), 2 << 20, nil},
		"cut off":                            {frame(2 << 20)[:20], minWindow, nil},
		"cut off after the header":           {frame(2 << 20)[:7], minWindow, nil},
		"something else":                     {[]byte("something else"), minWindow, nil},
		"nothing":                            {nil, minWindow, nil},
	} {
		if got, err := narrowWindows(test.packed); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %d, error %v; want %d", rule, got, err, test.want)
		}
	}
}

func TestAFrameIsReadAsItWasWrittenInTheWindowThatItNeeds(t *testing.T) {
	noise := make([]byte, 1<<20)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(random.Uint32N(64))
	}
	decoders := decoders{most: 64 << 20}
	rapid.Check(t, func(rt *rapid.T) {
		var packed, want []byte
		for range rapid.IntRange(1, 3).Draw(rt, "frames") {
			var text []byte
			for range rapid.IntRange(0, 4).Draw(rt, "parts") { // what comes again is far behind
				n := rapid.IntRange(0, len(noise)).Draw(rt, "bytes")
				text = append(text, noise[:n]...)
			}
			packed = append(packed, wiretest.Frame(t, text, rapid.Bool().Draw(rt, "streamed"),
				zstd.WithWindowSize(1<<rapid.IntRange(10, 27).Draw(rt, "window")),
				zstd.WithEncoderCRC(rapid.Bool().Draw(rt, "checksum")),
				zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
				zstd.WithEncoderLevel(zstd.SpeedFastest))...)
			want = append(want, text...)
		}
		window, err := narrowWindows(packed)
		if err != nil || window > max(2*len(want), minWindow) {
			rt.Fatalf("the window for %d bytes is %d, error %v", len(want), window, err)
		}
		r, err := newZstdReader(packed, window, &decoders)
		if err != nil {
			rt.Fatal(err)
		}
		defer r.Close()
		var got bytes.Buffer
		if _, err := got.ReadFrom(r); err != nil || !bytes.Equal(got.Bytes(), want) {
			rt.Fatalf("read %d bytes of %d, error %v", got.Len(), len(want), err)
		}
	})
}

func TestZstdIsReadWhateverItsFrames(t *testing.T) {
	t.Parallel()
	w := wiretest.Of(5, 6, -1, false, 5, 6)
	w.Records[0].Value = bytes.Repeat([]byte("text"), 1<<20)
	for rule, options := range map[string][]zstd.EOption{
		"a single segment": {zstd.WithSingleSegment(true), zstd.WithWindowSize(8 << 20)},
		"a small window":   {zstd.WithWindowSize(zstd.MinWindowSize)},
		"a large window":   {zstd.WithWindowSize(128 << 20)},
	} {
		w.Pack = func(b []byte) []byte {
			half := len(b) / 2
			return append(wiretest.Frame(t, b[:half], false, options...), wiretest.Frame(t, b[half:], false, options...)...)
		}
		w.Codec = compress.Zstd
		records, err := readAll(chunkOf(5, nil, w.Encode()), 10)
		if err != nil || len(records) != 2 || !bytes.Equal(records[0].Value, w.Records[0].Value) {
			t.Errorf("%s: %d records, error %v", rule, len(records), err)
		}
	}
}
