package schema

import "github.com/santhosh-tekuri/jsonschema/v5"

// arrayRules are the keywords about arrays.
type arrayRules struct {
	minItems, maxItems       int     // none: -1
	prefix                   []*node // of the first elements: prefixItems, or items up to 2019-09 if that is a list
	rest                     *node   // of the others: items, or additionalItems; nil: anything
	contains                 *node
	minContains, maxContains int  // none: -1
	unique                   bool // which is decided of fewer than two elements only
}

// arrayRules returns nil if s says nothing about arrays.
func (p *programmer) arrayRules(s *jsonschema.Schema, n *node) *arrayRules {
	r := &arrayRules{
		minItems:    s.MinItems,
		maxItems:    s.MaxItems,
		prefix:      p.nodesOf(s.PrefixItems),
		rest:        p.node(s.Items2020),
		contains:    p.node(s.Contains),
		minContains: s.MinContains,
		maxContains: s.MaxContains,
		unique:      s.UniqueItems,
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		r.rest = p.node(items)
	case []*jsonschema.Schema:
		r.prefix = p.nodesOf(items)
		r.rest = p.schemaOrBool(s.AdditionalItems)
	}
	if s.UniqueItems {
		p.notes = append(p.notes, slowKeyword{
			location: s.Location + "/uniqueItems",
			reason:   "every element would be compared with every other: arrays of two elements or more are decoded",
		})
	}
	if s.UnevaluatedItems != nil {
		p.node(s.UnevaluatedItems) // for the loops that may be in it
		p.note(s, n, "unevaluatedItems", kindArray, "it depends on what other keywords have looked at: arrays are decoded")
	}
	if r.minItems == none && r.maxItems == none && len(r.prefix) == 0 && r.rest == nil && r.contains == nil && !r.unique {
		return nil
	}
	return r
}

// schemaOrBool returns the node of a keyword that the compiler gives as nil, bool or *jsonschema.Schema; nil for anything.
func (p *programmer) schemaOrBool(v any) *node {
	switch v := v.(type) {
	case *jsonschema.Schema:
		return p.node(v)
	case bool:
		if !v {
			return new(node) // allows no type
		}
	}
	return nil
}

// array passes the array at if it keeps to the rules.
func (w *walk) array(r *arrayRules, at int) verdict {
	size := int(w.tokens[at].size)
	if size < r.minItems || r.maxItems != none && size > r.maxItems {
		return fail
	}
	element := at + 1
	for i := 0; i < size && (i < len(r.prefix) || r.rest != nil); i++ {
		n := r.rest
		if i < len(r.prefix) {
			n = r.prefix[i]
		}
		if v := w.check(n, element); v != pass {
			return v
		}
		element = int(w.tokens[element].next)
	}
	if r.contains != nil {
		if v := w.containing(r, at); v != pass {
			return v
		}
	}
	if r.unique && size > 1 {
		return unknown
	}
	return pass
}

// containing passes the array at if as many elements as have to are what it has to contain.
func (w *walk) containing(r *arrayRules, at int) verdict {
	found := 0
	for element := range w.elements(at) {
		switch w.check(r.contains, element) {
		case unknown:
			return unknown
		case pass:
			found++
		}
	}
	return verdictOf(found >= r.minContains && (r.maxContains == none || found <= r.maxContains))
}
