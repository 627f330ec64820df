package wire

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/segmentio/kafka-go/compress"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// Chunks are opened again and again, some rest for ever between two pieces: all
// others go on, and no more is held than the budget and one chunk.
func TestWhoRestsForEverStopsNobodyAndNoMoreIsHeldThanTheBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 1000).Draw(rt, "size")
		blocked := rapid.IntRange(0, 40).Draw(rt, "blocked")
		flowing := rapid.IntRange(1, 40).Draw(rt, "flowing")
		largest := rapid.IntRange(1, 2000).Draw(rt, "largest")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			b := NewBudget(size, recordSize)
			ctx, cancel := context.WithCancel(t.Context())
			var rested, done sync.WaitGroup
			most := 2 * largest // of a chunk
			look := func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.used > size+most {
					t.Errorf("%d of %d bytes are used by chunks of up to %d", b.used, size, most)
				}
			}
			chunk := func(r *rand.Rand, wait func()) {
				l := b.Lease(nil)
				defer l.Close()
				for range 2 {
					if l.Grow(ctx, 1+r.IntN(largest)) != nil {
						return
					}
				}
				look()
				time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
				l.rest(func() {})
				wait()
				l.resume()
			}
			for i := range blocked {
				rested.Go(func() { chunk(rand.New(rand.NewPCG(seed, uint64(i))), func() { <-ctx.Done() }) })
			}
			for i := range flowing {
				done.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(1000+i)))
					for range 10 {
						chunk(r, func() { time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond) })
					}
				})
			}
			began := time.Now()
			done.Wait()
			if took := time.Since(began); took > time.Duration(blocked+10*flowing+1)*2*reclaimAfter {
				t.Errorf("%d chunks beside %d that rest for ever took %s", 10*flowing, blocked, took)
			}
			cancel()
			rested.Wait()
			if b.used != 0 || len(b.holders) != 0 || len(b.waiting) != 0 {
				t.Errorf("in the end %d bytes are held by %d, and %d wait", b.used, len(b.holders), len(b.waiting))
			}
		})
	})
}

func TestWaitingForBytesEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10, recordSize)
		first := b.Lease(nil)
		if err := first.Grow(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if b.Lease(nil).Grow(ctx, 1) == nil {
			t.Error("granted what another reads with")
		}
		if len(b.waiting) != 0 {
			t.Errorf("%d wait", len(b.waiting))
		}
	})
}

func TestALeaseThatIsClosedGetsNothing(t *testing.T) {
	b := NewBudget(10, recordSize)
	l := b.Lease(nil)
	l.Close()
	if l.Grow(t.Context(), 1) == nil || b.used != 0 {
		t.Errorf("%d bytes are used", b.used)
	}
}

// A chunk whose memory was taken ends, and what follows is where it said.
func TestAChunkWhoseMemoryIsTakenEndsAndGoesOnWhereItWas(t *testing.T) {
	for _, codec := range codecs[1:] {
		synctest.Test(t, func(t *testing.T) {
			w := wiretest.Of(5, 8, -1, false, 5, 6, 7, 8)
			w.Codec = codec
			packed := w.Encode()
			b := NewBudget(1, recordSize)
			open := func(offset int64) *Chunk {
				c := chunkOf(offset, nil, packed)
				c.ctx, c.lease = t.Context(), b.Lease(nil)
				return c
			}
			c := open(5)
			first, err := c.piece(2)
			if err != nil || len(first) != 2 || c.Ended() {
				t.Fatalf("read %d records, error %v, at the end: %t", len(first), err, c.Ended())
			}
			other := open(7) // waits for the memory until the first has rested long enough
			rest, err := readAll(other, 10)
			if err != nil || len(rest) != 2 || rest[0].Offset != 7 {
				t.Fatalf("the other read %v, error %v", rest, err)
			}
			other.Close()
			more, err := c.piece(2)
			if err != nil || len(more) != 0 || !c.Ended() || c.next != 7 {
				t.Errorf("then read %v, error %v, next %d, at the end: %t", more, err, c.next, c.Ended())
			}
			c.Close()
			if b.used != 0 {
				t.Errorf("%d bytes are not given back", b.used)
			}
		})
	}
}

// The records of a piece wait for room, perhaps for hours.
func TestAPieceIsAsLargeAsAskedForOrOneRecord(t *testing.T) {
	w := wiretest.Of(5, 8, -1, false, 5, 6, 7, 8)
	w.Records[2].Value = make([]byte, 10_000)
	c := chunkOf(5, nil, w.Encode())
	c.share = 4 * recordSize
	for _, want := range []int{2, 1, 1} {
		if records, err := c.piece(10); err != nil || len(records) != want {
			t.Fatalf("read %d records, error %v; want %d", len(records), err, want)
		}
	}
}

// While a batch is read there is memory for its codec's window or block, and for one
// batch at a time.
func TestAChunkHoldsTheMemoryOfTheBatchThatIsOpen(t *testing.T) {
	snappyBlock := func(b []byte) []byte { return snappy.Encode(nil, b) }
	for rule, test := range map[string]struct {
		codec compress.Compression
		pack  func([]byte) []byte
		want  int // about
	}{
		"not compressed":  {compress.None, nil, 0},
		"gzip":            {compress.Gzip, nil, 0},
		"snappy, framed":  {compress.Snappy, nil, 32 << 10},
		"snappy, a block": {compress.Snappy, snappyBlock, 2 << 20},
		"lz4":             {compress.Lz4, nil, 8 << 20}, // a block, as it is and unpacked
		"zstd":            {compress.Zstd, nil, 2<<20 + 4*zstdBlock},
	} {
		w := wiretest.Of(5, 6, -1, false, 5, 6)
		w.Records[0].Value = make([]byte, 2<<20-1000)
		w.Codec, w.Pack = test.codec, test.pack
		next := w
		next.Base, next.Last, next.Records = 7, 8, wiretest.Of(7, 8, -1, false, 7, 8).Records
		next.Records[0].Value = w.Records[0].Value
		c := chunkOf(5, nil, w.Encode(), next.Encode())
		for i := range 4 {
			if records, err := c.piece(1); err != nil || len(records) != 1 {
				t.Fatalf("%s: %d records, error %v", rule, len(records), err)
			}
			if held := c.lease.held; held < test.want || held > test.want+300<<10 {
				t.Errorf("%s: %d bytes are held after record %d, want %d", rule, held, i, test.want)
			}
		}
		if records, err := c.piece(1); err != nil || len(records) != 0 || c.lease.held != 0 {
			t.Errorf("%s: at the end there are %d records, error %v, and %d bytes are held", rule, len(records), err, c.lease.held)
		}
		c.Close()
	}
}
