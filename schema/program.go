package schema

import "github.com/santhosh-tekuri/jsonschema/v5"

// A program is a compiled schema made ready to be held against the outline of a text, which takes no decoding and no
// memory. It is immutable.
//
// It says what the validator would say, or nothing: whatever it does not decide is for the validator to decide. Each
// keyword lives in the file of what it is about (objects.go, arrays.go, strings.go, numbers.go, literal.go, branches.go):
// a field of a rules struct, the line that fills it, and the lines that check it. A keyword that cannot be checked there
// is noted instead, and leaves undecided what it may refuse.
type program struct {
	root  *node // nil if nothing can be decided
	notes []slowKeyword
}

// A node is one schema. A value has to pass all parts of it that are about values of its type.
type node struct {
	types     kind // allowed; of kindDecimal, integers are allowed with kindInteger
	undecided kind // what keywords that are not streamed may refuse
	constant  []literal
	enum      []literal // nil, like constant, if there is no such keyword
	object    *objectRules
	array     *arrayRules
	string    *stringRules
	number    *numberRules
	branches  *branches
}

// A programmer turns compiled schemas into nodes, each into one, so that schemas may refer to themselves.
type programmer struct {
	nodes    map[*jsonschema.Schema]*node
	notes    []slowKeyword
	hopeless bool // a note concerns all values
}

func newProgram(s *jsonschema.Schema) *program {
	p := &programmer{nodes: map[*jsonschema.Schema]*node{}}
	root := p.node(s)
	p.noteLoops()
	if p.hopeless {
		root = nil
	}
	return &program{root: root, notes: p.notes}
}

// node returns the node of s, or nil if there is no s.
func (p *programmer) node(s *jsonschema.Schema) *node {
	if s == nil {
		return nil
	}
	if n, ok := p.nodes[s]; ok {
		return n
	}
	n := &node{types: anyKind}
	p.nodes[s] = n
	if s.Always != nil {
		if !*s.Always {
			n.types = 0
		}
		return n
	}
	if len(s.Types) > 0 {
		n.types = typesOf(s.Types)
	}
	n.constant = p.literals(s, n, "const", s.Constant)
	n.enum = p.literals(s, n, "enum", s.Enum)
	n.object = p.objectRules(s, n)
	n.array = p.arrayRules(s, n)
	n.string = p.stringRules(s)
	n.number = p.numberRules(s, n)
	n.branches = p.branches(s)
	if s.DynamicRef != nil {
		p.giveUp(s.Location+"/$dynamicRef", "where it leads depends on the way to it")
	}
	if s.RecursiveRef != nil {
		p.giveUp(s.Location+"/$recursiveRef", "where it leads depends on the way to it")
	}
	return n
}

func (p *programmer) nodesOf(schemas []*jsonschema.Schema) []*node {
	nodes := make([]*node, len(schemas))
	for i, s := range schemas {
		nodes[i] = p.node(s)
	}
	return nodes
}

func typesOf(names []string) (types kind) {
	for _, name := range names {
		types |= kindOf[name]
	}
	return types
}

var kindOf = map[string]kind{
	"object":  kindObject,
	"array":   kindArray,
	"string":  kindString,
	"integer": kindInteger,
	"number":  kindNumber,
	"boolean": kindBoolean,
	"null":    kindNull,
}

// literals returns the values behind a keyword, or nil if there are none or they are not streamed.
func (p *programmer) literals(s *jsonschema.Schema, n *node, keyword string, values []any) []literal {
	if len(values) == 0 {
		return nil
	}
	literals, ok := literalsOf(values)
	if !ok {
		p.note(s, n, keyword, anyKind, tooManyDigits)
		return nil
	}
	return literals
}
