package deadletter

import (
	"bytes"
	"slices"

	"github.com/itchyny/gojq"
)

// A reading is a value as it is where the last of equal keys counts, and where the first does.
type reading struct{ last, first any }

func sameKeys(a, b map[string]any) bool {
	for key := range a {
		if _, ok := b[key]; !ok {
			return false
		}
	}
	return len(a) == len(b)
}

// same tells whether two values of gojq's are written in the same way: 1 and 1.0 are not.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || !sameKeys(a, b) {
			return false
		}
		for key := range a {
			if !same(a[key], b[key]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case nil, bool, string:
		return a == b
	}
	switch b.(type) {
	case nil, bool, string, []any, map[string]any:
		return false
	}
	x, _ := gojq.Marshal(a) // numbers: cannot fail
	y, _ := gojq.Marshal(b)
	return bytes.Equal(x, y)
}
