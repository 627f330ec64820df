package schema

import (
	"sync"
	"sync/atomic"
)

// A shape is what texts have in common that differ in their leaves only, which are the strings, numbers, booleans and
// nulls that are no keys: the text between the leaves, to the byte, and with it the keys, their order and the nesting.
//
// The records of a game have few shapes. So shapes are learned, from texts that were scanned and found valid; whatever
// the schema asked of such a text's leaves on the way, and how they answered, is kept as questions. Another text of that
// shape is compared where it is the same, scanned where it is not, and asked the same questions. If all its leaves answer
// as the others did then it is valid: everything else that the schema asked was about what is the same. If one answers
// otherwise, nothing is known, and the text is scanned and checked like any other, and perhaps learned in its turn.
type shape struct {
	questions []question
	report    places // among the leaves; of baseinfo it only says whether there is one
}

// A question is what a schema asked of a leaf.
type question struct {
	node    *node
	leaf    int
	answer  verdict
	plainly kind // what needs no asking: the node passes whatever is of these kinds, and pass is the answer
}

// A step is the text between two leaves, or before the first, or behind the last.
type step struct {
	text   string
	shapes []*shape // of the texts that end here, which differ in what their leaves answer; none: a leaf follows
	next   []*step  // what may come behind that leaf, the longest text first
}

// A shapeTree is the shapes learned of the texts that are valid by a schema. Their steps make a tree, which is never
// changed but replaced, so that following it takes no lock. The zero value is ready for use; safe for concurrent use.
type shapeTree struct {
	first atomic.Pointer[[]*step]
	wait  atomic.Int64 // valid texts of unknown shape to pass before one is learned

	learning sync.Mutex
	size     int // of the tree, in bytes, about
}

// accept reports whether data has a known shape and is valid. If so, its leaves are the scanner's tokens, and the report
// stands in places.
func (t *shapeTree) accept(s *scanner, data []byte) (in places, ok bool) {
	if s.curious() {
		for _, h := range t.follow(s, data) {
			if h.agrees(&s.outline) {
				s.strangers = 0
				return h.report, true
			}
		}
	}
	s.strangers++
	return places{}, false
}

// After patience texts in a row of unknown shape, a scanner is curious about every sixteenth only.
const (
	patience = 256
	seldom   = 16
)

// curious reports whether to look for, or learn, the shape of a text.
func (s *scanner) curious() bool { return s.strangers < patience || s.strangers%seldom == 0 }

// follow returns the known shapes that data has as far as its text goes. If there are any, its leaves are the scanner's
// tokens.
func (t *shapeTree) follow(s *scanner, data []byte) []*shape {
	first := t.first.Load()
	if first == nil || len(data) > maxText {
		return nil
	}
	s.data, s.err, s.tokens = data, nil, s.tokens[:0]
	choices, i := *first, 0
	for {
		chosen := choose(choices, data[i:])
		if chosen == nil {
			return nil
		}
		i += len(chosen.text)
		if len(chosen.shapes) > 0 {
			if i < len(data) {
				return nil
			}
			return chosen.shapes
		}
		if i = s.leaf(i); i == failed {
			return nil
		}
		choices = chosen.next
	}
}

// choose returns the step that text begins with. Where one step's text begins with another's, a leaf stands in one where
// in the other the text goes on, so that the longer is the right one.
func choose(choices []*step, text []byte) *step {
	for _, c := range choices {
		if len(c.text) <= len(text) && string(text[:len(c.text)]) == c.text {
			return c
		}
	}
	return nil
}

// agrees reports whether the leaves that follow has found answer all questions as expected.
func (h *shape) agrees(o *outline) bool {
	w := newWalk(o)
	for i := range h.questions {
		q := &h.questions[i]
		if o.tokens[q.leaf].kind&q.plainly == 0 && w.check(q.node, q.leaf) != q.answer {
			return false
		}
	}
	return true
}
