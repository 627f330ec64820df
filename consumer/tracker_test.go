package consumer

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is a tracker as one would write it without a thought for time and memory.
type model struct {
	inHand    map[int64]uint32 // offsets taken and not settled, with their places
	inherited []int64          // offsets not taken yet
	horizon   int64
	position  int64
}

func (m *model) unsettled() unsettled {
	u := unsettled{append(slices.Sorted(maps.Keys(m.inHand)), m.inherited...), max(m.position, m.horizon)}
	if len(u.offsets) == 0 {
		u.offsets = nil
	}
	return u
}

func (m *model) moveTo(position int64) {
	m.position = max(m.position, position)
	m.inherited = slices.DeleteFunc(m.inherited, func(o int64) bool { return o < m.position })
}

// TestTrackerCommitsUpToTheOldestUnsettled lets a partition that somebody else has begun be taken, with gaps, and settle
// in any order.
func TestTrackerCommitsUpToTheOldestUnsettled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := rapid.Int64Range(0, 1<<40).Draw(t, "begin")
		m := &model{inHand: map[int64]uint32{}, position: begin}
		u := unsettled{}
		if rapid.Bool().Draw(t, "inherits") {
			u.offsets = lists(begin).Draw(t, "inherited")
			u.horizon = u.offsets[len(u.offsets)-1] + rapid.Int64Range(1, 100).Draw(t, "settled")
			m.inherited, m.horizon = slices.Clone(u.offsets), u.horizon
		}
		tracked := newTracker(begin, note{unsettled: u})
		committed := begin
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "records") { // more than the list has at first
					offset := m.position
					switch {
					case len(m.inherited) > 0 && rapid.IntRange(0, 2).Draw(t, "inherited") > 0:
						offset = m.inherited[0]
					case rapid.IntRange(0, 9).Draw(t, "contiguous") == 0:
						offset += rapid.Int64Range(1, 1000).Draw(t, "gap")
					}
					place, fresh := tracked.take(offset)
					if want := offset >= m.horizon || slices.Contains(m.inherited, offset); fresh != want {
						t.Fatalf("offset %d is to be settled: %v, want %v", offset, fresh, want)
					}
					if fresh {
						m.inHand[offset] = place
						tracked.stamp(place, 0, 2*offset)
					}
					m.moveTo(offset + 1)
				}
			},
			"skip": func(t *rapid.T) {
				to := m.position + rapid.Int64Range(-10, 10).Draw(t, "by")
				tracked.skip(to)
				m.moveTo(to)
			},
			"forget": func(t *rapid.T) {
				from := m.position + rapid.Int64Range(0, 100).Draw(t, "ahead")
				tracked.goBack(from)
				m.horizon = min(m.horizon, from)
				m.inherited = slices.DeleteFunc(m.inherited, func(o int64) bool { return o >= from })
				committed = min(committed, from) // which was of other records
			},
			"settle": func(t *rapid.T) {
				if len(m.inHand) == 0 {
					t.Skip("all settled")
				}
				offset := rapid.SampledFrom(slices.Sorted(maps.Keys(m.inHand))).Draw(t, "offset")
				tracked.settle(m.inHand[offset], offset)
				delete(m.inHand, offset)
			},
			"settle all in reverse": func(*rapid.T) {
				for _, offset := range slices.Backward(slices.Sorted(maps.Keys(m.inHand))) {
					tracked.settle(m.inHand[offset], offset)
				}
				clear(m.inHand)
			},
			"": func(t *rapid.T) {
				want, got := m.unsettled(), tracked.unsettled()
				if !slices.Equal(got.offsets, want.offsets) || got.horizon != want.horizon {
					t.Fatalf("not settled are %v, want %v", got, want)
				}
				oldest := want.horizon
				if len(want.offsets) > 0 {
					oldest = want.offsets[0]
				}
				if got := tracked.committable(); got != oldest || got < committed {
					t.Fatalf("committable %d, after %d, want %d", got, committed, oldest)
				}
				committed = oldest
				next := want.horizon
				if len(m.inherited) > 0 {
					next = m.inherited[0]
				}
				if got := tracked.wanted(); got != next {
					t.Fatalf("wanted %d, want %d", got, next)
				}
				if tracked.taken() != len(m.inHand) {
					t.Fatalf("pending %d, want %d", tracked.taken(), len(m.inHand))
				}
				time, is := tracked.oldest()
				if is != (len(m.inHand) > 0) || is && time != 2*slices.Min(slices.Collect(maps.Keys(m.inHand))) {
					t.Fatalf("the oldest is of %d: %v, in hand are %v", time, is, m.inHand)
				}
				before := m.position + rapid.Int64Range(-10, 200).Draw(t, "before")
				untaken := max(0, before-want.horizon)
				for _, offset := range m.inherited {
					if offset < before {
						untaken++
					}
				}
				if got := tracked.untaken(before); got != untaken {
					t.Fatalf("before %d, %d are taken by nobody, want %d", before, got, untaken)
				}
				another, room := want.horizon+rapid.Int64Range(0, 100).Draw(t, "another"), rapid.IntRange(0, 2000).Draw(t, "room")
				fits := len(want.offsets) == 0 || spreadOf(want.offsets).with(another).fits(room)
				if got := tracked.hasRoom(&tracked.list, another, room); got != fits {
					t.Fatalf("room for %d in %d bits: %v, want %v", another, room, got, fits)
				}
				if used := len(tracked.entries); used > 2*(1+len(want.offsets)+100+300) {
					t.Fatalf("%d entries", used)
				}
			},
		})
	})
}

func TestTrackerPanicsOnMisuse(t *testing.T) {
	t.Parallel()
	for rule, misuse := range map[string]func(tr *tracker, first, second uint32){
		"an offset is not taken twice":          func(tr *tracker, _, _ uint32) { tr.take(10) },
		"a record is not settled twice":         func(tr *tracker, _, second uint32) { tr.settle(second, 11); tr.settle(second, 11) },
		"nor once it is committable":            func(tr *tracker, first, _ uint32) { tr.settle(first, 10); tr.settle(first, 10) },
		"nor when another has its place":        func(tr *tracker, first, _ uint32) { tr.settle(first, 10); tr.take(12); tr.settle(first, 10) },
		"nor before it is taken":                func(tr *tracker, _, _ uint32) { tr.settle(0, 12) },
		"an offset that was skipped is no more": func(tr *tracker, _, _ uint32) { tr.skip(20); tr.take(19) },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			tr := newTracker(10, note{})
			first, _ := tr.take(10)
			second, _ := tr.take(11)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse(tr, first, second)
		})
	}
}

// TestTrackerKeepsItsMemoryHoweverFarTheOldestLiesBehind passes one that does not settle.
func TestTrackerKeepsItsMemoryHoweverFarTheOldestLiesBehind(t *testing.T) {
	tr := newTracker(0, note{})
	tr.take(0)
	type taken struct {
		place  uint32
		offset int64
	}
	var inHand []taken
	take := func() {
		offset := tr.position
		place, _ := tr.take(offset)
		inHand = append(inHand, taken{place, offset})
	}
	for range 1000 {
		take()
	}
	entries := len(tr.entries)
	if allocs := testing.AllocsPerRun(3_000_000, func() {
		i := int(tr.position*7919) % len(inHand) // out of turn
		settled := inHand[i]
		inHand[i] = inHand[len(inHand)-1]
		inHand = inHand[:len(inHand)-1]
		tr.settle(settled.place, settled.offset)
		take()
	}); allocs != 0 {
		t.Errorf("%v allocations for each record", allocs)
	}
	if len(tr.entries) != entries || tr.committable() != 0 {
		t.Errorf("1000 records in hand took %d entries, now %d; committable %d", entries, len(tr.entries), tr.committable())
	}
}

func BenchmarkTracker(b *testing.B) {
	tr := newTracker(0, note{})
	for range 1000 {
		tr.take(tr.position)
	}
	b.ReportAllocs()
	for b.Loop() {
		oldest := tr.entries[0].next
		tr.settle(oldest, tr.entries[oldest].offset)
		tr.take(tr.position)
	}
}

// BenchmarkTrackerByBatch takes pieces and settles batches.
func BenchmarkTrackerByBatch(b *testing.B) {
	const batch, batches = 100, 30
	tr := newTracker(0, note{})
	var flying [batches][batch]struct {
		place  uint32
		offset int64
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		some := &flying[n*7%batches]
		for i := range some {
			if n >= batches {
				tr.settle(some[i].place, some[i].offset)
			}
		}
		for i := range some {
			some[i].offset = tr.position
			tr.hasRoom(&tr.list, tr.position, 24_000)
			some[i].place, _ = tr.take(tr.position)
			tr.stamp(some[i].place, 0, int64(n))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(batch*b.N), "ns/record")
}
