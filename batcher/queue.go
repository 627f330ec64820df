package batcher

// queue is a first-in first-out queue over a ring buffer.
type queue[T any] struct {
	ring []T // length zero or a power of two
	head int
	n    int
}

func (q *queue[T]) len() int { return q.n }

// at is the i-th from the front.
func (q *queue[T]) at(i int) *T { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *queue[T]) push(v T) {
	if q.n == len(q.ring) {
		grown := make([]T, max(1, 2*len(q.ring)))
		for i := range q.n {
			grown[i] = *q.at(i)
		}
		q.ring, q.head = grown, 0
	}
	*q.at(q.n) = v
	q.n++
}

func (q *queue[T]) pop() T {
	var zero T
	p := q.at(0)
	v := *p
	*p = zero
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return v
}
