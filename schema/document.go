package schema

import (
	"net/url"
	"strconv"
	"strings"
)

// A document is the text of a schema, decoded, and the schemas that are in it.
type document struct {
	name     string // for people: a path, or the "$id" of a built-in schema
	location string // the URL by which it was asked for
	draft    draft
	named    bool // the draft is, by "$schema"
	root     any
	schemas  map[string]*subschema // by their pointers
	roots    map[string]string     // pointers to the outermost schemas of each base
	anchors  map[string]string     // pointers to the schemas that have one, by their URLs with it
	patterns *patterns             // that the validator has in other words; nil: none
}

// A subschema is one of the schemas in a document.
type subschema struct {
	pointer string
	around  string // the URL that its "$id" is relative to
	base    string // the URL that references in it are relative to
	members map[string]any
	known   bool // to be a schema; otherwise it may be one, should a reference lead to it
}

func newDocument(name, location string, text []byte) (*document, error) {
	root, err := decode(text)
	if err != nil {
		return nil, err
	}
	d := &document{
		name: name, location: location, root: root,
		schemas: map[string]*subschema{}, roots: map[string]string{}, anchors: map[string]string{},
	}
	d.draft, d.named = draftOf(root)
	d.visit(root, "", location, true)
	return d, nil
}

// base returns the URL of the document, by which the validator calls it.
func (d *document) base() string {
	if s := d.schemas[""]; s != nil {
		return s.base
	}
	return d.location
}

// visit enters v, if that is or may be a schema, and the schemas in it. An array or an object of which the draft does not
// say what it is may hold schemas, to which references lead.
func (d *document) visit(v any, pointer, base string, known bool) {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			d.visit(element, pointer+"/"+strconv.Itoa(i), base, false)
		}
	case map[string]any:
		s := &subschema{pointer: pointer, around: base, base: d.baseOf(v, base), members: v, known: known}
		d.enter(s)
		for name, value := range v {
			d.visitKeyword(s, name, value)
		}
	}
}

// enter makes a schema one that can be found.
func (d *document) enter(s *subschema) {
	d.schemas[s.pointer] = s
	if outer, ok := d.roots[s.base]; !ok || len(s.pointer) < len(outer) {
		d.roots[s.base] = s.pointer
	}
	for _, name := range []string{"$anchor", "$dynamicAnchor", d.draft.idKeyword()} {
		anchor, _ := s.members[name].(string)
		if name == d.draft.idKeyword() {
			_, anchor, _ = strings.Cut(anchor, "#")
		}
		if anchor != "" {
			d.anchors[s.base+"#"+anchor] = s.pointer
		}
	}
}

// visitKeyword enters the schemas behind a keyword of s.
func (d *document) visitKeyword(s *subschema, name string, value any) {
	k := vocabulary[name]
	at := s.pointer + "/" + escaped.Replace(name)
	switch value := value.(type) {
	case []any:
		switch {
		case k.inside == data:
		case k.inside == schemas || k.inside == oneOrSchemas:
			for i, element := range value {
				d.visit(element, at+"/"+strconv.Itoa(i), s.base, s.known && k.knownIn(d.draft))
			}
		default:
			d.visit(value, at, s.base, false)
		}
	case map[string]any:
		switch k.inside {
		case data:
		case named:
			for name, member := range value {
				d.visit(member, at+"/"+escaped.Replace(name), s.base, s.known && (k.silent || k.knownIn(d.draft)))
			}
		case aSchema, oneOrSchemas:
			d.visit(value, at, s.base, s.known && k.knownIn(d.draft))
		default:
			d.visit(value, at, s.base, false)
		}
	}
}

// baseOf returns the URL that references in a schema are relative to, which around it are relative to base.
func (d *document) baseOf(members map[string]any, base string) string {
	id, _ := members[d.draft.idKeyword()].(string)
	if _, ok := members["$ref"]; ok && d.draft <= draft7 {
		return base // nothing stands beside a reference
	}
	if id, _, _ = strings.Cut(id, "#"); id == "" {
		return base
	}
	base, _ = resolveReference(base, id)
	return base
}

// A reference is a keyword that leads to another schema.
type reference struct {
	from    *document
	pointer string // to the keyword
	written string
	to      string // the document's URL
	within  string // the fragment, decoded
}

// references returns those of the schemas in the document.
func (d *document) references() (all []reference) {
	for _, s := range d.schemas {
		for _, name := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
			written, ok := s.members[name].(string)
			if !s.known || !ok || !vocabulary[name].knownIn(d.draft) {
				continue
			}
			r := reference{from: d, pointer: s.pointer + "/" + name, written: written}
			r.to, r.within = resolveReference(s.base, written)
			all = append(all, r)
		}
	}
	return all
}

// resolveReference returns where a reference leads from base: the URL of a document and the decoded fragment. A base that
// nothing is relative to, such as a URN, has what is written put behind it, as the validator has it.
func resolveReference(base, written string) (to, within string) {
	address, fragment, _ := strings.Cut(written, "#")
	within = pointer(fragment)
	switch u, err := url.Parse(address); {
	case address == "":
		return base, within
	case err != nil || u.IsAbs():
		return address, within
	case strings.HasPrefix(base, "urn:"):
		return base + address, within
	default:
		from, err := url.Parse(base)
		if err != nil {
			return address, within
		}
		return from.ResolveReference(u).String(), within
	}
}

// at returns the pointer to what a fragment, a pointer or an anchor's name, leads to in the resource of that URL.
func (d *document) at(resource, fragment string) (pointer string, ok bool) {
	if fragment != "" && fragment[0] != '/' {
		pointer, ok = d.anchors[resource+"#"+fragment]
		return pointer, ok
	}
	root, ok := d.roots[resource]
	if !ok && resource != d.location {
		return "", false
	}
	_, ok = find(d.root, root+fragment)
	return root + fragment, ok
}

// find returns what a pointer leads to in v.
func find(v any, p string) (inside any, ok bool) {
	for ok = true; ok && p != ""; {
		var token string
		token, p = cutToken(p)
		v, ok = child(v, token)
	}
	return v, ok
}

// escaped puts escapes into a token of a JSON Pointer.
var escaped = strings.NewReplacer("~", "~0", "/", "~1")
