package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// budget bounds the bytes that the chunks of a member hold beside each partition's
// share: responses larger than was asked for, since a single batch is sent whole,
// and what batches are unpacked with. Safe for concurrent use.
//
// A chunk that is being read always gets on: those that wait for bytes are served
// first come first served, and a chunk between two pieces, whose records wait for
// room perhaps for hours, has its bytes taken away after reclaimAfter if others
// want them. It then ends early, and its partition fetches the rest again once
// there is room. Should all that hold bytes wait for more, the first goes beyond
// the bound: no more than one chunk does so at a time, nor does one that is larger
// than the whole budget while anybody else holds some.
type budget struct {
	size     int
	decoders decoders

	mu      sync.Mutex
	used    int
	holders map[*lease]struct{}
	numbers int      // given to holders
	waiting []*lease // first come first served
}

// reclaimAfter is how long a chunk may wait for room before others take its bytes:
// long for one whose records flow, which would only be fetched and unpacked twice, and
// short for those others, of which many may be in line behind many that wait.
const reclaimAfter = 100 * time.Millisecond

// newBudget sets a quarter of the bytes aside for decoders that wait to be used again.
func newBudget(size int) *budget {
	idle := size / 4
	return &budget{size: size - idle, decoders: decoders{most: idle}, holders: map[*lease]struct{}{}}
}

// lease is what one chunk holds of the budget.
type lease struct {
	b      *budget
	lacked func() // is called before bytes are waited for; nil: nothing is

	// Guarded by the budget.
	held   int
	number int // rises with who came to hold bytes later
	want   int
	ready  chan struct{} // closed when want is granted
	idle   time.Time     // since when nobody reads the chunk; zero: somebody does
	drop   func()        // lets go of what the chunk holds, if it is idle
	closed bool
}

func (b *budget) lease() *lease { return &lease{b: b} }

var errReclaimed = errors.New("the memory is given back")

// grow waits for n more bytes, until ctx ends.
func (l *lease) grow(ctx context.Context, n int) error {
	b := l.b
	b.mu.Lock()
	if l.closed {
		b.mu.Unlock()
		return errReclaimed
	}
	l.want, l.ready = n, make(chan struct{})
	b.waiting = append(b.waiting, l)
	b.admit()
	if l.want == 0 {
		b.mu.Unlock()
		return nil
	}
	again := b.reclaim()
	b.mu.Unlock()
	if l.lacked != nil {
		l.lacked()
	}
	for {
		t := time.NewTimer(again)
		select {
		case <-l.ready:
			t.Stop()
			return l.granted()
		case <-t.C:
			b.mu.Lock()
			again = b.reclaim()
			b.mu.Unlock()
		case <-ctx.Done():
			t.Stop()
			return l.giveUp(ctx.Err())
		}
	}
}

func (l *lease) granted() error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.closed {
		return errReclaimed
	}
	return nil
}

// giveUp ends the waiting. What was granted at the last moment is kept until the
// lease is closed.
func (l *lease) giveUp(err error) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if i := slices.Index(l.b.waiting, l); i >= 0 {
		l.b.waiting = slices.Delete(l.b.waiting, i, i+1)
		l.want = 0
		l.b.admit()
	}
	return err
}

// shrink gives n bytes back.
func (l *lease) shrink(n int) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.add(-n)
	l.b.admit()
}

// rest says that the chunk is not read for a while: others may have drop called,
// which must not block, and takes the chunk's bytes away.
func (l *lease) rest(drop func()) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.held > 0 && !l.closed {
		l.idle, l.drop = time.Now(), drop
	}
}

// yield is rest for a chunk whose bytes others may have at once.
func (l *lease) yield(drop func()) {
	l.rest(drop)
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if !l.idle.IsZero() {
		l.idle = l.idle.Add(-reclaimAfter)
		l.b.reclaim()
	}
}

// resume ends the rest. It returns whether the chunk still has its bytes.
func (l *lease) resume() bool {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.idle, l.drop = time.Time{}, nil
	return !l.closed
}

// close gives all bytes back, and lets nobody have more. It may be called twice.
func (l *lease) close() {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.end()
	l.b.admit()
}

func (l *lease) end() {
	l.closed, l.idle, l.drop = true, time.Time{}, nil
	l.add(-l.held)
}

func (l *lease) add(n int) {
	if l.held == 0 {
		l.b.numbers++
		l.number = l.b.numbers
	}
	l.held += n
	l.b.used += n
	if l.held == 0 {
		delete(l.b.holders, l)
	} else {
		l.b.holders[l] = struct{}{}
	}
}

// admit grants what those who came first wait for.
func (b *budget) admit() {
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
func (b *budget) stuck() *lease {
	if len(b.holders) == 0 {
		return b.waiting[0]
	}
	var first *lease
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
func (b *budget) reclaim() time.Duration {
	for len(b.waiting) > 0 {
		var longest *lease
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
