package schema

import (
	"cmp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A NotStreamed is a keyword that Check cannot decide on the raw bytes.
type NotStreamed struct {
	// Keyword points to the keyword, as in Violation.
	Keyword string `json:"keyword"`

	// Reason says in a line why it is not streamed, and what therefore is decoded.
	Reason string `json:"reason"`
}

// Explain returns the keywords that Check cannot decide on the raw bytes, in the order of their places. A value that one of
// them applies to is decoded and left to the validator, which takes more than twenty times as long.
//
// It returns nothing for a schema that is streamed all through, as those built in are. Of such a schema's valid values, only
// those are decoded that have a number of more than 19 digits where its size matters, or that the schema looks at over and
// over, more than 64 times on average at each byte.
func (s *Schema) Explain() (keywords []NotStreamed) {
	for _, n := range s.program.notes {
		keywords = append(keywords, NotStreamed{Keyword: s.author.keyword(n.location), Reason: n.reason})
	}
	slices.SortFunc(keywords, func(a, b NotStreamed) int {
		return cmp.Or(comparePointers(a.Keyword, b.Keyword), strings.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(keywords)
}

// A slowKeyword is one that is not streamed, where the validator has it.
type slowKeyword struct{ location, reason string }

// note says that a keyword of s is not streamed and leaves values of these kinds undecided.
func (p *programmer) note(s *jsonschema.Schema, n *node, keyword string, kinds kind, reason string) {
	n.undecided |= kinds
	p.notes = append(p.notes, slowKeyword{s.Location + "/" + keyword, reason})
}

// giveUp says that because of what stands at a location nothing is streamed at all.
func (p *programmer) giveUp(location, reason string) {
	p.hopeless = true
	p.notes = append(p.notes, slowKeyword{location, reason + ": every value is decoded"})
}

const tooManyDigits = "a number of more than 19 digits: values that it applies to are decoded"
