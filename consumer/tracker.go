package consumer

import "fmt"

// tracker knows, for one partition, which offsets are not settled, and so which
// may be committed. It lists those alone: taking and settling take constant time,
// and memory follows the most that was unsettled at once, however far the oldest
// lies behind. Not safe for concurrent use.
//
// A part of the list may be inherited: what a former owner of the partition has
// left unsettled, and this one has not come to yet.
type tracker struct {
	// entries holds the list, in the order of offsets. It begins and ends at
	// entries[0]; those not in use are linked from free.
	entries []entry
	free    uint32
	length  int
	weight  int64 // of its gaps, or more: what settles is left in until it counts

	position int64 // offset after the last taken
	pending  int   // records taken and not settled

	inherited uint32 // the first of the list that is not taken yet; 0: none
	horizon   int64  // before it, what is not in the list was settled by former owners
}

type entry struct {
	offset     int64 // -1: not in use
	prev, next uint32
	time       int64 // of the record, once it is taken; in milliseconds
}

// newTracker begins at an offset, of which and beyond u says what is settled.
func newTracker(position int64, u unsettled) *tracker {
	t := &tracker{entries: make([]entry, 1, 64), position: position, horizon: u.horizon}
	t.entries[0].offset = -1
	for _, offset := range u.offsets {
		t.add(offset)
	}
	t.inherited = t.entries[0].next
	return t
}

// hasRoom tells whether what is unsettled can still be written down in that many
// bits, however it settles, once the offset is taken. There always is room for one
// record, and for what is inherited.
func (t *tracker) hasRoom(offset int64, bits int) bool {
	if t.length == 0 || offset < t.horizon || offset-t.committable() < int64(bits) { // a bit for each
		return true
	}
	if t.spread().with(offset).fits(bits) {
		return true
	}
	t.weight = t.unsettled().spread().weight
	return t.spread().with(offset).fits(bits)
}

// spread is that of the list.
func (t *tracker) spread() spread {
	ends := t.entries[0]
	return spread{count: t.length, weight: t.weight, from: t.entries[ends.next].offset, to: t.entries[ends.prev].offset}
}

// take enters the next record. It returns its place in the list, and whether it is
// to be settled: if not, a former owner has. Offsets must rise; they need not be
// contiguous (compaction and transaction markers leave gaps).
func (t *tracker) take(offset int64) (at uint32, fresh bool) {
	if offset < t.position {
		panic(fmt.Sprintf("consumer: offset %d taken again, already at %d", offset, t.position))
	}
	if t.inherited != 0 {
		t.skip(offset)
	}
	t.position = offset + 1
	switch {
	case offset >= t.horizon:
		at = t.add(offset)
	case t.entries[t.inherited].offset == offset:
		at = t.inherited
		t.inherited = t.entries[at].next
	default:
		return 0, false
	}
	t.pending++
	return at, true
}

// stamp notes the time of the record at a place, in milliseconds.
func (t *tracker) stamp(at uint32, time int64) { t.entries[at].time = time }

// oldest is the time of the first record that is taken and not settled, if there is one.
func (t *tracker) oldest() (time int64, is bool) {
	return t.entries[t.entries[0].next].time, t.pending > 0 // what is taken comes before what is inherited
}

// untaken is how many of the offsets before one have been taken by nobody.
func (t *tracker) untaken(before int64) int64 {
	n := max(0, before-t.known())
	for at := t.inherited; at != 0 && t.entries[at].offset < before; at = t.entries[at].next {
		n++
	}
	return n
}

// skip moves the position past offsets that hold no record.
func (t *tracker) skip(to int64) {
	for t.inherited != 0 && t.entries[t.inherited].offset < to {
		gone := t.inherited
		t.inherited = t.entries[gone].next
		t.remove(gone)
	}
	t.position = max(t.position, to)
}

// forget gives up what former owners have said of an offset, not before the
// position, and of all beyond: it was of other records.
func (t *tracker) forget(from int64) {
	for t.inherited != 0 && t.entries[t.entries[0].prev].offset >= from {
		last := t.entries[0].prev
		if last == t.inherited {
			t.inherited = 0
		}
		t.remove(last)
	}
	t.horizon = min(t.horizon, from)
}

// settle takes the record at a place off the list.
func (t *tracker) settle(at uint32, offset int64) {
	if t.entries[at].offset != offset {
		panic(fmt.Sprintf("consumer: offset %d settled twice or never taken", offset))
	}
	t.remove(at)
	t.pending--
}

// committable is the offset to commit: the oldest that is not settled, or the one
// before which all are.
func (t *tracker) committable() int64 {
	if oldest := t.entries[0].next; oldest != 0 {
		return t.entries[oldest].offset
	}
	return t.known()
}

// wanted is the next offset to fetch: the first that is not known to be settled.
func (t *tracker) wanted() int64 {
	if t.inherited != 0 {
		return t.entries[t.inherited].offset
	}
	return t.known()
}

// known is the offset before which all is known.
func (t *tracker) known() int64 { return max(t.position, t.horizon) }

// unsettled is what is to be known from the committable offset on.
func (t *tracker) unsettled() unsettled {
	u := unsettled{horizon: t.known()}
	if t.length > 0 {
		u.offsets = make([]int64, 0, t.length)
	}
	for at := t.entries[0].next; at != 0; at = t.entries[at].next {
		u.offsets = append(u.offsets, t.entries[at].offset)
	}
	return u
}

// add puts an offset at the end of the list.
func (t *tracker) add(offset int64) (at uint32) {
	if t.free == 0 {
		t.free = uint32(len(t.entries))
		t.entries = append(t.entries, entry{})
	}
	at = t.free
	list := t.entries
	last := list[0].prev
	if last != 0 {
		t.weight += weigh(offset - list[last].offset)
	}
	e := &list[at]
	t.free = e.next
	*e = entry{offset: offset, prev: last}
	list[last].next, list[0].prev = at, at
	t.length++
	return at
}

func (t *tracker) remove(at uint32) {
	list := t.entries
	e := &list[at]
	list[e.prev].next, list[e.next].prev = e.next, e.prev
	e.offset, e.next = -1, t.free
	t.free = at
	t.length--
}
