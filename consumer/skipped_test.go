package consumer

import (
	"log/slog"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Whatever a note says, what is skipped is not to be taken any more, and all else as before.
func TestASkipTakesAwayItsOffsetsAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const end = 60 // of the offsets looked at
		draw := func() (u unsettled) {
			u.offsets = rapid.SliceOfNDistinct(rapid.Int64Range(10, 40), 0, 9, rapid.ID).Draw(t, "offsets")
			slices.Sort(u.offsets)
			u.horizon = rapid.Int64Range(10, 50).Draw(t, "horizon")
			if n := len(u.offsets); n > 0 {
				u.horizon = max(u.horizon, u.offsets[n-1]+1)
			}
			return u
		}
		takes := func(n note, u unsettled, offset int64) bool {
			inSkipped := slices.ContainsFunc(n.skipped, func(s wire.Span) bool { return s.Has(offset) })
			return (slices.Contains(u.offsets, offset) || offset >= u.horizon) && !inSkipped
		}
		before := note{unsettled: draw()}
		for i := range rapid.IntRange(0, 2).Draw(t, "strands") {
			u := draw()
			before.deferred = append(before.deferred, deferredNote{strand: uint64(i), left: rapid.Int64Range(0, 12).Draw(t, "left"), unsettled: u})
		}
		for range rapid.IntRange(1, 3).Draw(t, "skips") {
			span := wire.Span{First: rapid.Int64Range(10, 45).Draw(t, "first")}
			span.Last = span.First + rapid.Int64Range(0, 9).Draw(t, "length")
			after, wanted := before.skip(span)
			was, is, some := before.lists(), after.lists(), false
			for offset := int64(0); offset < end; offset++ {
				for i := range was {
					took := takes(before, was[i], offset)
					some = some || took && span.Has(offset)
					if takes(after, is[i], offset) != (took && !span.Has(offset)) {
						t.Fatalf("offset %d of list %d: %v, then without %v %v", offset, i, before, span, after)
					}
				}
			}
			if some != wanted {
				t.Fatalf("some is wanted of %v: %v, %v", span, wanted, before)
			}
			for i, d := range after.deferred {
				if gone := len(was[1+i].offsets) - len(is[1+i].offsets); d.left != max(0, before.deferred[i].left-int64(gone)) {
					t.Fatalf("%d are left of %d, %d are gone", d.left, before.deferred[i].left, gone)
				}
			}
			before = after
		}
	})
}

// What lies beyond the offset are other records then, in a log that another broker has gone on with.
func TestWhatIsSkippedIsForgottenWhereTheLogIsAnother(t *testing.T) {
	t.Parallel()
	g := &Generation{log: slog.New(slog.DiscardHandler)}
	spans := []wire.Span{{First: 5, Last: 6}, {First: 12, Last: 14}, {First: 20, Last: 24}}
	for to, want := range map[int64]int{4: 0, 6: 0, 7: 1, 13: 1, 15: 2, 30: 3} {
		p := &Partition{gen: g, tracker: newTracker(30, note{}), skipped: spans}
		if err := g.goBack(p, to, 7, "why"); err != nil || len(p.toSkip()) != want {
			t.Errorf("back to %d: %v is skipped, error %v", to, p.toSkip(), err)
		}
	}
}

func TestANoteSaysWhatIsSkippedOnlyUntilAllHavePassedIt(t *testing.T) {
	t.Parallel()
	n := note{topic: thisOne, unsettled: unsettled{horizon: 20}, deferred: []deferredNote{{strand: 1, unsettled: unsettled{horizon: 10}}}}
	n, _ = n.skip(wire.Span{First: 20, Last: 24})
	p := &Partition{tracker: newTracker(10, n), skipped: n.skipped}
	if said := p.note().skipped; len(said) != 1 {
		t.Errorf("skipped: %v", said)
	}
	p.tracker.deferred[0].skip(25)
	p.tracker.rejoin(p.tracker.deferred[0])
	if said := p.note().skipped; len(said) != 0 {
		t.Errorf("skipped: %v", said)
	}
}
