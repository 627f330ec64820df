package consumer

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// strandedLog is a log with records of strands, and what has become of them.
type strandedLog struct {
	t       *rapid.T
	offsets []int64 // rising, with gaps
	strands map[int64]uint64
	settled map[int64]bool
	inHand  map[int64]uint32 // with their places
	tracked *tracker
	now     time.Time
}

func newStrandedLog(t *rapid.T) *strandedLog {
	l := &strandedLog{t: t, strands: map[int64]uint64{}, settled: map[int64]bool{}, inHand: map[int64]uint32{}}
	l.tracked = newTracker(10, note{})
	l.now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return l
}

func (l *strandedLog) write(n int) {
	next := int64(10)
	if len(l.offsets) > 0 {
		next = l.offsets[len(l.offsets)-1] + 1
	}
	strand := rapid.SampledFrom([]uint64{0, 1, 1, 2, 2, 3})
	for range n {
		if rapid.IntRange(0, 9).Draw(l.t, "gap") == 0 {
			next += 3
		}
		l.offsets = append(l.offsets, next)
		l.strands[next] = strand.Draw(l.t, "strand")
		next++
	}
}

// from are the next records from an offset on, and where the piece ends.
func (l *strandedLog) from(offset int64, n int) (piece []int64, end int64) {
	i, _ := slices.BinarySearch(l.offsets, offset)
	piece = l.offsets[i:min(i+n, len(l.offsets))]
	if len(piece) == 0 {
		return nil, offset
	}
	return piece, piece[len(piece)-1] + 1
}

// taken notes that a record was handed on.
func (l *strandedLog) taken(offset int64, place uint32) {
	if _, twice := l.inHand[offset]; twice || l.settled[offset] {
		l.t.Fatalf("%d is taken again", offset)
	}
	l.inHand[offset] = place
	l.tracked.stamp(place, l.strands[offset], 2*offset)
	for _, before := range l.offsets {
		if before == offset {
			return
		}
		if _, is := l.inHand[before]; !is && !l.settled[before] && l.strands[before] == l.strands[offset] {
			l.t.Fatalf("%d is taken, and %d of the same strand was not", offset, before)
		}
	}
}

// first has the first cursor read.
func (l *strandedLog) first(n int) (piece []int64) {
	piece, end := l.from(l.tracked.wanted(), n)
	for _, offset := range piece {
		if d := l.tracked.find(l.strands[offset]); d != nil && l.strands[offset] != 0 {
			l.tracked.pass(d, offset, 2*offset, l.now)
		} else if place, fresh := l.tracked.take(offset); fresh {
			l.taken(offset, place)
		}
	}
	l.tracked.skip(end)
	return piece
}

// postpone has the last records of a strand that the first cursor has read be deferred.
func (l *strandedLog) postpone(piece []int64) {
	for _, from := range piece {
		strand := l.strands[from]
		if _, is := l.inHand[from]; !is || strand == 0 || l.tracked.find(strand) != nil || rapid.IntRange(0, 2).Draw(l.t, "defer") > 0 {
			continue
		}
		l.tracked.postpone(strand, from, l.now)
		for _, offset := range piece {
			if offset >= from && l.strands[offset] == strand {
				delete(l.inHand, offset)
			}
		}
	}
}

// second has the second cursor of a strand read.
func (l *strandedLog) second(d *deferred, n int) {
	if l.tracked.mayTake(d) {
		limit := l.tracked.wanted()
		piece, end := l.from(d.wanted(), n)
		for _, offset := range piece {
			if offset < limit && d.wants(l.strands[offset], offset) {
				place, _ := d.takeLater(offset)
				l.taken(offset, place)
				l.tracked.stamp(place, d.strand, 2*offset)
			}
		}
		d.skip(min(end, limit))
	}
	if l.tracked.caughtUp(d) {
		if gone := l.tracked.rejoin(d); gone != 0 {
			l.t.Fatalf("%d records are said to be gone", gone)
		}
	}
}

func (l *strandedLog) settle(offset int64) {
	l.tracked.settle(l.inHand[offset], offset)
	delete(l.inHand, offset)
	l.settled[offset] = true
}

// restart hands the partition on, by what is committed.
func (l *strandedLog) restart() {
	committed, n := l.tracked.committable(), l.tracked.note()
	n.topic = thisOne
	read, err := decodeNote(n.encode(here, committed, maxNote), here, committed)
	if err != nil {
		l.t.Fatal(err)
	}
	l.tracked = newTracker(committed, read)
	clear(l.inHand)
}

func (l *strandedLog) check() {
	known, committable := l.tracked.known(), l.tracked.committable()
	others := l.tracked.unsettled().offsets
	left := map[uint64]int64{}
	for _, offset := range l.offsets {
		_, is := l.inHand[offset]
		if offset < committable && !l.settled[offset] {
			l.t.Fatalf("%d is not settled, and committable is %d", offset, committable)
		}
		if d := l.tracked.find(l.strands[offset]); d != nil && offset < known && !is && !l.settled[offset] && !slices.Contains(others, offset) {
			left[d.strand]++
		}
	}
	for _, d := range l.tracked.deferred {
		if at, is := d.oldest(); is && at < 20 {
			l.t.Fatalf("the oldest of strand %d is of %d", d.strand, at)
		}
		if d.left != left[d.strand] {
			l.t.Fatalf("%d records of strand %d are left, said are %d", left[d.strand], d.strand, d.left)
		}
	}
	if l.tracked.taken() != len(l.inHand) {
		l.t.Fatalf("%d are in hand, said are %d", len(l.inHand), l.tracked.taken())
	}
}

// TestWhateverIsDeferredNothingIsLostOrTakenTwiceOrOutOfOrder has strands be deferred, taken later and catch up, while
// records settle in any order and the partition is handed on.
func TestWhateverIsDeferredNothingIsLostOrTakenTwiceOrOutOfOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newStrandedLog(t)
		draw := func(most int) int { return rapid.IntRange(1, most).Draw(t, "n") }
		settleSome := func(strand uint64) {
			for _, offset := range slices.Sorted(maps.Keys(l.inHand)) {
				if (strand == 0 || l.strands[offset] == strand) && rapid.Bool().Draw(t, "settle") {
					l.settle(offset)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(*rapid.T) { l.write(draw(40)) },
			"take":  func(*rapid.T) { l.first(draw(20)) },
			"take and defer": func(*rapid.T) {
				l.postpone(l.first(draw(20)))
			},
			"take later": func(t *rapid.T) {
				if len(l.tracked.deferred) == 0 {
					t.Skip()
				}
				l.second(rapid.SampledFrom(l.tracked.deferred).Draw(t, "strand"), draw(30))
			},
			"settle":               func(*rapid.T) { settleSome(0) },
			"settle of one strand": func(*rapid.T) { settleSome(2) },
			"restart":              func(*rapid.T) { l.restart() },
			"time passes":          func(*rapid.T) { l.now = l.now.Add(time.Duration(draw(5000)) * time.Second) },
			"":                     func(*rapid.T) { l.check() },
		})
		for range len(l.offsets) + 10 { // then all goes well
			l.first(50)
			for _, d := range slices.Clone(l.tracked.deferred) {
				l.second(d, 50)
			}
			for offset := range maps.Clone(l.inHand) {
				l.settle(offset)
			}
		}
		if len(l.settled) != len(l.offsets) || len(l.tracked.deferred) > 0 {
			t.Fatalf("%d of %d settled, %d strands are still deferred", len(l.settled), len(l.offsets), len(l.tracked.deferred))
		}
		if end := l.tracked.known(); l.tracked.committable() != end || len(l.offsets) > 0 && end <= l.offsets[len(l.offsets)-1] {
			t.Fatalf("%d is committable of %d", l.tracked.committable(), end)
		}
		if used, free := len(l.tracked.entries), 0; len(l.tracked.entries) > 1 {
			for at := l.tracked.free; at != 0; at = l.tracked.entries[at].next {
				free++
			}
			if used-free != 1 {
				t.Fatalf("%d of %d entries are lost", used-free-1, used)
			}
		}
	})
}

// When a record was passed is known for each that is taken later, to a second or a sixteenth of the time since: with few
// marks, for however long and however many.
func TestARecordTakenLaterSaysWhenItWasPassed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		now, tracked := begin, newTracker(0, note{})
		place, _ := tracked.take(0)
		tracked.stamp(place, 1, 0)
		d := tracked.postpone(1, 0, now)
		passed := []time.Time{now}
		pauses := rapid.SampledFrom([]*rapid.Generator[int]{rapid.IntRange(0, 500), rapid.IntRange(0, 100_000), rapid.IntRange(0, 10_000_000)})
		for range rapid.IntRange(1, 5).Draw(t, "phases") {
			pause := pauses.Draw(t, "pauses").Draw(t, "ms")
			for range rapid.IntRange(0, 2000).Draw(t, "records") {
				now = now.Add(time.Duration(pause) * time.Millisecond)
				tracked.pass(d, int64(len(passed)), 0, now)
				passed = append(passed, now)
			}
		}
		if n := len(d.marks); n > 400 {
			t.Fatalf("%d marks", n)
		}
		for offset, at := range passed {
			_, said := d.takeLater(int64(offset))
			if early, since := at.Sub(said), now.Sub(at); early < 0 || early > markEvery+since/exactness+since/exactness {
				t.Fatalf("record %d, passed %s ago, is said to have been passed %s before", offset, since, early)
			}
		}
	})
}

// What there is room for is said whole in a note, of all strands.
func TestThereIsRoomForNoMoreThanANoteSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newStrandedLog(t)
		for range rapid.IntRange(1, 12).Draw(t, "strands") {
			l.tracked.deferred = append(l.tracked.deferred, l.tracked.newDeferred(10, unsettled{horizon: 10}, uint64(len(l.tracked.deferred)+1)))
		}
		var skipped []wire.Span
		for i := range rapid.Int64Range(0, maxSkipped).Draw(t, "skipped") {
			skipped = append(skipped, wire.Span{First: i << 60, Last: i<<60 | 1<<59})
		}
		room := (&Partition{gen: &Generation{c: &Consumer{}}, skipped: skipped}).room()
		if !l.tracked.canDefer(room) {
			t.Fatal("no room for so few")
		}
		gaps := rapid.SampledFrom([]*rapid.Generator[int64]{rapid.Just[int64](1), rapid.Int64Range(1, 3), rapid.Int64Range(90, 110), rapid.Int64Range(1, 1<<30)})
		for full := 0; full <= len(l.tracked.deferred); { // each list until it is full, or some
			full = 0
			for list := range l.tracked.lists {
				gap, some := gaps.Draw(t, "gaps"), rapid.IntRange(1, 3000).Draw(t, "records")
				for ; some > 0; some-- {
					offset := list.position + gap.Draw(t, "gap") - 1
					if !l.tracked.hasRoom(list, offset, room) {
						full++
						break
					}
					list.take(offset)
				}
			}
		}
		n := l.tracked.note()
		n.topic, n.skipped = thisOne, skipped
		committed := l.tracked.committable()
		read, err := decodeNote(n.encode(here, committed, maxNote), here, committed)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(read.unsettled.offsets, n.unsettled.offsets) {
			t.Fatalf("%d are said, of %d", len(read.unsettled.offsets), len(n.unsettled.offsets))
		}
		for i, d := range n.deferred {
			if !slices.Equal(read.deferred[i].unsettled.offsets, d.unsettled.offsets) {
				t.Fatalf("of strand %d %d are said, of %d", d.strand, len(read.deferred[i].unsettled.offsets), len(d.unsettled.offsets))
			}
		}
	})
}
