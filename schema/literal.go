package schema

import "encoding/json"

// A literal is a value that stands in a schema, behind "const" or "enum".
type literal struct {
	kind     kind
	number   decimal
	text     string
	elements []literal
	members  map[string]literal
}

// literalOf returns v, as the compiler has decoded it, as a literal; not ok if there is a number of too many digits in it.
func literalOf(v any) (l literal, ok bool) {
	switch v := v.(type) {
	case nil:
		return literal{kind: kindNull}, true
	case bool:
		if v {
			return literal{kind: kindTrue}, true
		}
		return literal{kind: kindFalse}, true
	case string:
		return literal{kind: kindString, text: v}, true
	case json.Number:
		number, ok := parseDecimal([]byte(v))
		return literal{kind: kindNumber, number: number}, ok
	case []any:
		elements, ok := literalsOf(v)
		return literal{kind: kindArray, elements: elements}, ok
	case map[string]any:
		l := literal{kind: kindObject, members: make(map[string]literal, len(v))}
		for name, member := range v {
			m, ok := literalOf(member)
			if !ok {
				return literal{}, false
			}
			l.members[name] = m
		}
		return l, true
	}
	return literal{}, false
}

func literalsOf(values []any) (literals []literal, ok bool) {
	literals = make([]literal, len(values))
	for i, v := range values {
		if literals[i], ok = literalOf(v); !ok {
			return nil, false
		}
	}
	return literals, true
}

// among passes the value at if it equals one of the literals.
func (w *walk) among(literals []literal, at int) verdict {
	if w.trace != nil {
		w.trace.lost = true // of an object or array all leaves are looked at
	}
	found := fail
	for i := range literals {
		if found = max(found, w.equals(&literals[i], at)); found == pass {
			break
		}
	}
	return found
}

// equals passes the value at if it equals l. Numbers are equal by value, objects in any order of their members.
func (w *walk) equals(l *literal, at int) verdict {
	t := &w.tokens[at]
	if l.kind&t.kind == 0 {
		return fail
	}
	switch t.kind {
	case kindString:
		return verdictOf(string(w.decoded(at)) == l.text)
	case kindInteger, kindDecimal:
		number, ok := parseDecimal(w.raw(at))
		if !ok {
			return unknown
		}
		return verdictOf(number == l.number)
	case kindArray:
		return w.equalElements(l.elements, at)
	case kindObject:
		return w.equalMembers(l.members, at)
	}
	return pass
}

func (w *walk) equalElements(elements []literal, at int) verdict {
	if int(w.tokens[at].size) != len(elements) {
		return fail
	}
	element := at + 1
	for i := range elements {
		if v := w.equals(&elements[i], element); v != pass {
			return v
		}
		element = int(w.tokens[element].next)
	}
	return pass
}

func (w *walk) equalMembers(members map[string]literal, at int) verdict {
	if int(w.tokens[at].size) != len(members) {
		return fail
	}
	for key := range w.members(at) {
		member, ok := members[string(w.decoded(key))]
		if !ok {
			return fail
		}
		if v := w.equals(&member, key+1); v != pass {
			return v
		}
	}
	return pass
}
