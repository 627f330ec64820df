package schema

// A verdict says whether a value passes. Verdicts are ordered, so that what has to pass several rules has the minimum of
// their verdicts, and what has to pass one of several the maximum.
type verdict uint8

const (
	fail    verdict = iota
	unknown         // not to be decided without the validator
	pass
)

func verdictOf(ok bool) verdict {
	if ok {
		return pass
	}
	return fail
}

// opposite returns the verdict on what is to pass where v's value fails.
func (v verdict) opposite() verdict { return pass - v }

// A walk holds a program against one outline. It looks at a value as often as there are schemas that apply to it.
type walk struct {
	*outline
	work  int    // bytes, members and elements that may still be looked at
	trace *trace // nil: nobody wants to know
}

func newWalk(o *outline) walk {
	return walk{outline: o, work: maxLooks * (len(o.data) + shortText)}
}

// A walk looks at each byte of a text maxLooks times, on average, before it leaves the rest undecided: a schema can be
// exponential in itself. shortText makes up for texts so short that the schema's size is what counts.
const (
	maxLooks  = 64
	shortText = 1024
)

// check passes the text of the outline if it is valid. What it asks about leaves it tells the trace, if there is one.
func (p *program) check(o *outline, trace *trace) verdict {
	if p.root == nil {
		return unknown
	}
	w := newWalk(o)
	w.trace = trace
	return w.check(p.root, root)
}

// spend takes off what it costs to look at a value, and reports whether that much was left.
func (w *walk) spend(t *token) bool {
	w.work -= int(t.size) + 1
	return w.work >= 0
}

// check passes the value at if it is valid by n. The first rule that it does not pass decides.
func (w *walk) check(n *node, at int) verdict {
	t := &w.tokens[at]
	if w.trace != nil && t.kind&leafKinds != 0 {
		return w.ask(n, at)
	}
	if !w.spend(t) {
		return unknown
	}
	if n.types&t.kind == 0 {
		if v := w.typed(n, at); v != pass {
			return v
		}
	}
	if n.constant != nil {
		if v := w.among(n.constant, at); v != pass {
			return v
		}
	}
	if n.enum != nil {
		if v := w.among(n.enum, at); v != pass {
			return v
		}
	}
	v := pass
	switch t.kind {
	case kindObject:
		if n.object != nil {
			v = w.object(n.object, at)
		}
	case kindArray:
		if n.array != nil {
			v = w.array(n.array, at)
		}
	case kindString:
		if n.string != nil {
			v = w.string(n.string, at)
		}
	case kindInteger, kindDecimal:
		if n.number != nil {
			v = w.number(n.number, at)
		}
	}
	if v == pass && n.branches != nil {
		v = w.branch(n.branches, at)
	}
	if v == pass && n.undecided&t.kind != 0 {
		return unknown
	}
	return v
}

// typed passes a value whose kind the types do not name if it is an integer with a point or exponent and they allow that.
func (w *walk) typed(n *node, at int) verdict {
	if w.tokens[at].kind != kindDecimal || n.types&kindInteger == 0 {
		return fail
	}
	number, ok := parseDecimal(w.raw(at))
	if !ok {
		return unknown
	}
	return verdictOf(number.isInteger())
}
