package deadletter

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/battlereport/battlereport/schema"
)

// A tree is a value of a JSON text, and where it stands there.
type tree struct {
	span
	value   any      // as an expression is given it: all digits of numbers, of equal keys the last
	members []member // of an object, in their order
	items   []*tree  // of an array
}

// A member of an object stands there from its key to its value's end.
type member struct {
	key   string
	start int
	*tree
}

// A span is a part of a text.
type span struct{ from, to int }

// doubts are what a strict reader refuses in a JSON text, but an expression is given.
type doubts struct {
	halves  []int // offsets of halves of surrogate pairs, which are read as U+FFFD: the first of each string
	doubled bool  // a key stands twice in an object
}

// readTree reads a JSON text, be it strict or not.
func readTree(text []byte) (*tree, doubts, error) {
	if !json.Valid(text) || !utf8.Valid(text) {
		return nil, doubts{}, cmp.Or(schema.Strict(text, maxDepth), errors.New("it is no JSON"))
	}
	r := treeReader{text: text}
	return r.read(), r.doubts, nil
}

// A treeReader reads a text that is known to be JSON.
type treeReader struct {
	text []byte
	at   int
	doubts
}

func (r *treeReader) read() *tree {
	t := &tree{span: span{from: r.next()}}
	switch r.text[r.at] {
	case '{':
		r.object(t)
	case '[':
		r.array(t)
	case '"':
		t.value = r.string()
	case 't':
		t.value = true
		r.at += len("true")
	case 'f':
		t.value = false
		r.at += len("false")
	case 'n':
		r.at += len("null")
	default:
		for r.at < len(r.text) && strings.IndexByte("+-.0123456789Ee", r.text[r.at]) >= 0 {
			r.at++
		}
		t.value = json.Number(r.text[t.from:r.at])
	}
	t.to = r.at
	return t
}

// next goes to what is not white space, and returns where that is.
func (r *treeReader) next() int {
	for strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
	return r.at
}

func (r *treeReader) object(t *tree) {
	object := map[string]any{}
	for r.at++; r.text[r.next()] != '}'; {
		if r.text[r.at] == ',' {
			r.at++
			r.next()
		}
		start := r.at
		key := r.string()
		_, twice := object[key]
		r.doubled = r.doubled || twice
		r.next() // the colon
		r.at++
		m := member{key, start, r.read()}
		object[key] = m.value
		t.members = append(t.members, m)
	}
	r.at++
	t.value = object
}

func (r *treeReader) array(t *tree) {
	array := []any{}
	for r.at++; r.text[r.next()] != ']'; {
		if r.text[r.at] == ',' {
			r.at++
		}
		item := r.read()
		array = append(array, item.value)
		t.items = append(t.items, item)
	}
	r.at++
	t.value = array
}

func (r *treeReader) string() (s string) {
	start := r.at
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	literal := r.text[start:r.at]
	_ = json.Unmarshal(literal, &s) // a string, and UTF-8: cannot fail
	if !strings.ContainsRune(s, utf8.RuneError) {
		return s
	}
	if half := new(schema.Fault); errors.As(schema.Strict(literal, 1), &half) { // in a string there is nothing else
		r.halves = append(r.halves, start+half.Offset)
	}
	return s
}

// first returns the tree's value as the other kind of reader takes it, for which the first of equal keys counts; of those
// that are written the last does. With it comes the offset of the first key that stands there again; 0: none.
func (t *tree) first(written *places) (value any, again int) {
	switch {
	case t.members != nil:
		object := make(map[string]any, len(t.members))
		for _, m := range t.members {
			below := written.at(m.key)
			_, twice := object[m.key]
			v, inside := m.first(below)
			if !twice || below.named() {
				object[m.key] = v
			} else {
				inside = m.start
			}
			again = cmp.Or(again, inside)
		}
		return object, again
	case t.items != nil:
		array := make([]any, len(t.items))
		for i, item := range t.items {
			var inside int
			array[i], inside = item.first(written.at(i))
			again = cmp.Or(again, inside)
		}
		return array, again
	}
	return t.value, 0
}

// is tells whether the tree begins with a bracket. A nil tree does not.
func (t *tree) is(bracket byte, text []byte) bool { return t != nil && text[t.from] == bracket }

// pointer returns the JSON Pointer (RFC 6901) to the innermost value that has a byte of the text.
func (t *tree) pointer(at int) string {
	for _, m := range t.members {
		if m.start <= at && at < m.to {
			return "/" + pointerEscapes.Replace(m.key) + m.pointer(at)
		}
	}
	for i, item := range t.items {
		if item.from <= at && at < item.to {
			return "/" + strconv.Itoa(i) + item.pointer(at)
		}
	}
	return ""
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")
