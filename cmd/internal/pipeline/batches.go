package pipeline

import (
	"container/heap"
	"time"
)

// batches are waiting to be sent again, by due time.
type batches []*batch

func (h batches) Len() int           { return len(h) }
func (h batches) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h batches) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *batches) Push(x any)        { *h = append(*h, x.(*batch)) }
func (h *batches) Pop() any {
	old := *h
	b := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return b
}

func (h *batches) add(b *batch) { heap.Push(h, b) }

// due tells whether the time of the first has come.
func (h batches) due(now time.Time) bool { return len(h) > 0 && !h[0].due.After(now) }

func (h *batches) next() *batch { return heap.Pop(h).(*batch) }

// filter asks keep about each batch and drops the others.
func (h *batches) filter(keep func(*batch) bool) {
	kept := (*h)[:0]
	for _, b := range *h {
		if keep(b) {
			kept = append(kept, b)
		}
	}
	clear((*h)[len(kept):])
	*h = kept
	heap.Init(h)
}
