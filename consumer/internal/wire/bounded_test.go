//go:build !race

package wire

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// allocated is what f allocates, in bytes.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func TestABatchThatBecomesHugeIsReadInLittleMemory(t *testing.T) {
	for rule, r := range map[string]wiretest.Record{
		"eight million headers": {Headers: make([]Header, 8_000_000)},
		"a value of 100 MiB":    {Value: make([]byte, 100<<20)},
		"a key of 100 MiB":      {Key: make([]byte, 100<<20)},
		"a header of 100 MiB":   {Headers: []Header{{Value: make([]byte, 100<<20)}}},
	} {
		for _, codec := range []compress.Compression{compress.Gzip, compress.Zstd} {
			packed := oneOf(codec, r)
			n := allocated(func() {
				if records, err := readAll(chunkOf(5, nil, packed), 10); err != nil || len(records) != 3 {
					t.Fatalf("%d records, error %v", len(records), err)
				}
			})
			if n > 24<<20 { // zstd has a window of 8 MiB
				t.Errorf("%s, %s: %d bytes become %d MiB allocated", rule, codec, len(packed), n>>20)
			}
		}
	}
}

// The length that a block of snappy says it becomes, and the one before it, are
// believed only as far as there are bytes for them.
func TestSnappyThatLiesTakesNoMemory(t *testing.T) {
	bare := []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}
	framed := append(append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1), 0x7f, 0xff, 0xff, 0xff, 1)
	for _, packed := range [][]byte{bare, framed, framed[:18]} {
		n := allocated(func() {
			if read, err := newSnappyReader(packed).Read(make([]byte, 10)); err == nil {
				t.Errorf("read %d bytes", read)
			}
		})
		if n > 1<<20 {
			t.Errorf("allocated %d bytes", n)
		}
	}
}
