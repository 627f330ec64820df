package consumer

import "fmt"

// tracker knows, for one partition, which of the records taken are settled, and
// so which offset may be committed. Each operation takes constant time; memory
// is proportional to the records between the oldest unsettled and the newest
// taken. Not safe for concurrent use.
type tracker struct {
	// slots is a ring over the sequence numbers head … tail-1, its length a
	// power of two.
	slots      []slot
	head, tail uint64
	position   int64 // offset after the last taken
}

type slot struct {
	offset  int64
	settled bool
}

func newTracker(position int64) *tracker {
	return &tracker{slots: make([]slot, 64), position: position}
}

// take enters the next record and returns its sequence number. Offsets must
// rise; they need not be contiguous (compaction and transaction markers leave
// gaps).
func (t *tracker) take(offset int64) uint64 {
	if offset < t.position {
		panic(fmt.Sprintf("consumer: offset %d taken again, already at %d", offset, t.position))
	}
	if t.tail-t.head == uint64(len(t.slots)) {
		grown := make([]slot, 2*len(t.slots))
		for seq := t.head; seq < t.tail; seq++ {
			grown[seq&uint64(len(grown)-1)] = *t.slot(seq)
		}
		t.slots = grown
	}
	seq := t.tail
	t.tail++
	*t.slot(seq) = slot{offset: offset}
	t.position = offset + 1
	return seq
}

// skip moves the position past offsets that hold no record.
func (t *tracker) skip(to int64) { t.position = max(t.position, to) }

// settle marks a record and returns how many have newly joined the settled
// prefix.
func (t *tracker) settle(seq uint64) int {
	if seq < t.head || seq >= t.tail {
		panic(fmt.Sprintf("consumer: record %d settled twice or never taken", seq))
	}
	s := t.slot(seq)
	if s.settled {
		panic(fmt.Sprintf("consumer: offset %d settled twice", s.offset))
	}
	s.settled = true
	before := t.head
	for t.head < t.tail && t.slot(t.head).settled {
		t.head++
	}
	return int(t.head - before)
}

// committable is the offset to commit: that of the oldest unsettled record, or
// the position when all are settled.
func (t *tracker) committable() int64 {
	if t.head < t.tail {
		return t.slot(t.head).offset
	}
	return t.position
}

// pending is the number of records from the oldest unsettled to the newest
// taken: what a crash now would repeat at most.
func (t *tracker) pending() int { return int(t.tail - t.head) }

func (t *tracker) slot(seq uint64) *slot { return &t.slots[seq&uint64(len(t.slots)-1)] }
