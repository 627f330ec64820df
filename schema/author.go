package schema

import (
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// An author knows how the patterns were written, by the URLs of their documents. Nil if all were written as they are.
type author map[string]*patterns

func (l *library) author() author {
	var a author
	for _, d := range l.documents {
		if d.patterns == nil {
			continue
		}
		if a == nil {
			a = author{}
		}
		a[d.base()] = d.patterns
	}
	return a
}

// keyword returns the pointer to a keyword as the author wrote it; the location is the validator's.
func (a author) keyword(location string) string {
	base, fragment, _ := strings.Cut(location, "#")
	return a[base].written(pointer(fragment))
}

// reword puts the author's patterns into the validator's words, an answer to some value.
func (a author) reword(err error) {
	invalid, ok := err.(*jsonschema.ValidationError)
	if !ok || a == nil {
		return
	}
	for _, leaf := range appendLeaves(nil, invalid) {
		base, _, _ := strings.Cut(leaf.AbsoluteKeywordLocation, "#")
		p := a[base]
		if p == nil {
			continue
		}
		keyword := a.keyword(leaf.AbsoluteKeywordLocation)
		leaf.AbsoluteKeywordLocation = base + "#" + strings.ReplaceAll(keyword, "%", "%25")
		if pattern, ok := p.texts[keyword]; ok {
			leaf.Message = "does not match pattern " + quoted(pattern)
		}
	}
}

// quoted returns text between quotes, as the validator quotes.
func quoted(text string) string {
	text = strings.ReplaceAll(strconv.Quote(text), `\"`, `"`)
	return "'" + strings.ReplaceAll(text[1:len(text)-1], "'", `\'`) + "'"
}
