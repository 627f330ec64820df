package batcher

// spares are things to be used again, last first: most users have one record and
// are gone again, and what was used a moment ago is in the processor's caches.
type spares[T any] struct{ things []*T }

const maxSpares = 8192

// get returns a zero T.
func (s *spares[T]) get() *T {
	last := len(s.things) - 1
	if last < 0 {
		return new(T)
	}
	t := s.things[last]
	s.things = s.things[:last]
	return t
}

// put takes a zero T.
func (s *spares[T]) put(t *T) {
	if len(s.things) < maxSpares {
		s.things = append(s.things, t)
	}
}
