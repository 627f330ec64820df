package triage

import (
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// Bounds of what is told apart, and of what of that is returned.
const (
	maxNames    = 1000
	topNames    = 50
	maxPatterns = 2000
	topPatterns = 50
	maxCauses   = 256
)

// Counter counts letters. It takes constant memory, at most some 60 MiB. It is for one goroutine.
type Counter struct {
	letters     int64
	noTime      int64     // of these
	first, last time.Time // of the others
	players     *players

	states, reasons, apps, rets, deliveries *counts[string]

	patterns *counts[patternKey]
	messages map[patternKey]string

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
		patterns:   newCounts[patternKey](maxPatterns),
		messages:   map[patternKey]string{},
		causes:     newCounts[causeKey](maxCauses),
		ids:        map[causeKey]int{},
		dropped:    map[int]bool{},
		timeline:   newTimeline(maxCells),
	}
	c.patterns.dropped = func(key patternKey) { delete(c.messages, key) }
	c.causes.dropped = func(key causeKey) {
		c.dropped[c.ids[key]] = true
		delete(c.ids, key)
	}
	return c
}

// Add counts a letter. It keeps nothing of it.
func (c *Counter) Add(e *deadletter.Entry) {
	c.letters++
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
		c.addPatterns(e.Letter.Violations)
	}
	at := When(e)
	if at.IsZero() {
		c.noTime++
		return
	}
	if c.first.IsZero() || at.Before(c.first) {
		c.first = at
	}
	if at.After(c.last) {
		c.last = at
	}
	c.timeline.add(at, c.id(cause))
}

func (c *Counter) addPatterns(violations []deadletter.Violation) {
	for i, v := range violations {
		key := patternOf(v)
		again := false
		for _, before := range violations[:i] {
			again = again || patternOf(before) == key
		}
		if again {
			continue
		}
		c.patterns.add(key)
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
		Letters: c.letters, Players: c.players.count(), NoTime: c.noTime, First: c.first.UTC(), Last: c.last.UTC(),
		States: ranked(c.states), Reasons: ranked(c.reasons), Apps: ranked(c.apps), Rets: ranked(c.rets), Deliveries: ranked(c.deliveries),
		Patterns:    []PatternCount{},
		StepSeconds: c.timeline.step, Timeline: c.timeline.total(),
	}
	top, others := c.patterns.top(topPatterns, patternKey.compare)
	for _, v := range top {
		s.Patterns = append(s.Patterns, PatternCount{c.pattern(v.key), v.n})
	}
	s.OtherPatterns = others
	s.leaveOut(now.Add(consumer.MaxAhead))
	s.Wave = c.wave(s.Timeline, now)
	return s
}

// leaveOut takes letters after a time, which is to come, for ones without a time.
func (s *Stats) leaveOut(after time.Time) {
	n := len(s.Timeline)
	for n > 0 && s.Timeline[n-1].Time.After(after) {
		n--
		s.NoTime += s.Timeline[n].Letters
	}
	switch {
	case n == len(s.Timeline):
		return
	case n == 0:
		s.First, s.Last = time.Time{}, time.Time{}
	default:
		s.Last = s.Timeline[n-1].Time // as far as it is known
	}
	s.Timeline = s.Timeline[:n]
}

// ranked returns names by falling count, what has no room last.
func ranked(c *counts[string]) []Count {
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

func (c *Counter) pattern(key patternKey) Pattern {
	return Pattern{Instance: key.instance, Keyword: key.keyword, Message: c.messages[key]}
}

func (c *Counter) cause(key causeKey) Cause {
	cause := Cause{Reason: key.reason, AppID: key.appID, Ret: key.ret, HTTPStatus: key.httpStatus}
	if key.pattern != (patternKey{}) {
		p := c.pattern(key.pattern)
		cause.Pattern = &p
	}
	return cause
}
