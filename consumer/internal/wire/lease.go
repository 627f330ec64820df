package wire

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Lease is what one chunk holds of a [Budget]. Safe for concurrent use.
type Lease struct {
	b      *Budget
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

var errReclaimed = errors.New("the memory is given back")

// Grow waits for n more bytes, until ctx ends.
func (l *Lease) Grow(ctx context.Context, n int) error {
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

func (l *Lease) granted() error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.closed {
		return errReclaimed
	}
	return nil
}

// giveUp ends the waiting. What was granted at the last moment is kept until the
// lease is closed.
func (l *Lease) giveUp(err error) error {
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
func (l *Lease) shrink(n int) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.add(-n)
	l.b.admit()
}

// rest says that the chunk is not read for a while: others may have drop called,
// which must not block, and takes the chunk's bytes away.
func (l *Lease) rest(drop func()) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.held > 0 && !l.closed {
		l.idle, l.drop = time.Now(), drop
	}
}

// yield is rest for a chunk whose bytes others may have at once.
func (l *Lease) yield(drop func()) {
	l.rest(drop)
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if !l.idle.IsZero() {
		l.idle = l.idle.Add(-reclaimAfter)
		l.b.reclaim()
	}
}

// resume ends the rest. It returns whether the chunk still has its bytes.
func (l *Lease) resume() bool {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.idle, l.drop = time.Time{}, nil
	return !l.closed
}

// Close gives all bytes back, and lets nobody have more. It may be called twice.
func (l *Lease) Close() {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.end()
	l.b.admit()
}

func (l *Lease) end() {
	l.closed, l.idle, l.drop = true, time.Time{}, nil
	l.add(-l.held)
}

func (l *Lease) add(n int) {
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
