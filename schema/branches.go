package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// branches are other schemas that apply to the same value.
type branches struct {
	all       []*node // $ref, allOf
	any       []*node // anyOf
	one       []*node // oneOf
	not       *node
	condition *node // if
	then      *node
	otherwise *node // else
}

// branches returns nil if no other schema applies.
func (p *programmer) branches(s *jsonschema.Schema) *branches {
	b := &branches{
		all:       p.nodesOf(s.AllOf),
		any:       p.nodesOf(s.AnyOf),
		one:       p.nodesOf(s.OneOf),
		not:       p.node(s.Not),
		condition: p.node(s.If),
		then:      p.node(s.Then),
		otherwise: p.node(s.Else),
	}
	if s.Ref != nil {
		b.all = append(b.all, p.node(s.Ref))
	}
	if len(b.all)+len(b.any)+len(b.one) == 0 && b.not == nil && b.condition == nil {
		return nil
	}
	return b
}

// branch passes the value at if the branches allow it.
func (w *walk) branch(b *branches, at int) verdict {
	for _, n := range b.all {
		if v := w.check(n, at); v != pass {
			return v
		}
	}
	if len(b.any) > 0 {
		if v := w.anyOf(b.any, at); v != pass {
			return v
		}
	}
	if len(b.one) > 0 {
		if v := w.oneOf(b.one, at); v != pass {
			return v
		}
	}
	if b.not != nil {
		if v := w.check(b.not, at).opposite(); v != pass {
			return v
		}
	}
	if b.condition != nil {
		return w.conditional(b, at)
	}
	return pass
}

func (w *walk) anyOf(nodes []*node, at int) verdict {
	found := fail
	for _, n := range nodes {
		if found = max(found, w.check(n, at)); found == pass {
			break
		}
	}
	return found
}

func (w *walk) oneOf(nodes []*node, at int) verdict {
	passed, undecided := 0, 0
	for _, n := range nodes {
		switch w.check(n, at) {
		case pass:
			passed++
		case unknown:
			undecided++
		}
	}
	switch {
	case passed > 1:
		return fail
	case undecided > 0:
		return unknown
	}
	return verdictOf(passed == 1)
}

func (w *walk) conditional(b *branches, at int) verdict {
	next := b.then
	switch w.check(b.condition, at) {
	case unknown:
		return unknown
	case fail:
		next = b.otherwise
	}
	if next == nil {
		return pass
	}
	return w.check(next, at)
}

// noteLoops gives up on schemas one of which leads back to itself without going into the value. The validator calls that
// an error as soon as it gets there, even in a branch that need not be looked at.
func (p *programmer) noteLoops() {
	const (
		begun = 1 + iota
		done
	)
	state := map[*jsonschema.Schema]int{}
	var visit func(*jsonschema.Schema)
	visit = func(s *jsonschema.Schema) {
		switch {
		case s == nil || state[s] == done:
			return
		case state[s] == begun:
			p.giveUp(s.Location, "it leads back to itself")
			return
		}
		state[s] = begun
		for _, next := range samePlace(s) {
			visit(next)
		}
		state[s] = done
	}
	byPlace := func(a, b *jsonschema.Schema) int { return strings.Compare(a.Location, b.Location) }
	for _, s := range slices.SortedFunc(maps.Keys(p.nodes), byPlace) {
		visit(s)
	}
}

// samePlace returns the schemas, some of them nil, that s applies to the value it is itself applied to.
func samePlace(s *jsonschema.Schema) []*jsonschema.Schema {
	schemas := []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else}
	schemas = append(schemas, s.AllOf...)
	schemas = append(schemas, s.AnyOf...)
	schemas = append(schemas, s.OneOf...)
	for _, dependent := range s.DependentSchemas {
		schemas = append(schemas, dependent)
	}
	for _, dependent := range s.Dependencies {
		if dependent, ok := dependent.(*jsonschema.Schema); ok {
			schemas = append(schemas, dependent)
		}
	}
	return schemas
}
