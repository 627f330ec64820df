package consumer

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var (
	here    = place{cluster: "c", topic: "t", partition: 3}
	thisOne = topicID{15: 1}
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
		n, err := decodeNote(note{topic: thisOne, ahead: tr.ahead()}.encode(here, committed), here, committed)
		if err != nil || n.topic != thisOne {
			t.Fatalf("read %+v, error %v", n, err)
		}
		for i, offset := range offsets {
			if offset < committed {
				continue
			}
			if got, want := n.ahead.holds(offset), slices.Contains(settled, i); got != want {
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
	text := note{ahead: a}.encode(here, 999)
	got, err := decodeNote(text, here, 999)
	if len(text) > maxNote || len(got.ahead) < 500 || !slices.Equal(got.ahead, a[:len(got.ahead)]) {
		t.Errorf("%d bytes hold %d ranges, error %v", len(text), len(got.ahead), err)
	}
}

func TestAheadIsCutAtAnOffset(t *testing.T) {
	a := ahead{{1, 3}, {5, 9}}
	for offset, want := range map[int64][2]ahead{
		0:  {nil, {{1, 3}, {5, 9}}},
		2:  {{{1, 2}}, {{2, 3}, {5, 9}}},
		4:  {{{1, 3}}, {{5, 9}}},
		5:  {{{1, 3}}, {{5, 9}}},
		8:  {{{1, 3}, {5, 8}}, {{8, 9}}},
		10: {{{1, 3}, {5, 9}}, nil},
	} {
		if before, after := a.before(offset), a.after(offset); !slices.Equal(before, want[0]) || !slices.Equal(after, want[1]) {
			t.Errorf("at %d: %v and %v, want %v", offset, before, after, want)
		}
	}
}
