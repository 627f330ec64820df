package schema

import (
	"math/rand/v2"
	"slices"
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

// shapes are those learned of the texts that are valid by a schema. Their steps make a tree, which is never changed but
// replaced, so that following it takes no lock. The zero value is ready for use; safe for concurrent use.
type shapes struct {
	first atomic.Pointer[[]*step]
	wait  atomic.Int64 // valid texts of unknown shape to pass before one is learned

	learning sync.Mutex
	size     int // of the tree, in bytes, about
}

// Learning a text costs several times what checking it does, and to follow the wrong shape to its end as much again. Where
// each record has a shape of its own, neither must matter.
const (
	learnEvery = 64        // on average
	maxShapes  = 256 << 10 // bytes; when they are full, all are forgotten: the common ones are soon back
	maxLeaves  = 512       // of a shape
	maxChoices = 16        // of steps behind the same leaf
	maxAnswers = 4         // ways in which the leaves of one text may answer
	stepBytes  = 96        // what a step takes beside its text, and a question likewise

	// After so many texts in a row of unknown shape, a scanner is curious about every sixteenth only.
	patience = 256
	seldom   = 16
)

// accept reports whether data has a known shape and is valid. If so, its leaves are the scanner's tokens, and the report
// stands in places.
func (t *shapes) accept(s *scanner, data []byte) (in places, ok bool) {
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

// curious reports whether to look for, or learn, the shape of a text.
func (s *scanner) curious() bool { return s.strangers < patience || s.strangers%seldom == 0 }

// follow returns the known shapes that data has as far as its text goes. If there are any, its leaves are the scanner's
// tokens.
func (t *shapes) follow(s *scanner, data []byte) []*shape {
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

// A trace collects what a walk asks about leaves.
type trace struct {
	questions []question // their leaves still being tokens of the whole text, keys among them
	lost      bool       // leaves were asked in other ways, too
}

// ask is check for a leaf or key while there is a trace.
func (w *walk) ask(n *node, at int) verdict {
	kept := w.trace
	w.trace = nil
	answer := w.check(n, at)
	w.trace = kept
	kept.questions = append(kept.questions, question{node: n, leaf: at, answer: answer})
	return answer
}

// plainly returns the kinds of leaves that n passes without looking at them.
func (n *node) plainly() kind {
	if n.constant != nil || n.enum != nil || n.branches != nil {
		return 0
	}
	kinds := n.types &^ n.undecided
	if n.string != nil {
		kinds &^= kindString
	}
	if n.number != nil {
		kinds &^= kindNumber
	}
	return kinds
}

// wants reports whether a valid text of unknown shape should be learned: the first, and then by chance, so that one kind of
// texts that come in turns does not take all the turns.
func (t *shapes) wants() bool {
	if t.wait.Add(-1) >= 0 {
		return false
	}
	t.wait.Store(rand.Int64N(2 * learnEvery))
	return true
}

// learn enters the shape of a text that is valid by p, and what p asks of its leaves.
func (t *shapes) learn(p *program, o *outline) {
	var asked trace
	if p.check(o, &asked) != pass || asked.lost {
		return
	}
	l := learner{outline: o, leafOf: make([]int, len(o.tokens))}
	l.visit(root)
	if l.count > maxLeaves {
		return
	}
	l.cut(len(o.data))
	in := o.places()
	h := &shape{report: places{in.baseinfo, l.leaf(in.openID), l.leaf(in.score)}}
	for _, q := range asked.questions {
		if q.leaf = l.leaf(q.leaf); q.leaf != none {
			if q.answer == pass {
				q.plainly = q.node.plainly()
			}
			h.questions = append(h.questions, q)
		}
	}
	t.enter(l.texts, h)
}

// A learner takes a text apart.
type learner struct {
	*outline
	leafOf []int // by token: the leaf's number, from 1 on; 0: no leaf
	count  int
	texts  []string // between the leaves
	end    int      // of the last leaf
}

func (l *learner) visit(at int) {
	t := &l.tokens[at]
	switch t.kind {
	case kindObject:
		for key := at + 1; key < int(t.next); key = int(l.tokens[key+1].next) {
			l.visit(key + 1)
		}
	case kindArray:
		for element := at + 1; element < int(t.next); element = int(l.tokens[element].next) {
			l.visit(element)
		}
	default:
		start, end := int(t.start), int(t.start+t.size)
		if t.kind == kindString {
			start, end = start-1, end+1
		}
		l.cut(start)
		l.end = end
		l.count++
		l.leafOf[at] = l.count
	}
}

// leaf returns which leaf a token is, or none.
func (l *learner) leaf(at int) int {
	if at == none || l.leafOf[at] == 0 {
		return none
	}
	return l.leafOf[at] - 1
}

func (l *learner) cut(upTo int) { l.texts = append(l.texts, string(l.data[l.end:upTo])) }

// enter puts a shape into the tree, and forgets all others if there is no room for it.
func (t *shapes) enter(texts []string, h *shape) {
	t.learning.Lock()
	defer t.learning.Unlock()
	size := len(h.questions) * stepBytes
	for _, text := range texts {
		size += stepBytes + len(text)
	}
	if size > maxShapes {
		return
	}
	var choices []*step
	if known := t.first.Load(); known != nil && t.size+size <= maxShapes {
		choices = *known
	}
	grown := grow(choices, texts, h)
	if grown == nil || choices == nil {
		grown = grow(nil, texts, h)
		t.size = 0
	}
	t.size += size
	t.first.Store(&grown)
}

// grow returns the choices with those texts added, or nil if somewhere there are too many. It shares what does not
// change.
func grow(choices []*step, texts []string, h *shape) []*step {
	grown := slices.Clone(choices)
	i := slices.IndexFunc(grown, func(s *step) bool { return s.text == texts[0] })
	if i < 0 {
		if len(grown) == maxChoices {
			return nil
		}
		i = len(grown)
		grown = append(grown, &step{text: texts[0]})
	}
	s := *grown[i]
	if len(texts) == 1 {
		s.shapes = append([]*shape{h}, s.shapes[:min(len(s.shapes), maxAnswers-1)]...)
	} else if s.next = grow(s.next, texts[1:], h); s.next == nil {
		return nil
	}
	grown[i] = &s
	slices.SortStableFunc(grown, func(a, b *step) int { return len(b.text) - len(a.text) })
	return grown
}
