package wire

import (
	"slices"
	"sync"
	"time"
)

// Budget bounds the bytes that the chunks of a member hold beside each partition's
// share: responses larger than was asked for, since a single batch is sent whole,
// and what batches are unpacked with, which a [Lease] is of; and as many bytes of records
// that are larger than a share, which are in a [Hand]. Safe for concurrent use.
//
// A chunk that is being read always gets on: those that wait for bytes are served
// first come first served, and a chunk between two pieces, whose records wait for
// room perhaps for hours, has its bytes taken away after reclaimAfter if others
// want them. It then ends early, and its partition fetches the rest again once
// there is room. Should all that hold bytes wait for more, the first goes beyond
// the bound: no more than one chunk does so at a time, nor does one that is larger
// than the whole budget while anybody else holds some.
type Budget struct {
	size       int
	recordSize int // what a record takes up with who reads it, beside key, value and headers
	decoders   decoders
	hands      *hands

	mu      sync.Mutex
	used    int
	holders map[*Lease]struct{}
	numbers int      // given to holders
	waiting []*Lease // first come first served
}

// reclaimAfter is how long a chunk may wait for room before others take its bytes:
// long for one whose records flow, which would only be fetched and unpacked twice, and
// short for those others, of which many may be in line behind many that wait.
const reclaimAfter = 100 * time.Millisecond

// NewBudget is a budget of size bytes for what chunks hold and of as many for large
// records, each of which counts with recordSize bytes beside its key, value and headers.
// A quarter of the former is set aside for decoders that wait to be used again.
func NewBudget(size, recordSize int) *Budget {
	idle := size / 4
	return &Budget{
		size: size - idle, recordSize: recordSize, decoders: decoders{most: idle}, hands: newHands(size),
		holders: map[*Lease]struct{}{},
	}
}

// Lease is for one chunk. Before it waits for bytes lacked is called, perhaps by another
// goroutine than the one that reads; nil: nothing is.
func (b *Budget) Lease(lacked func()) *Lease { return &Lease{b: b, lacked: lacked} }

// Hand is for who reads the chunks of a partition of the topic, one after another.
func (b *Budget) Hand(topic string) *Hand { return b.hands.of(topic) }

// Used is how many bytes are held of it at the moment.
func (b *Budget) Used() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hands.mu.Lock()
	defer b.hands.mu.Unlock()
	return b.used + b.hands.used
}

// admit grants what those who came first wait for.
func (b *Budget) admit() {
	for len(b.waiting) > 0 {
		l := b.waiting[0]
		if !l.closed && b.used+l.want > b.size {
			if l = b.stuck(); l == nil {
				return
			}
		}
		if !l.closed {
			l.add(l.want)
		}
		l.want = 0
		close(l.ready)
		i := slices.Index(b.waiting, l)
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
}

// stuck returns who is to go beyond the bound if nobody holds bytes but those that
// wait for more: always the one that has held some for longest, so that it comes to
// its end. Else it returns nil.
func (b *Budget) stuck() *Lease {
	if len(b.holders) == 0 {
		return b.waiting[0]
	}
	var first *Lease
	for l := range b.holders {
		if l.want == 0 {
			return nil
		}
		if first == nil || l.number < first.number {
			first = l
		}
	}
	return first
}

// reclaim takes the bytes of the chunks that have rested longest, while somebody
// waits, and returns when to look again.
func (b *Budget) reclaim() time.Duration {
	for len(b.waiting) > 0 {
		var longest *Lease
		for l := range b.holders {
			if !l.idle.IsZero() && (longest == nil || l.idle.Before(longest.idle)) {
				longest = l
			}
		}
		if longest == nil {
			break
		}
		if left := reclaimAfter - time.Since(longest.idle); left > 0 {
			return left
		}
		longest.drop()
		longest.end()
		b.admit()
	}
	return reclaimAfter
}
