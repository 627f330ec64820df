package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// wholeDocument is the path of faults that concern no key.
const wholeDocument = "(document)"

// missing is what a fault shows for a key that is not given and has no default.
const missing = "missing"

// A reader walks a YAML document beside the tree of fields, fills the fields' places, and gathers faults.
//
// To validate by [JSONSchema] and then decode would not do: that takes nearly half of the faulty documents in the tests,
// whose faults lie in variables, in files, in bounds of durations and sizes, or between keys. Of the others the validator
// says that a pattern does not match, and again that another, of a variable, does not either; it tells no line and
// suggests no key.
type reader struct {
	file   string
	env    func(string) (string, bool)
	faults Faults
	places map[string]place // by path; also of keys that are not given
	faulty map[string]bool  // paths that have a fault

	secrets map[int]int // by line: the column from which a secret may stand
}

// A place is where a value stands, and how a fault shows it.
type place struct {
	line  int
	shown string
	given bool
}

func parse(name string, data []byte, dir string, env func(string) (string, bool)) (*Config, error) {
	document, second, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("read %s as YAML: %w", cmp.Or(name, "configuration"), err)
	}
	config := Default()
	r := &reader{file: name, env: env, places: map[string]place{}, faulty: map[string]bool{}}
	if second != nil {
		r.fault(second.Line, wholeDocument, "a second document", "one only")
	}
	root := fields(&config, dir)
	r.secrets = secretsIn(document, secretKeys(root))
	r.group(document, "", root)
	r.check(&config)
	if len(r.faults) > 0 {
		r.faults.sort()
		return nil, r.faults
	}
	return &config, nil
}

func (r *reader) fault(line int, path, value, want string) {
	r.faulty[path] = true
	r.faults = append(r.faults, Fault{File: r.file, Line: line, Path: path, Value: value, Want: want})
}

// group reads a mapping.
func (r *reader) group(n *yaml.Node, path string, fields []field) {
	keys := keysOf(fields)
	at := path
	if at == "" {
		at = wholeDocument
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, at, kind(n), "a mapping with the keys "+strings.Join(keys, ", "))
		r.absent(n.Line, path, fields)
		return
	}
	r.places[at] = place{line: n.Line, given: true}
	given := map[string]*yaml.Node{}
	whole := r.gather(n, path, fields, given, map[*yaml.Node]bool{})
	for _, f := range fields {
		if !whole && given[f.key] == nil { // it may be in what could not be merged
			f.required = false
			r.faulty[join(path, f.key)] = true
		}
		r.field(n.Line, path, f, given)
	}
}

// field reads the value of one key of a mapping that begins at line, or notes that it is not there.
func (r *reader) field(line int, path string, f field, given map[string]*yaml.Node) {
	at := join(path, f.key)
	value, ok := given[f.key]
	fromFile, okFile := given[fileKey(f)]
	switch {
	case ok && okFile:
		r.fault(fromFile.Line, join(path, fileKey(f)), "given beside "+f.key, "one of the two")
		r.faulty[at] = true
	case ok:
		r.value(value, at, f)
	case okFile:
		r.scalar(fromFile, join(path, fileKey(f)), f.file)
		r.places[at] = place{line: fromFile.Line, shown: redacted, given: true}
		r.faulty[at] = r.faulty[join(path, fileKey(f))]
	case f.required && f.file != nil:
		r.fault(line, at, missing, f.key+" or "+fileKey(f))
	case f.required && f.list != nil:
		r.fault(line, at, missing, f.list.want())
	case f.required:
		r.fault(line, at, missing, f.scalar.want)
	default:
		r.absent(line, path, []field{f})
	}
}

func (r *reader) value(n *yaml.Node, path string, f field) {
	switch {
	case f.group != nil:
		r.group(n, path, f.group)
	case f.list != nil:
		r.list(n, path, f.list)
	default:
		r.scalar(n, path, f.scalar)
	}
}

func (r *reader) list(n *yaml.Node, path string, l *list) {
	r.places[path] = place{line: n.Line, shown: kind(n), given: true}
	if l.commas && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		r.elements([]*yaml.Node{n}, path, l)
		return
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fault(n.Line, path, kind(n), l.want())
		return
	}
	if l.commas {
		r.elements(n.Content, path, l)
		return
	}
	for i, f := range l.grow(len(n.Content)) {
		r.value(resolve(n.Content[i]), fmt.Sprintf("%s[%d]", path, i), f)
	}
}

// elements reads a list of texts, each of which may hold several with commas between them: once variables are replaced,
// as one of them may be the whole list.
func (r *reader) elements(nodes []*yaml.Node, path string, l *list) {
	element := l.elem.scalar
	var all []literal
	for _, n := range nodes {
		n = resolve(n)
		at := fmt.Sprintf("%s[%d]", path, len(all))
		v, ok := r.literal(n, at, element)
		parts := strings.Split(v.text, ",")
		if !ok || len(parts) == 1 {
			all = append(all, v)
			continue
		}
		for _, part := range parts {
			whole := v
			whole.text = strings.TrimSpace(part)
			whole.place.shown = show(n, whole.text)
			if whole.text == "" {
				r.fault(n.Line, fmt.Sprintf("%s[%d]", path, len(all)), "nothing between two commas, or at an end, of "+v.place.shown, element.want)
			}
			all = append(all, whole)
		}
	}
	for i, f := range l.grow(len(all)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = all[i].place
		if !r.faulty[at] {
			r.take(all[i], at, f.scalar)
		}
	}
}

// A literal is the text of a scalar, its variables replaced.
type literal struct {
	node  *yaml.Node
	text  string
	typed bool // it is of a type that may stand there
	place place
}

func (r *reader) scalar(n *yaml.Node, path string, s *scalar) {
	if v, ok := r.literal(n, path, s); ok {
		r.take(v, path, s)
	}
}

// literal reads what stands at path, and notes its place. It returns false if that has a fault.
func (r *reader) literal(n *yaml.Node, path string, s *scalar) (v literal, ok bool) {
	p := place{line: n.Line, shown: show(n, n.Value), given: true}
	if s.secret && (n.Kind != yaml.ScalarNode || (n.Value != "" && !isNull(n))) {
		p.shown = redacted
	}
	r.places[path] = p
	v = literal{node: n, text: n.Value, typed: slices.Contains(s.tags, n.ShortTag()), place: p}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.fault(n.Line, path, p.shown, s.want)
		return v, false
	}
	if n.ShortTag() != "!!str" {
		return v, true
	}
	e := expand(v.text, r.env)
	if e.broken {
		r.fault(n.Line, path, p.shown, e.want)
		return v, false
	}
	for _, u := range e.unset {
		r.fault(n.Line, path, "${"+u.name+"}", u.want(s.secret))
	}
	if len(e.unset) > 0 {
		return v, false
	}
	v.text, v.typed = e.text, v.typed || e.names != nil
	if !s.secret {
		v.place.shown = show(n, v.text)
	} else if e.names != nil {
		v.place.shown = redacted + " of ${" + strings.Join(e.names, "}, ${") + "}"
	}
	r.places[path] = v.place
	return v, true
}

// take puts a text into its place.
func (r *reader) take(v literal, path string, s *scalar) {
	n, shown := v.node, v.place.shown
	if !v.typed {
		r.fault(n.Line, path, shown, s.want+otherwise(n, s))
		return
	}
	if s.flaw != nil {
		if what := s.flaw(v.text); what != "" {
			r.fault(n.Line, path, shown+" "+what, s.want)
			return
		}
	}
	if want := s.set(v.text); want != "" {
		r.fault(n.Line, path, shown, want)
	}
}

// otherwise says how the same letters would be of the wanted type, if quotes make the difference.
func otherwise(n *yaml.Node, s *scalar) string {
	switch {
	case slices.Contains(s.tags, "!!str"):
		return ", in quotes"
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return ", not in quotes"
	}
	return ""
}

// absent notes the places of fields that are not given, for faults that concern their defaults.
func (r *reader) absent(line int, path string, fields []field) {
	for _, f := range fields {
		at := join(path, f.key)
		p := place{line: line}
		switch {
		case f.group != nil:
			r.absent(line, at, f.group)
		case f.list != nil:
			p.shown = f.list.text()
		case f.scalar.text() == `""`:
			p.shown = missing
		default:
			p.shown = f.scalar.text()
		}
		r.places[at] = p
	}
}

func fileKey(f field) string { return f.key + "_file" }

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = clip(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
