package deadletter

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/itchyny/gojq"

	"github.com/battlereport/battlereport/schema"
)

// A splice writes what an expression has made of a text: what it has left as it was keeps its bytes, the rest is compact
// JSON. It takes a value by two readings of the text, see [tree.first]: what is left is so by both, and in what the
// expression has made they must agree.
type splice struct {
	text   []byte
	root   *tree
	doubts doubts
	again  int // see [tree.first]

	out    []byte
	copies []copied
	doubt  *DoubtError // the first, that the output does not show
}

// copied is a part of the text that stands in the output from an offset on.
type copied struct {
	span
	at int
}

// takesOne notes that the output depends on which of two equal keys is read.
func (s *splice) takesOne() {
	s.note("a key stands twice in one object", s.again, ", and the result depends on which of them is read")
}

// losesHalf notes that U+FFFD is written in the place of t where half of a surrogate pair may have been read.
func (s *splice) losesHalf(t *tree) {
	at := s.doubts.halves[0]
	if t != nil {
		if i := slices.IndexFunc(s.doubts.halves, func(at int) bool { return t.from <= at && at < t.to }); i >= 0 {
			at = s.doubts.halves[i]
		}
	}
	s.note("half of a surrogate pair", at, ", which would become U+FFFD")
}

func (s *splice) note(what string, at int, effect string) {
	if s.doubt == nil {
		s.doubt = &DoubtError{what, at, s.root.pointer(at), effect}
	}
}

// strict returns the output, if it is strict JSON. White space around the text is of no output but the text's own.
func (s *splice) strict() ([]byte, error) {
	err := schema.Strict(s.out, maxDepth)
	fault := new(schema.Fault)
	switch {
	case errors.As(err, &fault):
	case bytes.Equal(s.out, s.text[s.root.from:s.root.to]):
		return s.text, nil
	default:
		return s.out, err
	}
	at, ok := s.origin(fault.Offset)
	if !ok {
		return nil, fmt.Errorf("the result is no strict JSON: %w", fault)
	}
	return nil, &DoubtError{What: fault.What, Offset: at, Place: s.root.pointer(at)}
}

func (s *splice) copy(from, to int) {
	s.copies = append(s.copies, copied{span{from, to}, len(s.out)})
	s.out = append(s.out, s.text[from:to]...)
}

// origin returns where in the text the byte at an offset of the output has stood.
func (s *splice) origin(at int) (offset int, ok bool) {
	i := sort.Search(len(s.copies), func(i int) bool { return s.copies[i].at > at }) - 1
	if i < 0 {
		return 0, false
	}
	offset = s.copies[i].from + at - s.copies[i].at
	return offset, offset < s.copies[i].to
}

// left tells whether a value is what stood in the text: by the last reading in one place and by the first in another, of
// equal keys.
func (s *splice) left(v reading, last, first *tree, written *places) bool {
	if !same(v.last, last.value) {
		return false
	}
	if !s.doubts.doubled {
		return true
	}
	value, _ := first.first(written)
	return same(v.first, value)
}

// put writes a value in the place of t, which is nil where there was none. An object or array that is written, too, is
// only so in what it has changed.
func (s *splice) put(t *tree, v reading, written *places) {
	object, isObject := v.last.(map[string]any)
	array, isArray := v.last.([]any)
	switch {
	case t != nil && written.nothingIn(v.last) && s.left(v, t, t, written):
		s.copy(t.from, t.to)
	case isObject && t.is('{', s.text):
		s.putObject(t, object, v.first, written)
	case isArray && t.is('[', s.text):
		s.putArray(t, array, v.first, written)
	default:
		if !same(v.last, v.first) {
			s.takesOne()
		}
		s.write(t, v.last)
	}
}

// write writes what is new in the place of t, or is written there again.
func (s *splice) write(t *tree, v any) {
	text, _ := gojq.Marshal(v) // a value of gojq's: cannot fail
	if len(s.doubts.halves) > 0 && bytes.ContainsRune(text, '\ufffd') {
		s.losesHalf(t)
	}
	s.out = append(s.out, text...)
}

// putObject writes an object in the place of another: the members that are left in their order, then new ones sorted.
// A key that stands twice stays so, unless its value is written.
func (s *splice) putObject(t *tree, object map[string]any, other any, written *places) {
	first, ok := other.(map[string]any)
	if !ok || !sameKeys(object, first) {
		s.takesOne()
	}
	type group struct { // of members with a key
		first, last int
		stays       bool // all of it
	}
	groups := map[string]*group{}
	l := list{splice: s, whole: t.span}
	for i, m := range t.members {
		l.parts = append(l.parts, span{m.start, m.to})
		if groups[m.key] == nil {
			groups[m.key] = &group{first: i}
		}
		groups[m.key].last = i
	}
	for i, m := range t.members {
		value, there := object[m.key]
		if !there {
			continue
		}
		v, g, below := reading{value, first[m.key]}, groups[m.key], written.at(m.key)
		if i == g.first && g.first < g.last && !below.named() {
			g.stays = s.left(v, t.members[g.last].tree, m.tree, below)
		}
		switch {
		case g.stays:
			l.next(i)
			s.copy(m.start, m.to)
		case i == g.last:
			l.next(i)
			s.copy(m.start, m.from)
			s.put(m.tree, v, below)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if groups[key] == nil {
			l.next(-1)
			s.write(nil, key)
			s.out = append(s.out, ':')
			s.put(nil, reading{object[key], first[key]}, nil)
		}
	}
	l.close()
}

// putArray writes an array in the place of another. Where one is longer, what both end with is left.
func (s *splice) putArray(t *tree, array []any, other any, written *places) {
	first, ok := other.([]any)
	if !ok || len(first) != len(array) {
		s.takesOne()
		first = array
	}
	l := list{splice: s, whole: t.span}
	for _, item := range t.items {
		l.parts = append(l.parts, item.span)
	}
	longer, tail := len(array)-len(t.items), 0
	for longer != 0 && tail < min(len(array), len(t.items)) {
		i, was := len(array)-1-tail, len(t.items)-1-tail
		if !s.left(reading{array[i], first[i]}, t.items[was], t.items[was], written.at(was)) {
			break
		}
		tail++
	}
	for i := range array {
		v, was := reading{array[i], first[i]}, i
		switch {
		case i >= len(array)-tail:
			was -= longer
		case i >= len(t.items)-tail:
			l.next(-1)
			s.put(nil, v, nil)
			continue
		}
		l.next(was)
		s.put(t.items[was], v, written.at(was))
	}
	l.close()
}

// A list writes what is between the parts of an object or an array: commas, and the white space of the text.
type list struct {
	*splice
	whole span
	parts []span // in the text
	begun bool
}

// next comes before each part that is written, which is one of those in the text or, below 0, none.
func (l *list) next(part int) {
	switch {
	case !l.begun:
		l.begun = true
		l.open()
	case part > 0:
		l.copy(l.parts[part-1].to, l.parts[part].from)
	default:
		l.out = append(l.out, ',')
	}
}

func (l *list) open() {
	to := l.whole.from + 1
	if l.begun && len(l.parts) > 0 {
		to = l.parts[0].from
	}
	l.copy(l.whole.from, to)
}

func (l *list) close() {
	from := l.whole.from + 1
	if len(l.parts) > 0 {
		from = l.parts[len(l.parts)-1].to
	}
	if !l.begun {
		l.open()
	}
	l.copy(from, l.whole.to)
}
