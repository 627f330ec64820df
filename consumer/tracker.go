package consumer

import (
	"cmp"
	"fmt"
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
