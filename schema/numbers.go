package schema

import (
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// numberRules are the keywords about numbers, nil where there is none.
type numberRules struct {
	minimum, exclusiveMinimum *decimal
	maximum, exclusiveMaximum *decimal
	multipleOf                *decimal
}

// numberRules returns nil if s says nothing about numbers, or nothing that is streamed.
func (p *programmer) numberRules(s *jsonschema.Schema, n *node) *numberRules {
	var r numberRules
	for _, rule := range []struct {
		keyword string
		value   *big.Rat
		field   **decimal
	}{
		{"minimum", s.Minimum, &r.minimum},
		{"exclusiveMinimum", s.ExclusiveMinimum, &r.exclusiveMinimum},
		{"maximum", s.Maximum, &r.maximum},
		{"exclusiveMaximum", s.ExclusiveMaximum, &r.exclusiveMaximum},
		{"multipleOf", s.MultipleOf, &r.multipleOf},
	} {
		if rule.value == nil {
			continue
		}
		number, ok := decimalOf(rule.value)
		if !ok {
			p.note(s, n, rule.keyword, kindNumber, tooManyDigits)
			continue
		}
		*rule.field = &number
	}
	if r == (numberRules{}) {
		return nil
	}
	return &r
}

// number passes the number at if it keeps to the rules.
func (w *walk) number(r *numberRules, at int) verdict {
	number, ok := parseDecimal(w.raw(at))
	if !ok {
		return unknown
	}
	return verdictOf((r.minimum == nil || number.compare(*r.minimum) >= 0) &&
		(r.exclusiveMinimum == nil || number.compare(*r.exclusiveMinimum) > 0) &&
		(r.maximum == nil || number.compare(*r.maximum) <= 0) &&
		(r.exclusiveMaximum == nil || number.compare(*r.exclusiveMaximum) < 0) &&
		(r.multipleOf == nil || number.isMultipleOf(*r.multipleOf)))
}
