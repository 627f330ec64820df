package schema

import (
	"regexp"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// objectRules are the keywords about objects.
type objectRules struct {
	minProperties, maxProperties int // none: -1
	names                        nameTable
	required                     int // how many of the names are required
	patterns                     []patternRule
	additional                   *node // of members that neither properties nor patternProperties names; nil: anything
	keys                         *node // propertyNames
	dependents                   []dependentRule
}

// A patternRule is one member of patternProperties.
type patternRule struct {
	name *regexp.Regexp
	node *node
}

// A dependentRule says what a member of that name asks of its object: one member of dependentRequired, dependentSchemas
// or, up to draft 7, dependencies.
type dependentRule struct {
	name     string
	required []string
	node     *node
}

// objectRules returns nil if s says nothing about objects.
func (p *programmer) objectRules(s *jsonschema.Schema, n *node) *objectRules {
	if s.UnevaluatedProperties != nil {
		p.node(s.UnevaluatedProperties) // for the loops that may be in it
		p.note(s, n, "unevaluatedProperties", kindObject, "it depends on what other keywords have looked at: objects are decoded")
	}
	if s.RegexProperties {
		p.note(s, n, "regexProperties", kindObject, "it is of no standard: objects are decoded")
	}
	r := &objectRules{
		minProperties: s.MinProperties,
		maxProperties: s.MaxProperties,
		additional:    p.schemaOrBool(s.AdditionalProperties),
		keys:          p.node(s.PropertyNames),
	}
	names := map[string]*name{}
	for text, property := range s.Properties {
		names[text] = &name{text: text, node: p.node(property)}
	}
	for _, text := range s.Required {
		if names[text] == nil {
			names[text] = &name{text: text}
		}
		names[text].required = 1
	}
	for _, name := range names {
		r.required += name.required
	}
	r.names = newNameTable(names)
	for name, property := range s.PatternProperties {
		r.patterns = append(r.patterns, patternRule{name, p.node(property)})
	}
	r.dependents = p.dependentRules(s)
	if r.minProperties == none && r.maxProperties == none && len(names)+len(r.patterns)+len(r.dependents) == 0 &&
		r.additional == nil && r.keys == nil {
		return nil
	}
	return r
}

func (p *programmer) dependentRules(s *jsonschema.Schema) (rules []dependentRule) {
	for name, required := range s.DependentRequired {
		rules = append(rules, dependentRule{name: name, required: required})
	}
	for name, dependent := range s.DependentSchemas {
		rules = append(rules, dependentRule{name: name, node: p.node(dependent)})
	}
	for name, dependent := range s.Dependencies {
		rule := dependentRule{name: name}
		switch dependent := dependent.(type) {
		case []string:
			rule.required = dependent
		case *jsonschema.Schema:
			rule.node = p.node(dependent)
		}
		rules = append(rules, rule)
	}
	return rules
}

// object passes the object at if it keeps to the rules.
func (w *walk) object(r *objectRules, at int) verdict {
	size := int(w.tokens[at].size)
	if size < max(r.minProperties, r.required) || r.maxProperties != none && size > r.maxProperties {
		return fail
	}
	missing := r.required // no name stands twice, so counting will do
	for key := range w.members(at) {
		additional := true
		if name := r.names.find(w.decoded(key)); name != nil {
			missing -= name.required
			if name.node != nil {
				additional = false
				if v := w.check(name.node, key+1); v != pass {
					return v
				}
			}
		}
		for i := range r.patterns {
			if r.patterns[i].name.Match(w.decoded(key)) {
				additional = false
				if v := w.check(r.patterns[i].node, key+1); v != pass {
					return v
				}
			}
		}
		if additional && r.additional != nil {
			if v := w.check(r.additional, key+1); v != pass {
				return v
			}
		}
		if r.keys != nil {
			if v := w.check(r.keys, key); v != pass {
				return v
			}
		}
	}
	if missing > 0 {
		return fail
	}
	return w.dependents(r.dependents, at)
}

func (w *walk) dependents(rules []dependentRule, at int) verdict {
	for i := range rules {
		rule := &rules[i]
		if w.member(at, rule.name) == none {
			continue
		}
		for _, name := range rule.required {
			if w.member(at, name) == none {
				return fail
			}
		}
		if rule.node != nil {
			if v := w.check(rule.node, at); v != pass {
				return v
			}
		}
	}
	return pass
}
