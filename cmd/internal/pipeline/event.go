package pipeline

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// event is one record on its way.
type event struct {
	feed   *feed
	record consumer.Record
	app    *app   // nil: unknown
	home   string // the source topic in whose dead letters it belongs
	user   []byte // like score, a part of the record, as a rule
	score  []byte // for the legacy route
	taken  time.Time

	replayed bool               // it came from a replay topic
	origin   *deadletter.Origin // of a replayed letter; nil: it is not one

	attempts  int
	uncertain bool
	last      *msdkclient.Error // the platform's last answer

	refusal *refusal // why it is given up; nil: it is not
}

// arrival is a checked event with all that the engine's loop has to know of it
// for the time being. The event itself lies in the cache of another processor.
type arrival struct {
	*event
	lane *lane  // nil: it is refused
	user uint64 // a number for the batcher
	size int    // in the body, in bytes
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

// refusal is why an event is given up.
type refusal struct {
	reason     deadletter.Reason
	detail     string
	violations []deadletter.Violation
}

// waits is since when the event has waited for its app.
func (ev *event) waits() time.Time {
	if passed := ev.record.Passed; !passed.IsZero() {
		return passed
	}
	return ev.taken
}

func (ev *event) giveUp(reason deadletter.Reason, detail string) {
	ev.refusal = &refusal{reason: reason, detail: detail}
}

// letter is the event as a dead letter.
func (ev *event) letter(now time.Time) deadletter.Letter {
	r := &ev.record
	l := deadletter.Letter{
		Key: r.Key, Value: r.Value, Headers: r.Headers,
		Reason:     ev.refusal.reason,
		Detail:     ev.refusal.detail,
		Violations: ev.refusal.violations,
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
