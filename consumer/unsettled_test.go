package consumer

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// lists draws rising offsets that lie evenly, close, far apart, or any way.
func lists(from int64) *rapid.Generator[[]int64] {
	return rapid.Custom(func(t *rapid.T) []int64 {
		gaps := rapid.SampledFrom([]*rapid.Generator[int64]{
			rapid.Just[int64](1), rapid.Int64Range(1, 3), rapid.Int64Range(90, 110),
			rapid.OneOf(rapid.Int64Range(1, 8), rapid.Int64Range(1, 1<<40)),
		}).Draw(t, "gaps")
		offsets := []int64{from}
		for _, gap := range rapid.SliceOfN(gaps, 0, 300).Draw(t, "offsets") {
			offsets = append(offsets, offsets[len(offsets)-1]+gap)
		}
		return offsets
	})
}

func spreadOf(offsets []int64) spread { return unsettled{offsets: offsets}.spread() }

func TestWhatIsUnsettledIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, 1<<40).Draw(t, "base")
		u := unsettled{horizon: base + rapid.Int64Range(0, 1<<50).Draw(t, "settled")}
		if rapid.Bool().Draw(t, "some") {
			u.offsets = lists(base).Draw(t, "offsets")
			u.horizon += u.offsets[len(u.offsets)-1] - base + 1
		}
		c := wire.NewCursor(u.append(nil, base, 1<<30))
		if got := decodeUnsettled(&c, base); c.Err() != nil || !reflect.DeepEqual(got, u) {
			t.Fatalf("read %v, want %v", got, u)
		}
	})
}

func TestWhatIsUnsettledTakesNoMoreThanItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := unsettled{offsets: lists(7).Draw(t, "offsets")}
		u.horizon = u.offsets[len(u.offsets)-1] + 1
		bound := spreadOf(u.offsets).bound()
		if size := len(u.append(nil, 7, int(bound))) - maxUnsettledHead; int64(size)*8 > bound+7 {
			t.Fatalf("%d bytes, the bound is %d bits", size, bound)
		}
	})
}

// What fitted when the last was taken fits whatever settles.
func TestTheBoundNeverGrowsBySettling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offsets := lists(0).Draw(t, "offsets")
		for last := spreadOf(offsets).bound(); len(offsets) > 0; {
			i := rapid.IntRange(0, len(offsets)-1).Draw(t, "settles")
			was := offsets[i]
			offsets = slices.Delete(offsets, i, i+1)
			bound := spreadOf(offsets).bound()
			if bound > last {
				t.Fatalf("%d settles, and %d bits become %d", was, last, bound)
			}
			last = bound
		}
	})
}

// It follows from this, for gaps of any size.
func TestTwoGapsWeighNoLessThanOne(t *testing.T) {
	for a := int64(1); a < 600; a++ {
		for b := a; b < 600; b++ {
			if weigh(a)+weigh(b) < weigh(a+b) {
				t.Fatalf("%d and %d weigh %d and %d, together %d", a, b, weigh(a), weigh(b), weigh(a+b))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64Range(1, 1<<61).Draw(t, "a"), rapid.Int64Range(1, 1<<61).Draw(t, "b")
		if weigh(a)+weigh(b) < weigh(a+b) {
			t.Fatalf("%d and %d weigh %d and %d, together %d", a, b, weigh(a), weigh(b), weigh(a+b))
		}
	})
}

func TestTheLowBitsOfRiceCodeAreTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spreadOf(lists(0).Draw(t, "offsets"))
		bound, low := s.rice()
		gaps := int64(s.count - 1)
		for other := range 63 {
			if size := gaps*int64(1+other) + (s.to-gaps)>>other; size < bound {
				t.Fatalf("%d low bits take %d, and %d take %d", low, bound, other, size)
			}
		}
	})
}

func TestWhatDoesNotFitIsSaidUpToANearerHorizon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := unsettled{offsets: lists(7).Draw(t, "offsets")}
		u.horizon = u.offsets[len(u.offsets)-1] + 1
		room := rapid.IntRange(0, 200).Draw(t, "room")
		b := u.append(nil, 7, room)
		c := wire.NewCursor(b)
		got := decodeUnsettled(&c, 7)
		n := len(got.offsets)
		if c.Err() != nil || 8*(len(b)-maxUnsettledHead) > room+7 || !slices.Equal(got.offsets, u.offsets[:n]) {
			t.Fatalf("in %d bits: read %v", room, got)
		}
		if n < len(u.offsets) && (got.horizon != u.offsets[n] || spreadOf(u.offsets[:n+1]).fits(room)) {
			t.Fatalf("in %d bits: %d of %d, up to %d", room, n, len(u.offsets), got.horizon)
		}
	})
}

// TestANoteHasRoomFor says how many records may be unsettled in a partition.
func TestANoteHasRoomFor(t *testing.T) {
	for rule, test := range map[string]struct {
		gap   func(i int) int64
		least int
	}{
		"as many as max_pending is by default, if nothing settles": {func(int) int64 { return 1 }, 20_000},
		"half of them, if every other one settles":                 {func(int) int64 { return 2 }, 10_000},
		"thousands, if one in ten does not settle":                 {func(int) int64 { return 10 }, 4000},
		"thousands, if one in a hundred does not":                  {func(int) int64 { return 100 }, 2500},
		"a thousand, if one in ten thousand does not, by chance": {func(int) int64 {
			return 1 + rand.Int64N(20_000)
		}, 1000},
		"many, ten million behind one that does not settle": {func(i int) int64 {
			if i == 0 {
				return 10_000_000
			}
			return 1
		}, 16_000},
	} {
		t.Run(rule, func(t *testing.T) {
			tr := newTracker(0, note{})
			tr.take(0)
			at := int64(0)
			for i := 0; ; i++ {
				if at += test.gap(i); !tr.hasRoom(&tr.list, at, noteRoom(maxNote)) {
					break
				}
				tr.take(at)
			}
			text := note{topic: thisOne, epoch: 1 << 30, unsettled: tr.unsettled()}.encode(here, 0, maxNote)
			if n, err := decodeNote(text, here, 0); len(text) > maxNote || err != nil || len(n.unsettled.offsets) != tr.length || tr.length < test.least {
				t.Errorf("room for %d, a note of %d characters says %d, error %v", tr.length, len(text), len(n.unsettled.offsets), err)
			}
			t.Logf("room for %d", tr.length)
		})
	}
}

// BenchmarkNote writes down what few are unsettled of many.
func BenchmarkNote(b *testing.B) {
	for _, few := range []int64{1, 1000} {
		for _, many := range []int64{1 << 12, 1 << 18, 1 << 24} {
			b.Run(fmt.Sprintf("%d of %d", few, many), func(b *testing.B) {
				tr := newTracker(0, note{})
				for o := range many {
					if at, _ := tr.take(o); o%(many/few) != 0 {
						tr.settle(at, o)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					_ = note{topic: thisOne, unsettled: tr.unsettled()}.encode(here, tr.committable(), maxNote)
				}
			})
		}
	}
}
