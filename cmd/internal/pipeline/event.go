package pipeline

import (
	"sync"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// event is one record on its way.
type event struct {
	record consumer.Record
	source *source
	app    *app   // nil: unknown
	home   string // the source topic in whose dead letters it belongs
	user   string
	score  string // for the legacy route
	taken  time.Time

	replayed bool               // it came from a replay topic
	origin   *deadletter.Origin // of a replayed letter; nil: it is not one

	attempts  int
	uncertain bool
	last      *msdkclient.Error // the platform's last answer

	refusal *refusal // why it is given up; nil: it is not
}

// events are those that are settled, to be used again.
var events = sync.Pool{New: func() any { return new(event) }}

func newEvent(r *consumer.Record, now time.Time) *event {
	ev := events.Get().(*event)
	ev.record, ev.taken = *r, now
	return ev
}

// recycle ends the event's life.
func (ev *event) recycle() {
	*ev = event{}
	events.Put(ev)
}

// refusal is why an event is given up.
type refusal struct {
	reason     deadletter.Reason
	detail     string
	violations []deadletter.Violation
}

// source is a partition as the engine's loop sees it.
type source struct {
	*consumer.Partition
	settled int64 // highest offset settled, -1: none
	inHand  int64 // highest offset that something is being done about; see engine.shed
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
