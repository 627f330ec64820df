package letters

import (
	"strings"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// Stats is what can be said of many letters at once. Lists are by falling count, and bounded: what does not fit is
// counted in "others".
type Stats struct {
	Letters int64     `json:"letters"`
	Players Players   `json:"players"`
	First   time.Time `json:"first,omitzero"` // when the first and the last were given up
	Last    time.Time `json:"last,omitzero"`

	Wave *Wave `json:"wave,omitempty"` // the last; none without letters

	States     []Count          `json:"states"`
	Reasons    []Count          `json:"reasons"` // foreign records included, as "foreign"
	Apps       []Count          `json:"apps"`    // those without an app as ""
	Rets       []Count          `json:"rets"`    // those without one are not counted
	Deliveries []Count          `json:"deliveries"`
	Violations []ViolationCount `json:"violations"` // a letter may have several, each counts once

	OtherViolations int64 `json:"other_violations,omitempty"`

	StepSeconds int64    `json:"step_seconds"`
	Timeline    []Bucket `json:"timeline"` // of that many seconds each; those without letters are left out
}

// Players is how many have letters, by the openid that is a record's key.
type Players struct {
	Count       int64 `json:"count"`
	Approximate bool  `json:"approximate,omitempty"`
}

// Count is how many letters have something in common.
type Count struct {
	Name    string `json:"name"`
	Letters int64  `json:"letters"`
}

// ViolationCount is how many letters have a violation.
type ViolationCount struct {
	Violation
	Letters int64 `json:"letters"`
}

// Bucket is how many letters were given up in a step of time.
type Bucket struct {
	Time    time.Time `json:"time"` // when it begins
	Letters int64     `json:"letters"`
}

// Bounds of what is told apart, and of what of that is returned.
const (
	maxNames      = 1000
	topNames      = 50
	maxViolations = 2000
	topViolations = 50
	maxCauses     = 256
)

// Counter counts letters. It takes constant memory, at most some 60 MiB. It is for one goroutine.
type Counter struct {
	letters     int64
	first, last time.Time
	players     *players

	states, reasons, apps, rets, deliveries *counts[string]

	violations *counts[violationKey]
	messages   map[violationKey]string

	causes   *counts[causeKey]
	ids      map[causeKey]int // in the timeline; 0 is what was dropped
	dropped  map[int]bool
	lastID   int
	timeline *timeline
}

// NewCounter returns a counter of nothing.
func NewCounter() *Counter {
	c := &Counter{
		players:    newPlayers(exactPlayers),
		states:     newCounts[string](maxNames),
		reasons:    newCounts[string](maxNames),
		apps:       newCounts[string](maxNames),
		rets:       newCounts[string](maxNames),
		deliveries: newCounts[string](maxNames),
		violations: newCounts[violationKey](maxViolations),
		messages:   map[violationKey]string{},
		causes:     newCounts[causeKey](maxCauses),
		ids:        map[causeKey]int{},
		dropped:    map[int]bool{},
		timeline:   newTimeline(maxCells),
	}
	c.violations.dropped = func(key violationKey) { delete(c.messages, key) }
	c.causes.dropped = func(key causeKey) {
		c.dropped[c.ids[key]] = true
		delete(c.ids, key)
	}
	return c
}

// Add counts a letter. It keeps nothing of it.
func (c *Counter) Add(e *deadletter.Entry) {
	at := When(e)
	c.letters++
	if c.first.IsZero() || at.Before(c.first) {
		c.first = at
	}
	if at.After(c.last) {
		c.last = at
	}
	c.states.add(string(e.State))
	cause := causeOf(e)
	c.reasons.add(cause.reason)
	if e.Foreign == "" {
		c.apps.add(cause.appID)
		c.deliveries.add(string(e.Letter.Delivery))
		if cause.ret != "" {
			c.rets.add(cause.ret)
		}
		if !e.Letter.Omitted.Key {
			c.players.add(e.Letter.Key)
		}
		c.addViolations(e.Letter.Violations)
	}
	c.timeline.add(at, c.id(cause))
}

// When returns when a letter was given up; of a record that is none, when it came into the topic.
func When(e *deadletter.Entry) time.Time {
	if e.Foreign != "" {
		return e.Written
	}
	return e.Letter.Time
}

func (c *Counter) addViolations(violations []deadletter.Violation) {
	for i, v := range violations {
		key := keyOf(v)
		again := false
		for _, before := range violations[:i] {
			again = again || keyOf(before) == key
		}
		if again {
			continue
		}
		c.violations.add(key)
		if _, known := c.messages[key]; !known {
			c.messages[key] = v.Message
		}
	}
}

// id returns the number that a cause has in the timeline.
func (c *Counter) id(cause causeKey) int {
	c.causes.add(cause)
	if len(c.dropped) > 0 {
		c.timeline.rename(c.dropped, 0)
		clear(c.dropped)
	}
	id, known := c.ids[cause]
	if !known {
		c.lastID++
		id = c.lastID
		c.ids[cause] = id
	}
	return id
}

// Stats returns what was counted, as it looks at a time.
func (c *Counter) Stats(now time.Time) Stats {
	s := Stats{
		Letters: c.letters, Players: c.players.count(), First: c.first.UTC(), Last: c.last.UTC(),
		States: names(c.states), Reasons: names(c.reasons), Apps: names(c.apps), Rets: names(c.rets), Deliveries: names(c.deliveries),
		Violations:  []ViolationCount{},
		StepSeconds: c.timeline.step, Timeline: c.timeline.total(),
	}
	top, others := c.violations.top(topViolations, violationKey.compare)
	for _, v := range top {
		s.Violations = append(s.Violations, ViolationCount{c.violation(v.key), v.n})
	}
	s.OtherViolations = others
	s.Wave = c.wave(s.Timeline, now)
	return s
}

func names(c *counts[string]) []Count {
	top, rest := c.top(topNames, strings.Compare)
	out := make([]Count, 0, len(top)+1)
	for _, t := range top {
		out = append(out, Count{t.key, t.n})
	}
	if rest > 0 {
		out = append(out, Count{others, rest})
	}
	return out
}

func (c *Counter) violation(key violationKey) Violation {
	return Violation{Instance: key.instance, Keyword: key.keyword, Message: c.messages[key]}
}

func (c *Counter) cause(key causeKey) Cause {
	cause := Cause{Reason: key.reason, AppID: key.appID, Ret: key.ret, HTTPStatus: key.httpStatus}
	if key.violation != (violationKey{}) {
		v := c.violation(key.violation)
		cause.Violation = &v
	}
	return cause
}
