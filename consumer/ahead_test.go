package consumer

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAheadIsWhatIsSettledBeyondTheCommit lets records settle in any order, sends
// what is ahead through its text, and asks about every offset.
func TestAheadIsWhatIsSettledBeyondTheCommit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, 1<<40).Draw(t, "base")
		tr := newTracker(base)
		offsets := []int64{}
		for at := base; len(offsets) < 60; {
			at += rapid.Int64Range(0, 3).Draw(t, "gap")
			offsets = append(offsets, at)
			tr.take(at)
			at++
		}
		settled := rapid.SliceOfNDistinct(rapid.IntRange(0, len(offsets)-1), 0, len(offsets), rapid.ID).Draw(t, "settled")
		for _, i := range settled {
			tr.settle(uint64(i))
		}
		committed := tr.committable()
		a := decodeAhead(tr.ahead().encode(committed), committed)
		for i, offset := range offsets {
			if offset < committed {
				continue
			}
			if got, want := a.holds(offset), slices.Contains(settled, i); got != want {
				t.Fatalf("offset %d: held %v, settled %v", offset, got, want)
			}
		}
	})
}

func TestAheadKeepsToItsSize(t *testing.T) {
	var a ahead
	for i := range int64(10_000) { // every second one is settled
		a = append(a, span{1000 + 2*i, 1000 + 2*i + 1})
	}
	text := a.encode(999)
	got := decodeAhead(text, 999)
	if len(text) > len(aheadPrefix)+maxAhead || len(got) < 500 || !slices.Equal(got, a[:len(got)]) {
		t.Errorf("%d bytes hold %d ranges", len(text), len(got))
	}
}

func FuzzDecodeAhead(f *testing.F) {
	f.Add("", int64(0))
	f.Add("somebody else's", int64(7))
	f.Add(ahead{{12, 14}, {20, 21}}.encode(10), int64(10))
	f.Add("settled:////////////", int64(1))
	f.Fuzz(func(t *testing.T, text string, base int64) {
		if base < 0 {
			return
		}
		at := base
		for _, s := range decodeAhead(text, base) {
			if s.from < at || s.to <= s.from {
				t.Fatalf("%q gives the range %v after %d", text, s, at)
			}
			at = s.to
		}
	})
}
