package consumer

import (
	"slices"
	"time"
)

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

func (t *tracker) newDeferred(position int64, u unsettled, strand uint64) *deferred {
	return &deferred{list: t.newList(position, u), strand: strand, moved: make(chan struct{}, 1)}
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

func (d *deferred) oldest() (time int64, is bool) {
	if time, is = d.list.oldest(); is || d.left == 0 {
		return time, is
	}
	return d.marks[0].time, true
}
