package schema

import (
	"maps"
	"slices"
)

// A nameTable finds what a schema says of members by their names. With a map alone a record of the built-in schemas takes
// 1.1 to 1.2 times as long (BenchmarkWalk).
type nameTable struct {
	byLength [][]name         // those of one length are compared one by one …
	byText   map[string]*name // … or, where too many have the same, all are hashed
}

// A name is one that "properties" or "required" mentions.
type name struct {
	text     string
	node     *node // nil if it is not among the properties
	required int   // 1 or 0
}

const maxSameLength = 8

func newNameTable(names map[string]*name) (t nameTable) {
	for _, text := range slices.Sorted(maps.Keys(names)) {
		for len(t.byLength) <= len(text) {
			t.byLength = append(t.byLength, nil)
		}
		t.byLength[len(text)] = append(t.byLength[len(text)], *names[text])
		if len(t.byLength[len(text)]) > maxSameLength {
			return nameTable{byText: names}
		}
	}
	return t
}

// find returns what is said of that name, or nil.
func (t *nameTable) find(text []byte) *name {
	if t.byText != nil {
		return t.byText[string(text)]
	}
	if len(text) >= len(t.byLength) {
		return nil
	}
	sameLength := t.byLength[len(text)]
	for i := range sameLength {
		if sameLength[i].text == string(text) {
			return &sameLength[i]
		}
	}
	return nil
}
