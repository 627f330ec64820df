package batcher

import "math/bits"

// table finds users by their numbers: a hash table with open addressing and
// linear probing, at most half full. With a map, for which it could be exchanged,
// the batcher takes twice the time for a record, and the whole pipeline 2 % more
// of the processors. In memory a user costs the same in both.
type table[T any] struct {
	slots []tableSlot[T] // a power of two
	shift uint           // 64 - log2(len(slots))
	used  int
}

type tableSlot[T any] struct {
	id   uint64
	user *user[T] // nil: free
}

const minSlots = 64

func newTable[T any](size int) table[T] {
	return table[T]{slots: make([]tableSlot[T], size), shift: uint(64 - bits.TrailingZeros(uint(size)))}
}

// home is where an id's probing begins. Multiplying spreads numbers that are
// near each other.
func (t *table[T]) home(id uint64) int { return int(id * 0x9e3779b97f4a7c15 >> t.shift) }

// find returns the user's slot, or the free one where it belongs. It holds until
// the next insert or delete.
func (t *table[T]) find(id uint64) *tableSlot[T] {
	for i := t.home(id); ; i = (i + 1) & (len(t.slots) - 1) {
		if s := &t.slots[i]; s.user == nil || s.id == id {
			return s
		}
	}
}

// insert puts a user in who is not there, into the slot that find has returned.
func (t *table[T]) insert(s *tableSlot[T], u *user[T]) {
	*s = tableSlot[T]{u.id, u}
	t.used++
	if 2*t.used <= len(t.slots) {
		return
	}
	old := t.slots
	grown := newTable[T](2 * len(old))
	grown.used = t.used
	*t = grown
	for _, s := range old {
		if s.user != nil {
			*t.find(s.id) = s
		}
	}
}

// delete takes a user out who is there, and moves up those whom it stood in the
// way of.
func (t *table[T]) delete(id uint64) {
	last := len(t.slots) - 1
	gap := t.home(id)
	for t.slots[gap].id != id || t.slots[gap].user == nil {
		gap = (gap + 1) & last
	}
	for i := gap; ; {
		i = (i + 1) & last
		s := &t.slots[i]
		if s.user == nil {
			break
		}
		if (i-t.home(s.id))&last >= (i-gap)&last { // its probing passes the gap
			t.slots[gap] = *s
			gap = i
		}
	}
	t.slots[gap] = tableSlot[T]{}
	t.used--
}

// all yields the users. None may be inserted or deleted meanwhile.
func (t *table[T]) all(yield func(*user[T]) bool) {
	for i := range t.slots {
		if u := t.slots[i].user; u != nil && !yield(u) {
			return
		}
	}
}
