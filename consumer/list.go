package consumer

import "fmt"

// list is what is not settled of some records of a partition, and so says which
// offsets may be committed. It lists those alone: taking and settling take constant
// time, and memory follows the most that was unsettled at once, however far the
// oldest lies behind. Not safe for concurrent use.
//
// A part of the list may be inherited: what a former owner of the partition has
// left unsettled, and this one has not come to yet.
type list struct {
	*arena
	head   uint32 // the entry at which the list begins and ends
	length int
	weight int64 // of its gaps, or more: what settles is left in until it counts

	position int64 // offset after the last taken
	pending  int   // records taken and not settled

	inherited uint32 // the first of the list that is not taken yet; 0: none
	horizon   int64  // before it, what is not in the list was settled by former owners
}

// arena holds the entries of a partition's lists, which records go over from one to
// another without their places being changed. The first is no record's.
type arena struct {
	entries []entry
	free    uint32 // the first of those not in use, linked by next; 0: none
}

type entry struct {
	offset     int64 // -1: not in use
	prev, next uint32
	time       int64  // of the record, once it is taken; in milliseconds
	strand     uint64 // likewise
}

// newList begins at an offset, of which and beyond u says what is settled.
func (a *arena) newList(position int64, u unsettled) list {
	l := list{arena: a, head: a.get(), position: position, horizon: u.horizon}
	a.entries[l.head] = entry{offset: -1, prev: l.head, next: l.head}
	for _, offset := range u.offsets {
		l.add(offset)
	}
	l.inherited = l.after(l.head)
	return l
}

// take enters the next record. It returns its place in the list, and whether it is
// to be settled: if not, a former owner has. Offsets must rise; they need not be
// contiguous (compaction and transaction markers leave gaps).
func (l *list) take(offset int64) (at uint32, fresh bool) {
	if offset < l.position {
		panic(fmt.Sprintf("consumer: offset %d taken again, already at %d", offset, l.position))
	}
	if l.inherited != 0 {
		l.skip(offset)
	}
	l.position = offset + 1
	switch {
	case l.inherits(offset):
		at = l.inherited
		l.inherited = l.after(at)
	case offset >= l.horizon:
		at = l.add(offset)
	default:
		return 0, false
	}
	l.pending++
	return at, true
}

// stamp notes of what strand the record at a place is, and its time, in milliseconds.
func (a *arena) stamp(at uint32, strand uint64, time int64) {
	a.entries[at].strand, a.entries[at].time = strand, time
}

// inherits tells whether the offset is the next of those inherited.
func (l *list) inherits(offset int64) bool {
	return l.inherited != 0 && l.entries[l.inherited].offset == offset
}

// oldest is the time of the first record that is taken and not settled, if there is one.
func (l *list) oldest() (time int64, is bool) {
	return l.entries[l.entries[l.head].next].time, l.pending > 0 // what is taken comes before what is inherited
}

// untaken is how many of the offsets before one have been taken by nobody.
func (l *list) untaken(before int64) int64 {
	n := max(0, before-l.known())
	for at := l.inherited; at != 0 && l.entries[at].offset < before; at = l.after(at) {
		n++
	}
	return n
}

// skip moves the position past offsets that hold no record.
func (l *list) skip(to int64) {
	for l.inherited != 0 && l.entries[l.inherited].offset < to {
		gone := l.inherited
		l.inherited = l.after(gone)
		l.remove(gone)
	}
	l.position = max(l.position, to)
}

// forget gives up what former owners have said of an offset, not before the
// position, and of all beyond: it was of other records.
func (l *list) forget(from int64) {
	for l.inherited != 0 && l.last() >= from {
		last := l.entries[l.head].prev
		if last == l.inherited {
			l.inherited = 0
		}
		l.remove(last)
	}
	l.horizon = min(l.horizon, from)
}

// settle takes the record at a place off the list.
func (l *list) settle(at uint32) {
	l.remove(at)
	l.pending--
}

// committable is the offset to commit: the oldest that is not settled, or the one
// before which all are.
func (l *list) committable() int64 {
	if l.length > 0 {
		return l.first()
	}
	return l.known()
}

// wanted is the next offset to fetch: the first that is not known to be settled.
func (l *list) wanted() int64 {
	if l.inherited != 0 {
		return l.entries[l.inherited].offset
	}
	return l.known()
}

// known is the offset before which all is known.
func (l *list) known() int64 { return max(l.position, l.horizon) }

// first and last are the offsets at the list's ends, which is not empty.
func (l *list) first() int64 { return l.entries[l.entries[l.head].next].offset }
func (l *list) last() int64  { return l.entries[l.entries[l.head].prev].offset }

// unsettled is what is to be known from the committable offset on.
func (l *list) unsettled() unsettled {
	u := unsettled{horizon: l.known()}
	if l.length > 0 {
		u.offsets = make([]int64, 0, l.length)
	}
	for at := l.after(l.head); at != 0; at = l.after(at) {
		u.offsets = append(u.offsets, l.entries[at].offset)
	}
	return u
}

// hasRoom tells whether what is unsettled can still be written down in that many
// bits, however it settles, once the offset is taken. There always is room for one
// record, and for what is inherited.
func (l *list) hasRoom(offset int64, bits int) bool {
	if l.length == 0 || offset < l.horizon || offset-l.committable() < int64(bits) { // a bit for each
		return true
	}
	if l.spread().with(offset).fits(bits) {
		return true
	}
	l.weighAnew()
	return l.spread().with(offset).fits(bits)
}

// spread is that of the list.
func (l *list) spread() spread {
	return spread{count: l.length, weight: l.weight, from: l.first(), to: l.last()}
}

// bits bounds how many bits the list takes up, however it settles.
func (l *list) bits() int64 {
	if l.length == 0 {
		return 0
	}
	return l.spread().bound()
}

// weighAnew leaves out of the weight what has settled.
func (l *list) weighAnew() { l.weight = l.unsettled().spread().weight }

// after is the place behind one; 0: there is none.
func (l *list) after(at uint32) uint32 {
	if next := l.entries[at].next; next != l.head {
		return next
	}
	return 0
}

// before is the place ahead of one; 0: there is none.
func (l *list) before(at uint32) uint32 {
	if prev := l.entries[at].prev; prev != l.head {
		return prev
	}
	return 0
}

// add puts an offset at the end of the list.
func (l *list) add(offset int64) (at uint32) {
	at = l.get()
	l.entries[at] = entry{offset: offset}
	l.append(at)
	return at
}

// append links an entry to the list's end.
func (l *list) append(at uint32) { l.link(at, l.entries[l.head].prev) }

// await has the entry at the list's end be taken still.
func (l *list) await(at uint32) {
	if l.inherited == 0 {
		l.inherited = at
	}
}

// link puts the entry at a place into the list, behind another.
func (l *list) link(at, behind uint32) {
	entries := l.entries
	e, b := &entries[at], &entries[behind]
	if behind != l.head {
		l.weight += weigh(e.offset - b.offset)
	}
	if b.next != l.head {
		l.weight += weigh(entries[b.next].offset - e.offset)
	}
	e.prev, e.next = behind, b.next
	entries[b.next].prev, b.next = at, at
	l.length++
}

// unlink takes the entry at a place off the list. It remains in use.
func (l *list) unlink(at uint32) {
	e := &l.entries[at]
	l.entries[e.prev].next, l.entries[e.next].prev = e.next, e.prev
	l.length--
}

// remove takes it off for good.
func (l *list) remove(at uint32) {
	l.unlink(at)
	l.put(at)
}

// get finds an entry that is not in use.
func (a *arena) get() (at uint32) {
	if a.free == 0 {
		a.entries = append(a.entries, entry{})
		return uint32(len(a.entries) - 1)
	}
	at = a.free
	a.free = a.entries[at].next
	return at
}

// put makes an entry one that is not in use.
func (a *arena) put(at uint32) {
	a.entries[at].offset, a.entries[at].next = -1, a.free
	a.free = at
}
