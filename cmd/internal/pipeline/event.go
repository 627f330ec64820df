package pipeline

import (
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// event is one record on its way.
type event struct {
	feed   *admission.Feed
	record consumer.Record
	app    *platform.App // nil: unknown
	home   string        // the source topic in whose dead letters it belongs
	user   []byte        // like score, a part of the record, as a rule
	score  []byte        // for the legacy route
	taken  time.Time

	replayed bool               // it came from a replay topic
	origin   *deadletter.Origin // of a replayed letter; nil: it is not one

	attempts  int
	uncertain bool
	last      *msdkclient.Error // the platform's last answer

	refusal *admission.Refusal // why it is given up; nil: it is not
	lost    *loss              // for its letter's span; nil: nobody follows
}

// arrival is a checked event with all that the engine's loop has to know of it
// for the time being. The event itself lies in the cache of another processor.
type arrival struct {
	*event
	number int    // of its lane; noLane: it is refused
	user   uint64 // a number for the batcher
	size   int    // in the body, in bytes
}

// noLane is the number of no lane.
const noLane = -1

// laneOf is the number of the lane of an app's events.
func laneOf(app *platform.App, replayed bool) int {
	if replayed {
		return 2*app.Index + 1
	}
	return 2 * app.Index
}

// userSeed keeps the numbers of users unknown to whoever writes records, so that
// nobody can make many users the same.
var userSeed = maphash.MakeSeed()

func userNumber(user []byte) uint64 { return maphash.Bytes(userSeed, user) }

// spares are events that were settled, to be used again: first those that were
// settled last, which are in the processor's caches. Safe for concurrent use.
type spares struct {
	mu     sync.Mutex
	events []*event
}

const maxSpares = 8192 // events

// take gives each of the piece an event.
func (s *spares) take(piece []arrival) {
	s.mu.Lock()
	n := min(len(piece), len(s.events))
	from := len(s.events) - n
	for i, ev := range s.events[from:] {
		piece[i].event = ev
	}
	s.events = s.events[:from]
	s.mu.Unlock()
	for i := n; i < len(piece); i++ {
		piece[i].event = new(event)
	}
}

// put takes back events whose life has ended.
func (s *spares) put(events []*event) {
	for _, ev := range events {
		*ev = event{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events[:min(len(events), maxSpares-len(s.events))]...)
}

// waits is since when the event has waited for its app.
func (ev *event) waits() time.Time {
	if passed := ev.record.Passed; !passed.IsZero() {
		return passed
	}
	return ev.taken
}

func (ev *event) giveUp(reason deadletter.Reason, detail string) {
	ev.refusal = &admission.Refusal{Reason: reason, Detail: detail}
}

// expire gives an event up that is older than the age; 0: none is. One whose age is not
// known is not.
func (ev *event) expire(now time.Time, maxAge time.Duration) bool {
	if age, known := ev.record.Age(now); maxAge == 0 || !known || age <= maxAge {
		return false
	}
	ev.giveUp(deadletter.Expired, fmt.Sprintf("the record is of %s, older than delivery.max_age %s", ev.record.Time.UTC().Format(time.RFC3339), maxAge))
	return true
}

// letter is the event as a dead letter.
func (ev *event) letter(now time.Time) deadletter.Letter {
	r := &ev.record
	l := deadletter.Letter{
		Key: r.Key, Value: r.Value, Headers: r.Headers,
		Reason:     ev.refusal.Reason,
		Detail:     ev.refusal.Detail,
		Violations: ev.refusal.Violations,
		Attempts:   ev.attempts,
		Delivery:   deadletter.None,
		Source:     deadletter.Source{Topic: r.Partition.Topic, Partition: r.Partition.ID, Offset: r.Offset, Time: r.Time},
		Time:       now,
	}
	if x := r.Excess; x != nil {
		l.Omitted = deadletter.Omitted{Key: x.Key > 0, Value: x.Value > 0, Headers: x.Headers > 0}
	}
	if ev.uncertain {
		l.Delivery = deadletter.Uncertain
	}
	if ev.app != nil {
		l.AppID, l.Route = ev.app.AppID, ev.app.Route
	}
	if ev.last != nil {
		l.HTTPStatus = ev.last.HTTPStatus
		if ev.last.HasRet {
			l.Ret = &ev.last.Ret
		}
	}
	if ev.origin != nil {
		l.Source, l.Replays, l.Previous = ev.origin.Source, ev.origin.Replays, ev.origin.Letter
	}
	return l
}
