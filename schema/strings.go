package schema

import (
	"reflect"
	"regexp"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// stringRules are the keywords about strings.
type stringRules struct {
	minLength, maxLength int // in characters; none: -1
	pattern              *regexp.Regexp
	format               func(any) bool
}

// stringRules returns nil if s says nothing about strings.
func (p *programmer) stringRules(s *jsonschema.Schema) *stringRules {
	r := &stringRules{minLength: s.MinLength, maxLength: s.MaxLength, pattern: s.Pattern}
	if formatAsserts(s) {
		r.format = jsonschema.Formats[s.Format]
		if s.Format == "regex" {
			r.format = isPattern
		}
	}
	if r.minLength == none && r.maxLength == none && r.pattern == nil && r.format == nil {
		return nil
	}
	return r
}

// none stands in compiled schemas for a count that is not limited, and for an index where there is nothing.
const none = -1

// formatAsserts reports whether the validator checks the "format" of s: up to draft 7, and where a document does not name
// its draft. What it has decided is in a field that it does not export.
func formatAsserts(s *jsonschema.Schema) bool {
	check := reflect.ValueOf(s).Elem().FieldByName("format")
	return check.IsValid() && !check.IsNil()
}

// string passes the string or key at if it keeps to the rules.
func (w *walk) string(r *stringRules, at int) verdict {
	text := w.decoded(at)
	if r.minLength != none || r.maxLength != none {
		length := utf8.RuneCount(text)
		if length < r.minLength || r.maxLength != none && length > r.maxLength {
			return fail
		}
	}
	if r.pattern != nil && !r.pattern.Match(text) {
		return fail
	}
	if r.format != nil && !r.format(string(text)) { // the one place where a walk takes memory
		return fail
	}
	return pass
}
