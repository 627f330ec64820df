//go:build !race

package consumer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/compress"
)

// The race detector empties pools at random, so this runs without it.

// full is a batch of n records of 350 bytes.
func full(n int) []byte {
	w := written{base: 0, last: int64(n) - 1, producer: -1}
	for i := range n {
		w.records = append(w.records, Record{Offset: int64(i), Time: time.UnixMilli(start), Key: []byte("oGRTijrV0l67hDGN7dstOl8CphN0"), Value: bytes.Repeat([]byte("v"), 350)})
	}
	return w.encode()
}

// take reads a whole chunk and settles its records, piece by piece.
func take(tb testing.TB, p *Partition, batch []byte, memory []Record) (n int) {
	p.tracker.position = 0
	c := chunkOf(0, nil, batch)
	defer c.Close()
	c.p = p
	for {
		records, err := c.read(memory[:0], pieceRecords)
		if err != nil {
			tb.Fatal(err)
		}
		last := c.Ended()
		records, _, _ = p.enter(records, c)
		for i := range records {
			records[i].Settle()
		}
		n += len(records)
		if last {
			return n
		}
	}
}

func held() *Partition {
	g := &Generation{c: &Consumer{cfg: Config{CommitRecords: 1 << 30}}, wake: make(chan struct{}, 1)}
	return &Partition{Topic: "t", gen: g, tracker: newTracker(0, note{})}
}

func TestTakingRecordsTakesNoMemoryForEach(t *testing.T) {
	const n = 1000
	p, batch, memory := held(), full(n), make([]Record, 0, pieceRecords)
	if allocs := testing.AllocsPerRun(100, func() { take(t, p, batch, memory) }); allocs > n/50 {
		t.Errorf("%v allocations for %d records", allocs, n)
	}
}

func TestMemoryIsUsedAgainOnlyWhileThePartitionIsHeld(t *testing.T) {
	p := held()
	batch := batchWith(1, compress.None, Record{Value: make([]byte, 100)})
	read := func() Record {
		records, err := readAll(chunkOf(0, nil, batch), 1)
		if err != nil || len(records) != 1 {
			t.Fatalf("read %v, error %v", records, err)
		}
		return records[0]
	}
	for rule, tracker := range map[string]*tracker{"held": p.tracker, "let go": nil} {
		again := 0
		for range 1000 { // a pool may lose what it has
			r := read()
			r.Partition = p
			if p.tracker = tracker; tracker != nil {
				r.Offset = tracker.position
				r.place, _ = tracker.take(r.Offset)
			}
			first := &r.Value[0]
			r.Settle()
			if &read().Value[0] == first {
				again++
			}
		}
		if (again > 0) != (tracker != nil) {
			t.Errorf("%s: used again %d times", rule, again)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	const n = 1000
	p, batch, memory := held(), full(n), make([]Record, 0, pieceRecords)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		records += take(b, p, batch, memory)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}

func BenchmarkUnpack(b *testing.B) {
	w := batchOf(0, 999, -1, false)
	for i := range int64(1000) {
		w.records = append(w.records, Record{Offset: i, Value: fmt.Appendf(nil, "%d%s", i, strings.Repeat("v", 350))})
	}
	for _, codec := range codecs {
		w.codec = codec
		packed, p, memory := w.encode(), held(), make([]Record, 0, pieceRecords)
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				take(b, p, packed, memory)
			}
		})
	}
}
