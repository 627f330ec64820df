package triage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

// A Plan is what is going to be done about letters, or was done. It takes constant memory.
type Plan struct {
	Letters  int64            // to be done
	Repaired int64            // of these
	Bytes    int64            // of their values
	Rounded  int64            // of these, with a number that was rounded
	Rounding Example          // the first of them
	Targets  map[string]int64 // the topics they go to
	Dropped  map[string]int64 // headers that they go without, by name

	reasons, apps *counts[string]
	obstacles     map[string]*Hindered

	Sample []resolve.Replay // the first few
}

// Hindered is the letters that an obstacle of a kind stands against.
type Hindered struct {
	Kind     string    `json:"kind"`
	Letters  int64     `json:"letters"`
	Examples []Example `json:"examples"` // the first few
}

// Example is a letter of many, and what is to be said of it: which obstacle stands against it, or which number was rounded.
type Example struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

const (
	sampleSize   = 5
	exampleCount = 3
)

// NewPlan returns a plan to do nothing.
func NewPlan() *Plan {
	return &Plan{
		Targets: map[string]int64{}, Dropped: map[string]int64{}, obstacles: map[string]*Hindered{},
		reasons: newCounts[string](maxNames), apps: newCounts[string](maxNames),
	}
}

// Add takes a letter into the plan.
func (p *Plan) Add(replay resolve.Replay) {
	e := &replay.Entry
	p.Letters++
	p.Bytes += int64(len(e.Letter.Value))
	if replay.Repaired {
		p.Repaired++
		p.round(e.Name.String(), e.Letter.Value, replay.Value)
	}
	if replay.Topic != "" {
		p.Targets[replay.Topic]++
	}
	cause := causeOf(e)
	p.reasons.add(cause.reason)
	if e.Foreign == "" {
		p.apps.add(cause.appID)
	}
	if len(p.Sample) < sampleSize {
		p.Sample = append(p.Sample, replay)
	}
}

// Drop notes that a letter of the plan loses those of its headers that have these names.
func (p *Plan) Drop(l *deadletter.Letter, names []string) {
	for _, name := range names {
		if slices.ContainsFunc(l.Headers, func(h consumer.Header) bool { return h.Key == name }) {
			p.Dropped[name]++
		}
	}
}

// Droppings says of each of these names how many letters lose a header that has it, which may be none.
func (p *Plan) Droppings(names []string) []Count {
	list := make([]Count, len(names))
	for i, name := range names {
		list[i] = Count{name, p.Dropped[name]}
	}
	return list
}

// round notes whether the letter's new value has a number that was rounded.
func (p *Plan) round(name string, before, after []byte) {
	rounding, found := roundingIn(before, after)
	if !found {
		return
	}
	if p.Rounded++; p.Rounded == 1 {
		p.Rounding = Example{name, rounding.String()}
	}
}

// Hinder notes that an obstacle stands against a letter.
func (p *Plan) Hinder(name string, o *Obstacle) {
	h := p.obstacles[o.Kind]
	if h == nil {
		h = &Hindered{Kind: o.Kind}
		p.obstacles[o.Kind] = h
	}
	h.Letters++
	if len(h.Examples) < exampleCount {
		h.Examples = append(h.Examples, Example{name, o.Detail})
	}
}

// Obstacles returns what stands against letters of those that were asked for, but for those that are resolved already.
func (p *Plan) Obstacles() []Hindered { return p.hindered(false) }

// Resolved returns what was resolved already.
func (p *Plan) Resolved() []Hindered { return p.hindered(true) }

func (p *Plan) hindered(resolved bool) []Hindered {
	list := []Hindered{}
	for _, h := range p.obstacles {
		if (&Obstacle{Kind: h.Kind}).Resolved() == resolved {
			list = append(list, *h)
		}
	}
	slices.SortFunc(list, func(a, b Hindered) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), strings.Compare(a.Kind, b.Kind))
	})
	return list
}

// Total is how many letters a list speaks of.
func Total(list []Hindered) (n int64) {
	for _, h := range list {
		n += h.Letters
	}
	return n
}

// Reasons counts the letters to be done by their reasons, the most frequent first.
func (p *Plan) Reasons() []Count { return ranked(p.reasons) }

// Apps counts them by their apps, likewise.
func (p *Plan) Apps() []Count { return ranked(p.apps) }
