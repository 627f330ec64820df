package consumer

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// tracker knows, for one partition, which offsets are not settled, and so which may
// be committed. Not safe for concurrent use.
//
// The list in it is of the records that are taken as they come. A strand that is
// deferred has a list of its own, with all of its records that are not settled, and
// is taken by a second cursor, never beyond the first.
type tracker struct {
	list
	deferred []*deferred
}

// deferred is a strand of which records are left for later: all from the list's
// known offset up to the first that the tracker does not know. Those before it that
// are not settled are listed, be they taken or not.
type deferred struct {
	list
	strand uint64
	left   int64  // records left for later and not taken yet
	marks  []mark // of when these were passed, the oldest first, with offsets that rise

	fetched bool          // somebody fetches it
	moved   chan struct{} // gets one when the tracker's own list has come further
}

// mark says when a record was passed, as were those behind it up to the next mark.
type mark struct {
	offset int64
	passed time.Time
	time   int64 // of the record, in milliseconds
}

// newTracker begins at an offset, of which and beyond n says what is settled.
func newTracker(position int64, n note) *tracker {
	a := &arena{entries: make([]entry, 0, 64)}
	t := &tracker{list: a.newList(position, n.unsettled)}
	for _, d := range n.deferred {
		s := t.newDeferred(position, d.unsettled, d.strand)
		s.left = d.left
		for at := s.inherited; at != 0; at = s.after(at) {
			s.entries[at].strand = d.strand
		}
		s.marks = []mark{{offset: s.wanted(), time: d.oldest}}
		t.deferred = append(t.deferred, s)
	}
	return t
}

func (t *tracker) newDeferred(position int64, u unsettled, strand uint64) *deferred {
	return &deferred{list: t.newList(position, u), strand: strand, moved: make(chan struct{}, 1)}
}

// lists are all of them.
func (t *tracker) lists(yield func(*list) bool) {
	if !yield(&t.list) {
		return
	}
	for _, d := range t.deferred {
		if !yield(&d.list) {
			return
		}
	}
}

// note is what is to be known from the committable offset on.
func (t *tracker) note() note {
	n := note{unsettled: t.unsettled()}
	for _, d := range t.deferred {
		oldest, _ := d.oldest()
		n.deferred = append(n.deferred, deferredNote{
			strand: d.strand, left: d.left + int64(d.pending), oldest: oldest, unsettled: d.unsettled(),
		})
	}
	return n
}

// find is the strand, if it is deferred; else nil.
func (t *tracker) find(strand uint64) *deferred {
	for _, d := range t.deferred {
		if d.strand == strand {
			return d
		}
	}
	return nil
}

// committable is the offset to commit: the oldest that is not settled, or the one
// before which all are.
func (t *tracker) committable() int64 {
	at := t.list.committable()
	for _, d := range t.deferred {
		at = min(at, d.committable())
	}
	return at
}

// taken is the number of records that are taken and not settled.
func (t *tracker) taken() (n int) {
	for l := range t.lists {
		n += l.pending
	}
	return n
}

// left is the number of records that are left for later.
func (t *tracker) left() (n int64) {
	for _, d := range t.deferred {
		n += d.left
	}
	return n
}

// oldest is the time of the oldest record that was come to and is not settled, if
// there is one: taken, or left for later.
func (t *tracker) oldest() (time int64, is bool) {
	time, is = t.list.oldest()
	for _, d := range t.deferred {
		at, some := d.oldest()
		if some && (!is || at < time) {
			time, is = at, true
		}
	}
	return time, is
}

func (d *deferred) oldest() (time int64, is bool) {
	if time, is = d.list.oldest(); is || d.left == 0 {
		return time, is
	}
	return d.marks[0].time, true
}

// settle takes the record at a place off its list.
func (t *tracker) settle(at uint32, offset int64) {
	e := &t.entries[at]
	if e.offset != offset {
		panic(fmt.Sprintf("consumer: offset %d settled twice or never taken", offset))
	}
	if len(t.deferred) > 0 {
		if d := t.find(e.strand); d != nil {
			d.list.settle(at)
			return
		}
	}
	t.list.settle(at)
}

// hasRoom tells whether what is unsettled can still be written down in that many
// bits, however it settles, once the offset is taken into the list.
func (t *tracker) hasRoom(l *list, offset int64, bits int) bool {
	if len(t.deferred) == 0 {
		return l.hasRoom(offset, bits)
	}
	if l.hasRoom(offset, bits-t.besides(l)) {
		return true
	}
	for other := range t.lists {
		other.weighAnew()
	}
	return l.hasRoom(offset, bits-t.besides(l))
}

// besides is how many bits are taken up by what is no part of the list.
func (t *tracker) besides(l *list) int {
	bits := deferredHeads(len(t.deferred))
	for other := range t.lists {
		if other != l {
			bits += int(other.bits())
		}
	}
	return bits
}

// canDefer tells whether one more strand can be written down in that many bits, with
// half of them left.
func (t *tracker) canDefer(bits int) bool {
	used := deferredHeads(len(t.deferred) + 1)
	for _, d := range t.deferred {
		used += int(d.bits())
	}
	return used <= bits/2
}

// postpone begins to defer a strand: its records from an offset on, which were the
// last to be taken, are left for later. It has none that is deferred.
func (t *tracker) postpone(strand uint64, from int64, now time.Time) *deferred {
	d := t.newDeferred(from, unsettled{horizon: max(from, t.horizon)}, strand)
	for at := t.after(t.head); at != 0 && at != t.inherited; {
		e := t.entries[at]
		next := t.after(at)
		if e.strand == strand {
			t.unlink(at)
			t.pending--
			switch {
			case e.offset < from:
				d.append(at)
				d.pending++
			case e.offset < d.horizon:
				d.append(at)
				d.await(at)
				d.passed(e.offset, e.time, now)
			default:
				t.put(at)
				d.passed(e.offset, e.time, now)
			}
		}
		at = next
	}
	t.deferred = append(t.deferred, d)
	return d
}

// pass goes past a record of a strand that is deferred.
func (t *tracker) pass(d *deferred, offset, time int64, now time.Time) {
	t.skip(offset)
	t.position = max(t.position, offset+1)
	at, listed := t.inherited, t.inherits(offset)
	if !listed && offset < t.horizon {
		return // a former owner has passed it, or settled it
	}
	d.passed(offset, time, now)
	if !listed {
		return
	}
	// It lies before the strand's horizon, which began at the list's.
	t.inherited = t.after(at)
	t.unlink(at)
	t.entries[at].strand = d.strand
	d.append(at)
	d.await(at)
}

// passed notes a record that is left for later.
func (d *deferred) passed(offset, time int64, now time.Time) {
	if d.left == 0 {
		d.marks = nil // they were of others
	}
	d.left++
	n := len(d.marks)
	if n > 0 && now.Sub(d.marks[n-1].passed) < markEvery {
		return
	}
	d.marks = append(d.marks, mark{offset, now, time})
	if n+1 > maxMarks {
		d.thin(now)
	}
}

// What passed longer ago need not be known as exactly: between two marks lies a
// second, or a sixteenth of the time since.
const (
	markEvery = time.Second
	maxMarks  = 64
	exactness = 16
)

// thin drops marks that are closer together than is needed.
func (d *deferred) thin(now time.Time) {
	kept := d.marks[:1]
	for i := 1; i < len(d.marks)-1; i++ {
		if d.marks[i+1].passed.Sub(kept[len(kept)-1].passed) > now.Sub(d.marks[i+1].passed)/exactness {
			kept = append(kept, d.marks[i])
		}
	}
	d.marks = append(kept, d.marks[len(d.marks)-1])
}

// wants tells whether the next record of the second cursor, which is of a strand, is
// to be taken: not settled, and of the strand that is deferred.
func (d *deferred) wants(strand uint64, offset int64) bool {
	d.skip(offset)
	return d.inherits(offset) || offset >= d.known() && strand == d.strand
}

// takeLater enters a record that is wanted. It returns its place, and when it was
// passed by the first cursor, the zero time where that is not known.
func (d *deferred) takeLater(offset int64) (at uint32, passed time.Time) {
	at, _ = d.take(offset)
	for len(d.marks) > 1 && d.marks[1].offset <= offset {
		d.marks = d.marks[1:]
	}
	d.left = max(0, d.left-1)
	return at, d.marks[0].passed
}

// caughtUp tells whether the second cursor has come to where the first is, or where
// former owners were.
func (t *tracker) caughtUp(d *deferred) bool { return d.inherited == 0 && d.known() == t.known() }

// mayTake tells whether there is something before the first cursor that the second
// may take.
func (t *tracker) mayTake(d *deferred) bool { return d.wanted() < t.wanted() }

// rejoin ends the deferring of a strand that has caught up: what it has taken goes
// back into the list. It returns how many records were passed and not found again.
func (t *tracker) rejoin(d *deferred) (gone int64) {
	behind := t.head
	for at := d.after(d.head); at != 0; {
		next := d.after(at)
		d.unlink(at)
		for after := t.after(behind); after != 0 && t.entries[after].offset < t.entries[at].offset; after = t.after(behind) {
			behind = after
		}
		t.link(at, behind)
		at = next
	}
	t.pending += d.pending
	t.put(d.head)
	t.deferred = slices.DeleteFunc(t.deferred, func(other *deferred) bool { return other == d })
	return d.left
}

// inHand is how many records from an offset on are taken and not settled.
func (t *tracker) inHand(from int64) (n int) {
	for l := range t.lists {
		for at := l.before(cmp.Or(l.inherited, l.head)); at != 0 && l.entries[at].offset >= from; at = l.before(at) {
			n++
		}
	}
	return n
}

// goBack has records from an offset on, of which none is in hand, be taken again:
// they are others.
func (t *tracker) goBack(to int64) {
	for l := range t.lists {
		l.position = min(l.position, to)
		l.forget(to)
	}
}
