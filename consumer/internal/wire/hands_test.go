package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// Of some topics no record is ever let in: those of the others go on, and no more is
// held than the bound and one record of each topic.
func TestLargeRecordsOfATopicThatStandsStillStopNoOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 1000).Draw(rt, "size")
		still := rapid.IntRange(0, 3).Draw(rt, "topics that stand still")
		flowing := rapid.IntRange(1, 3).Draw(rt, "topics that flow")
		cursors := rapid.IntRange(1, 20).Draw(rt, "cursors")
		largest := rapid.IntRange(1, 2000).Draw(rt, "largest")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			hands := newHands(size)
			ctx, cancel := context.WithCancel(t.Context())
			read := func(r *rand.Rand, topic string, times int, wait func()) {
				h := hands.of(topic)
				defer h.Empty()
				for range times {
					n := 1 + r.IntN(largest)
					if h.reserve(ctx, n) != nil {
						return
					}
					hands.mu.Lock()
					if most := size + (still+flowing)*largest; hands.used > most {
						t.Errorf("%d bytes are held, of %d and %d topics with records of %d", hands.used, size, still+flowing, largest)
					}
					hands.mu.Unlock()
					h.fill(1 + r.IntN(n))
					wait()
					h.Empty()
				}
			}
			var rested, done sync.WaitGroup
			for i := range cursors {
				r := func(n int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(10*i+n))) }
				for n := range still {
					rested.Go(func() { read(r(n), fmt.Sprint("still", n), 1, func() { <-ctx.Done() }) })
				}
				for n := range flowing {
					r := r(5 + n)
					done.Go(func() {
						read(r, fmt.Sprint("flowing", n), 10, func() { time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond) })
					})
				}
			}
			began := time.Now()
			done.Wait()
			if took, most := time.Since(began), time.Duration(cursors*10*10)*time.Millisecond; took > most {
				t.Errorf("%d records one by one took %s, want %s", cursors*10, took, most)
			}
			cancel()
			rested.Wait()
			if hands.used != 0 || len(hands.held) != 0 || len(hands.waiting) != 0 {
				t.Errorf("in the end %d bytes are held, of %d topics, and %d wait", hands.used, len(hands.held), len(hands.waiting))
			}
		})
	})
}

// What is granted is kept while the record is fetched again, and is not asked for twice.
func TestWhoHasReservedDoesNotWaitAgain(t *testing.T) {
	hands := newHands(100)
	one, other := hands.of("t"), hands.of("t")
	for _, n := range []int{40, 30, 40} {
		if err := one.reserve(t.Context(), n); err != nil || hands.used != 40 {
			t.Fatalf("%d bytes are used, error %v", hands.used, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := other.reserve(ctx, 40); err == nil || hands.used != 40 || len(hands.waiting) != 0 {
		t.Errorf("error %v, %d bytes are used, %d wait", err, hands.used, len(hands.waiting))
	}
}

// A chunk that waits for a hand holds on to nothing: its memory goes to others, and the
// record is fetched again.
func TestWhoWaitsForAHandHoldsOnToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wiretest.Of(5, 6, -1, false, 5, 6)
		w.Records[0].Value = make([]byte, 1000)
		w.Codec = codecs[4]
		b, hands := NewBudget(1, recordSize), newHands(10_000)
		taken := hands.of("t")
		if err := taken.reserve(t.Context(), 9_000); err != nil {
			t.Fatal(err)
		}
		its := hands.of("t")
		open := func(hand *Hand, most int) *Chunk {
			c := chunkOf(5, nil, w.Encode())
			c.ctx, c.lease, c.hand, c.share = t.Context(), b.Lease(nil), hand, most
			return c
		}
		waits := open(its, 500)
		said := 0
		waits.lease.lacked = func() { said++ }
		var read []Record
		var err error
		done := make(chan struct{})
		go func() {
			read, err = waits.piece(10)
			close(done)
		}()
		synctest.Wait()
		if said != 1 {
			t.Errorf("it was said %d times that memory is waited for", said)
		}
		began := time.Now()
		other := open(hands.of("t"), 1<<20)
		if records, err := readAll(other, 10); err != nil || len(records) != 2 {
			t.Fatalf("the other read %d records, error %v", len(records), err)
		}
		if waits.rest != nil || waits.batch.unpacker != nil || time.Since(began) > 0 {
			t.Errorf("it held on to what it had fetched, for %s", time.Since(began))
		}
		other.Close()
		taken.Empty()
		<-done
		if len(read) != 0 || err != nil || !waits.Ended() || waits.next != 5 {
			t.Errorf("it read %d records, error %v, next %d", len(read), err, waits.next)
		}
		waits.Close()
		again := open(its, 500)
		if read, err = again.piece(10); err != nil || len(read) != 1 || its.size != read[0].Size {
			t.Errorf("then it read %d records, error %v, with %d bytes in hand", len(read), err, its.size)
		}
		if read, err = again.piece(10); err != nil || len(read) != 1 || its.size != 0 {
			t.Errorf("and %d, error %v, with %d", len(read), err, its.size)
		}
		again.Close()
		if b.used+hands.used != 0 {
			t.Errorf("%d bytes are not given back", b.used+hands.used)
		}
	})
}

// Retention may have deleted the record by the time there is memory for it.
func TestWhatIsReservedInVainIsGivenBack(t *testing.T) {
	hands := newHands(10_000)
	c := chunkOf(5, nil, wiretest.Of(5, 6, -1, false, 5, 6).Encode())
	c.hand, c.share = hands.of("t"), 1<<20
	if err := c.hand.reserve(t.Context(), 9_000); err != nil {
		t.Fatal(err)
	}
	if records, err := c.piece(10); err != nil || len(records) != 2 || hands.used != 0 {
		t.Errorf("%d records, error %v, %d bytes are held", len(records), err, hands.used)
	}
}

func TestDecodersAreUsedAgainWithinTheirBound(t *testing.T) {
	d := decoders{most: decoderSize(1<<20) + decoderSize(minWindow)}
	get := func(window int) decoder {
		t.Helper()
		one, err := d.get(window)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	if d.put(get(1 << 20)); get(minWindow).window != minWindow {
		t.Error("a decoder is larger than what was asked for")
	}
	get(1 << 20)
	small, large, larger := get(minWindow), get(1<<20), get(2<<20)
	d.put(small)
	d.put(large)
	if got := get(1 << 20); got != large {
		t.Error("a decoder of that window is there, and another came")
	}
	if got := get(minWindow); got != small {
		t.Error("a decoder of that window is there, and another came")
	}
	d.put(small)
	d.put(larger) // it is too large to be kept
	if got := get(minWindow); got != small {
		t.Error("a decoder of that window is there, and another came")
	}
	d.put(small)
	another := get(1 << 20)
	d.put(large)
	d.put(another) // there is room for one of the kind
	if len(d.idle) != 1 || d.idle[0] != another || d.size != decoderSize(1<<20) {
		t.Errorf("%d are kept, of %d bytes", len(d.idle), d.size)
	}
}

func TestATopicGetsNoMoreThanItLeavesToOthers(t *testing.T) {
	for rule, test := range map[string]struct {
		others []int // what other topics hold
		want   int   // hands of ten bytes
	}{
		"alone":                         {nil, 5},
		"beside another":                {[]int{20}, 4},
		"beside two":                    {[]int{20, 20}, 3},
		"where there is nothing left":   {[]int{60, 60}, 1},
		"beside what is larger than it": {[]int{1_000}, 1},
	} {
		hands := newHands(100)
		reserve := func(topic string, n int) bool {
			soon, cancel := context.WithCancel(t.Context())
			cancel()
			hand := hands.of(topic)
			_ = hand.reserve(soon, n)
			return hand.size == n
		}
		for i, n := range test.others {
			reserve(fmt.Sprint("other", i), n)
		}
		got := 0
		for reserve("t", 10) {
			got++
		}
		if got != test.want {
			t.Errorf("%s: %d, want %d", rule, got, test.want)
		}
	}
}
