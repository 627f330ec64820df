//go:build !race

package consumer

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// inUse is the memory that this package and wire have allocated and that is still in
// use, in bytes: the broker is in the same process.
func inUse() (bytes int) {
	for range 3 { // what pools hold is let go of at the second, and known of after the next
		runtime.GC()
	}
	records := make([]runtime.MemProfileRecord, 100_000)
	n, _ := runtime.MemProfile(records, false)
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var frame runtime.Frame
			if frame, more = frames.Next(); strings.Contains(frame.Function, "battlereport/consumer.") || strings.Contains(frame.Function, "consumer/internal/wire.") {
				bytes += int(r.InUseBytes())
				break
			}
		}
	}
	return bytes
}

// In 64 partitions nothing of what is fetched is let in, as when letters cannot be
// written: what is in memory is what FetchTotal says, and what goes beyond by its rule.
func TestMemoryIsBoundedWhateverIsInTheBatches(t *testing.T) {
	const partitions, total, besides = 64, 8 << 20, 12 << 20
	noise := make([]byte, 600<<10)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(random.Uint32())
	}
	event := Record{Key: []byte("player"), Value: bytes.Repeat([]byte("event"), 80)}
	headerSize := int(unsafe.Sizeof(Header{}))
	tests := map[string]struct {
		batch []byte
		times int
		most  int // a record takes up
	}{
		"events, gzip":                {batchWith(2_500, compress.Gzip, event), 3, 0},
		"events, snappy":              {batchWith(2_500, compress.Snappy, event), 3, 0},
		"events, lz4":                 {batchWith(2_500, compress.Lz4, event), 3, 0},
		"events, zstd with 8 MiB":     {batchWith(2_500, compress.Zstd, event), 3, 0},
		"events, zstd with 128 MiB":   {packedWith(2_500, event, func(b []byte) []byte { return wiretest.Frame(t, b, true, zstd.WithWindowSize(128<<20)) }), 3, 0},
		"events, not compressed":      {batchWith(2_500, compress.None, event), 3, 0},
		"large values, compressed":    {batchWith(10, compress.Zstd, Record{Value: make([]byte, 4<<20)}), 1, 4 << 20},
		"large keys and values":       {batchWith(1, compress.None, Record{Key: noise[:100<<10], Value: noise}), 3, 700 << 10},
		"large headers":               {batchWith(1, compress.None, Record{Headers: []Header{{Key: "h", Value: noise}}}), 3, 600 << 10},
		"ten thousand empty headers":  {batchWith(20, compress.Zstd, Record{Value: []byte("v"), Headers: make([]Header, MaxHeaders)}), 1, MaxHeaders * headerSize},
		"a thousand empty headers":    {batchWith(100, compress.Gzip, Record{Value: []byte("v"), Headers: make([]Header, 1_000)}), 1, 1_000 * headerSize},
		"a million headers":           {batchWith(2, compress.Zstd, Record{Value: []byte("v"), Headers: make([]Header, 1_000_000)}), 1, MaxHeaders * headerSize},
		"a hundred thousand nothings": {batchWith(100_000, compress.Zstd, Record{}), 1, 0},
	}
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				topic := b.Topic(t, partitions)
				produceBatches(t, b, topic, partitions, test.times, test.batch)
				c, err := New(Config{
					Connection: Connection{Brokers: b.Addrs(), Dial: b.Dial}, Group: "g", Topics: []string{topic},
					FetchTotal: total, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				before := inUse()
				ctx, cancel := context.WithCancel(t.Context())
				var taken atomic.Int64
				ended := make(chan error)
				go func() {
					ended <- c.Run(ctx, func(ctx context.Context, gen *Generation) {
						gen.Fetch(ctx, func(ctx context.Context, records []Record) {
							taken.Add(1)
							<-ctx.Done()
							runtime.KeepAlive(records)
						}, nil)
					})
				}()
				time.Sleep(20 * time.Second)
				if took := inUse() - before; took > total+test.most+besides {
					t.Errorf("%d MiB are in use, of pieces of %d partitions", took>>20, taken.Load())
				} else {
					t.Logf("%d MiB are in use, of pieces of %d partitions", took>>20, taken.Load())
				}
				if taken.Load() == 0 {
					t.Error("nothing is taken")
				}
				began := time.Now()
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %s to stop", took)
				}
				c.Close()
				if used := c.budget.Used(); used != 0 {
					t.Errorf("%d bytes are not given back", used)
				}
			})
		})
	}
}
