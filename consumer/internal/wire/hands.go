package wire

import (
	"context"
	"slices"
	"sync"
)

// hands bounds the bytes of the records that have been read and not been handed on
// yet, of those that are larger than their partition's share. Whoever holds one may
// have to wait for room, perhaps for hours, so a topic gets no more than what it
// leaves to the others; one that has nothing may always begin, be it with a record
// that is larger than all of this. Safe for concurrent use.
type hands struct {
	size int

	mu      sync.Mutex
	used    int
	held    map[string]int // of these, by topic
	waiting []*Hand        // first come first served among those of a topic
}

func newHands(size int) *hands { return &hands{size: size, held: map[string]int{}} }

// Hand is what is held of a [Budget] for a record that is larger than a share, by who
// reads one chunk after another with it. Nobody else calls it.
type Hand struct {
	hands *hands
	topic string
	full  bool // with a record that is to be handed on

	// Guarded by hands.
	size  int
	want  int
	ready chan struct{} // closed when want is granted
}

func (h *hands) of(topic string) *Hand { return &Hand{hands: h, topic: topic} }

// Size is how many bytes it holds.
func (h *Hand) Size() int { return h.size }

// tryReserve is reserve without waiting.
func (h *Hand) tryReserve(n int) bool {
	all := h.hands
	all.mu.Lock()
	defer all.mu.Unlock()
	if h.line(n); h.want == 0 {
		return true
	}
	all.leave(h)
	return false
}

// reserve waits until the hand may hold n bytes, or ctx ends.
func (h *Hand) reserve(ctx context.Context, n int) error {
	all := h.hands
	all.mu.Lock()
	if h.line(n); h.want == 0 {
		all.mu.Unlock()
		return nil
	}
	all.mu.Unlock()
	select {
	case <-h.ready:
		return nil
	case <-ctx.Done():
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if h.want > 0 {
		all.leave(h)
	}
	return ctx.Err()
}

// line has the hand wait for n bytes, unless it holds them.
func (h *Hand) line(n int) {
	all := h.hands
	if h.size >= n {
		return
	}
	all.add(h, -h.size)
	h.want, h.ready = n, make(chan struct{})
	all.waiting = append(all.waiting, h)
	all.admit()
}

func (h *hands) leave(one *Hand) {
	i := slices.Index(h.waiting, one)
	h.waiting = slices.Delete(h.waiting, i, i+1)
	one.want = 0
	h.admit()
}

// fill says what is in the hand in the end, in bytes, and gives back the rest.
func (h *Hand) fill(n int) {
	h.full = true
	h.hands.mu.Lock()
	defer h.hands.mu.Unlock()
	h.hands.add(h, min(0, n-h.size))
	h.hands.admit()
}

// Empty gives the memory back, if there is any: what was in the hand has been handed
// on.
func (h *Hand) Empty() {
	if h.full = false; h.size == 0 {
		return
	}
	h.hands.mu.Lock()
	defer h.hands.mu.Unlock()
	h.hands.add(h, -h.size)
	h.hands.admit()
}

func (h *hands) add(one *Hand, n int) {
	one.size += n
	h.used += n
	if h.held[one.topic] += n; h.held[one.topic] == 0 {
		delete(h.held, one.topic)
	}
}

// admit grants what is waited for.
func (h *hands) admit() {
	passed := map[string]bool{} // topics of which somebody goes on waiting
	h.waiting = slices.DeleteFunc(h.waiting, func(w *Hand) bool {
		if passed[w.topic] || !h.fits(w) {
			passed[w.topic] = true
			return false
		}
		h.add(w, w.want)
		w.want = 0
		close(w.ready)
		return true
	})
}

func (h *hands) fits(w *Hand) bool {
	held, has := h.held[w.topic]
	return !has || held+w.want <= h.size-h.used-w.want
}
