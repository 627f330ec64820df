package schema

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// violationsOf returns what err, the validator's answer to v, has against it: the first violations, and how many there are
// in all.
//
// The validator answers with a tree, in which a node says no more than that its causes made it fail, and walks maps in
// random order. Out come its leaves, in the order of their places in the value, each once.
func violationsOf(err error, v any) ([]Violation, int) {
	var tree *jsonschema.ValidationError
	if !errors.As(err, &tree) {
		// A schema that leads the validator in a circle, or to a panic: nobody can say that the value is valid.
		return []Violation{{Message: oneLine(err.Error(), maxMessage)}}, 1
	}
	leaves := appendLeaves(nil, tree)
	slices.SortFunc(leaves, compareLeaves)
	leaves = slices.CompactFunc(leaves, func(a, b *jsonschema.ValidationError) bool { return compareLeaves(a, b) == 0 })
	violations := make([]Violation, min(len(leaves), maxViolations))
	for i := range violations {
		_, keyword, _ := strings.Cut(leaves[i].AbsoluteKeywordLocation, "#")
		violations[i] = Violation{
			Instance: nearest(v, pointer(leaves[i].InstanceLocation)),
			Keyword:  pointer(keyword),
			Message:  oneLine(leaves[i].Message, maxMessage),
		}
	}
	return violations, len(leaves)
}

func appendLeaves(leaves []*jsonschema.ValidationError, node *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(node.Causes) == 0 {
		return append(leaves, node)
	}
	for _, cause := range node.Causes {
		leaves = appendLeaves(leaves, cause)
	}
	return leaves
}

func compareLeaves(a, b *jsonschema.ValidationError) int {
	return cmp.Or(
		comparePointers(a.InstanceLocation, b.InstanceLocation),
		strings.Compare(a.AbsoluteKeywordLocation, b.AbsoluteKeywordLocation),
		strings.Compare(a.Message, b.Message),
	)
}

// comparePointers puts what contains before what it contains, and array elements in their order.
func comparePointers(a, b string) int {
	for a != "" && b != "" {
		var tokenA, tokenB string
		tokenA, a = cutToken(a)
		tokenB, b = cutToken(b)
		if c := compareTokens(tokenA, tokenB); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// cutToken returns the first token of a pointer that has one, and the pointer behind it.
func cutToken(p string) (token, rest string) {
	if i := strings.IndexByte(p[1:], '/'); i >= 0 {
		return p[1 : 1+i], p[1+i:]
	}
	return p[1:], ""
}

// compareTokens orders array indexes by number, and puts them before all other tokens.
func compareTokens(a, b string) int {
	switch indexA, indexB := isIndex(a), isIndex(b); {
	case indexA && indexB:
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	case indexA:
		return -1
	case indexB:
		return 1
	}
	return strings.Compare(a, b)
}

// isIndex reports whether a pointer's token may be an array index.
func isIndex(token string) bool {
	return token != "" && strings.Trim(token, "0123456789") == "" && (token == "0" || token[0] != '0')
}

// pointer returns the JSON Pointer that the validator writes as a URL fragment.
func pointer(fragment string) string {
	if p, err := url.PathUnescape(fragment); err == nil {
		return p
	}
	return fragment
}

// nearest returns p, or if that has more than maxPointer bytes or leads nowhere in v, as much of p as has not and does.
//
// Those of the validator's pointers lead nowhere that have passed an empty key, which it leaves out.
func nearest(v any, p string) string {
	for rest := p; rest != ""; {
		at := len(p) - len(rest)
		var token string
		token, rest = cutToken(rest)
		inside, ok := child(v, token)
		if !ok || len(p)-len(rest) > maxPointer {
			return p[:at]
		}
		v = inside
	}
	return p
}

// unescaped undoes the escapes of a JSON Pointer's token.
var unescaped = strings.NewReplacer("~1", "/", "~0", "~")

// child returns the member or element of v that a pointer's token names.
func child(v any, token string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		inside, ok := v[unescaped.Replace(token)]
		return inside, ok
	case []any:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(v) {
			return v[i], true
		}
	}
	return nil, false
}
