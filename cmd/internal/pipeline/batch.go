package pipeline

import (
	"container/heap"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/msdkclient"
)

type item = *batcher.Item[*event]

// batch is events that go together. After a split, items are those that the
// next call sends and rest what follows, last first.
type batch struct {
	lane  *lane
	items []item
	rest  [][]item

	due      time.Time
	named    string // the user in the URL of the call under way
	probe    bool   // the call under way decides about the breaker
	schedule *backoff.ExponentialBackOff

	failed     time.Time // when these items first failed; zero: not yet
	sameStatus int       // how often in a row with the same server error
	status     int       // that error
	suspect    bool      // it was split for failing where others succeed
}

// users are those of the next call, each as often as it has events.
func (b *batch) users() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, it := range b.items {
			if !yield(it.Value.user) {
				return
			}
		}
	}
}

func eventsOf(items []item) iter.Seq[*event] {
	return func(yield func(*event) bool) {
		for _, it := range items {
			if !yield(it.Value) {
				return
			}
		}
	}
}

// split halves the items. The earlier half goes first: a user with events in
// both must see them delivered in order.
func (b *batch) split(at int) {
	b.rest = append(b.rest, b.items[at:])
	b.items = b.items[:at:at]
	b.fresh()
}

// advance goes on with the rest, if there is any.
func (b *batch) advance() bool {
	n := len(b.rest)
	if n == 0 {
		return false
	}
	b.items, b.rest = b.rest[n-1], b.rest[:n-1]
	b.fresh()
	return true
}

func (b *batch) fresh() { b.failed, b.sameStatus = time.Time{}, 0 }

// Failures in a row with the same server error after which a batch is suspect.
const suspicious = 3

// suspicion notes a failure and tells whether it looks like the content's
// fault: the same server error again and again, while other batches of the app
// have succeeded since.
func (b *batch) suspicion(now time.Time, err *msdkclient.Error, lastSuccess time.Time) bool {
	if b.failed.IsZero() {
		b.failed = now
	}
	if err.HTTPStatus < 500 || err.HTTPStatus != b.status {
		b.sameStatus = 0
	}
	b.status = err.HTTPStatus
	if err.HTTPStatus < 500 {
		return false
	}
	b.sameStatus++
	return (b.sameStatus >= suspicious || b.suspect) && lastSuccess.After(b.failed)
}

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
