package schema

import (
	"math/rand/v2"
	"slices"
)

// Learning a text costs several times what checking it does, and to follow the wrong shape to its end as much again. Where
// each record has a shape of its own, neither must matter.
const (
	learnEvery = 64        // on average
	maxShapes  = 256 << 10 // bytes; when they are full, all are forgotten: the common ones are soon back
	maxLeaves  = 512       // of a shape
	maxChoices = 16        // of steps behind the same leaf
	maxAnswers = 4         // ways in which the leaves of one text may answer
	stepBytes  = 96        // what a step takes beside its text, and a question likewise
)

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
func (t *shapeTree) wants() bool {
	if t.wait.Add(-1) >= 0 {
		return false
	}
	t.wait.Store(rand.Int64N(2 * learnEvery))
	return true
}

// learn enters the shape of a text that is valid by p, and what p asks of its leaves.
func (t *shapeTree) learn(p *program, o *outline) {
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
		for key := range l.members(at) {
			l.visit(key + 1)
		}
	case kindArray:
		for element := range l.elements(at) {
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
func (t *shapeTree) enter(texts []string, h *shape) {
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
