package triage

import (
	"cmp"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCountsLoseNothingAndStayBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(2, 8).Draw(t, "most")
		c := newCounts[int](most)
		keys := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "keys")
		for _, key := range keys {
			c.add(key)
			if len(c.of) > most {
				t.Fatalf("%d keys of at most %d", len(c.of), most)
			}
		}
		top, rest := c.top(rapid.IntRange(0, 10).Draw(t, "top"), cmp.Compare)
		for i, k := range top {
			rest += k.n
			if i > 0 && (top[i-1].n < k.n || top[i-1].n == k.n && top[i-1].key >= k.key) {
				t.Fatalf("not in order: %v", top)
			}
		}
		if rest != int64(len(keys)) {
			t.Fatalf("%d counted of %d", rest, len(keys))
		}
	})
}

func TestAFrequentKeySurvivesAFloodOfRareOnes(t *testing.T) {
	t.Parallel()
	c := newCounts[int](100)
	for i := range 100_000 {
		c.add(1 + i)
		if i%10 == 0 {
			c.add(0)
		}
	}
	if top, _ := c.top(1, cmp.Compare); top[0] != (counted[int]{0, 10_000}) {
		t.Errorf("%+v", top)
	}
}

func TestPlayersAreExactUpToABoundAndEstimatedBeyond(t *testing.T) {
	t.Parallel()
	const bound = 4096
	p := newPlayers(bound)
	for i := range 3 * bound {
		p.add(fmt.Append(nil, i%bound))
	}
	if got := p.count(); got != (Players{Count: bound}) {
		t.Errorf("%+v", got)
	}
	for i := range 100 * bound {
		p.add(fmt.Append(nil, i))
	}
	got := p.count()
	if off := math.Abs(float64(got.Count)/(100*bound) - 1); !got.Approximate || off > 0.15 || len(p.hashes) > bound {
		t.Errorf("%+v of %d, in %d hashes", got, 100*bound, len(p.hashes))
	}
}

func TestATimelineLosesNothingAndStaysBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const most = 16
		line := newTimeline(most)
		want := map[int]int64{}
		var times []int64
		for range rapid.IntRange(0, 200).Draw(t, "letters") {
			at := rapid.OneOf(rapid.Int64Range(0, 100), rapid.Int64Range(0, 1e7), rapid.Int64Range(-1, 253402300799)).Draw(t, "at")
			cause := rapid.IntRange(1, 3).Draw(t, "cause")
			line.add(time.Unix(at, 0), cause)
			want[cause]++
			times = append(times, at)
			if len(line.cells) > most {
				t.Fatalf("%d cells", len(line.cells))
			}
		}
		got := line.within(math.MinInt64, math.MaxInt64)
		var all int64
		for cause, n := range want {
			all += n
			if got[cause] != n {
				t.Fatalf("cause %d: %d, want %d", cause, got[cause], n)
			}
		}
		for _, b := range line.total() {
			var n int64
			for _, at := range times {
				if begin := b.Time.Unix(); begin <= at && at < begin+line.step {
					n++
				}
			}
			if all -= b.Letters; n != b.Letters {
				t.Fatalf("%d letters in the step at %v, want %d", b.Letters, b.Time, n)
			}
		}
		if all != 0 {
			t.Fatalf("%d letters are in no step", all)
		}
		line.rename(map[int]bool{1: true, 2: true}, 0)
		if got := line.within(math.MinInt64, math.MaxInt64); got[0] != want[1]+want[2] || got[1]+got[2] != 0 {
			t.Fatalf("renamed: %v of %v", got, want)
		}
	})
}
