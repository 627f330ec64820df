package triage

import (
	"cmp"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// Pattern is what violations of a kind have in common. Instance is the JSON Pointer into the value with a * for each
// number in it; Message is of the first that was seen.
type Pattern struct {
	Instance string `json:"instance"`
	Keyword  string `json:"keyword"`
	Message  string `json:"message"`
}

// String is the pattern in a line, fit to be shown.
func (p Pattern) String() string {
	place := p.Instance
	if place == "" {
		place = "the value"
	}
	return words.Visible(place + ": " + p.Message)
}

// patternKey is what makes two violations one pattern: not the message, which may quote the value.
type patternKey struct{ instance, keyword string }

func patternOf(v deadletter.Violation) patternKey { return patternKey{wild(v.Instance), v.Keyword} }

// wild puts a * for each token of a pointer that is a number: an index, or what players number.
func wild(pointer string) string {
	if !strings.ContainsAny(pointer, "0123456789") {
		return pointer
	}
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		if i > 0 && token != "" && strings.Trim(token, "0123456789") == "" {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, "/")
}

func (k patternKey) compare(other patternKey) int {
	return cmp.Or(strings.Compare(k.instance, other.instance), strings.Compare(k.keyword, other.keyword))
}
