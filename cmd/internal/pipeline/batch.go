package pipeline

import (
	"iter"
	"time"

	"github.com/battlereport/battlereport/batcher"
	"github.com/battlereport/battlereport/cmd/internal/platform"
)

type item = *batcher.Item[*event]

// batch is events that go together, each user's side by side. Items are those
// that the next call sends. Where they are all of one user, rest may be what
// follows of that user, last first.
type batch struct {
	app      *platform.App
	replayed bool // it is of replayed letters
	items    []item
	rest     [][]item

	due      time.Time
	named    string    // the user in the URL of the call under way
	probe    bool      // the call under way decides about the breaker
	schedule *schedule // of the items' retries

	since   time.Time // see history
	failed  time.Time
	strikes int
	suspect bool

	calls int        // begun with its items in them
	span  *batchSpan // nil: nobody follows
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

// halve takes the later half off, as a batch of its own. A user's events must be
// delivered in order: where all are of one user the later half becomes the rest,
// and other is nil.
func (b *batch) halve() (other *batch) {
	middle := (len(b.items) + 1) / 2
	for d := range middle { // the boundary between two users that is next to the middle
		for _, at := range [...]int{middle - d, middle + d} {
			if at < len(b.items) && b.items[at-1].User != b.items[at].User {
				return b.cut(at)
			}
		}
	}
	b.behind(middle)
	return nil
}

// first takes off all but the first event and, behind it, what follows of its
// user.
func (b *batch) first() (other *batch) {
	at := 1
	for at < len(b.items) && b.items[at].User == b.items[0].User {
		at++
	}
	if at < len(b.items) {
		other = b.cut(at)
	}
	if len(b.items) > 1 {
		b.behind(1)
	}
	return other
}

// cut takes off the items from a number on, of other users than those before.
func (b *batch) cut(at int) (other *batch) {
	half := *b
	half.items, half.rest = b.items[at:], nil
	half.schedule = b.schedule.clone()
	b.items = b.items[:at:at]
	return &half
}

// behind has the items from a number on follow when those before have come to an
// end.
func (b *batch) behind(at int) {
	b.rest = append(b.rest, b.items[at:])
	b.items = b.items[:at:at]
}

// advance goes on with the rest, if there is any. What the batch is suspect of
// may well be in there.
func (b *batch) advance() bool {
	n := len(b.rest)
	if n == 0 {
		return false
	}
	b.items, b.rest = b.rest[n-1], b.rest[:n-1]
	b.failed, b.strikes = time.Time{}, 0
	b.calls = b.items[0].Value.attempts // all of them have had the same
	b.schedule.Reset()
	b.span.advanced(b)
	return true
}

// history is what the batch has met, for [judge].
func (b *batch) history(now time.Time) history {
	return history{
		records: len(b.items),
		waited:  now.Sub(b.items[0].Value.taken),
		elapsed: b.schedule.GetElapsedTime(),
		since:   b.since,
		failed:  b.failed,
		strikes: b.strikes,
		suspect: b.suspect,
	}
}

// met notes a failure, and what is thought of it.
func (b *batch) met(now time.Time, v verdict) {
	if b.since.IsZero() {
		b.since = now
	}
	if !b.suspect {
		b.failed = now
	}
	b.strikes, b.suspect = v.strikes, v.suspect
}
