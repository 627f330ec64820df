package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A library is the documents that one schema is made of: the first, and those that references have led to.
type library struct {
	compiler  *jsonschema.Compiler
	documents []*document
	unread    error // why the compiler did not get one that it asked for
}

// compile compiles the schema at location. A panic of the compiler becomes an error: it takes for granted what not all
// drafts' own schemas demand, such as that a "$ref" is a string.
func (l *library) compile(location string) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the compiler stopped on this schema: %v", r)
		}
	}()
	l.compiler = newCompiler(l.read)
	compiled, err = l.compiler.Compile(location)
	if err != nil {
		return nil, l.explain(err)
	}
	l.follow()
	return compiled, nil
}

// read returns the schema document at location as the compiler is to have it.
func (l *library) read(location string) (text []byte, err error) {
	name, text, err := l.open(location)
	if err != nil {
		l.unread = l.explainUnread(location, err)
		return nil, l.unread
	}
	d, err := newDocument(name, location, text)
	if err != nil {
		return nil, err
	}
	l.documents = append(l.documents, d)
	if len(l.documents) == 1 {
		l.compiler.AssertFormat = d.assertsFormats()
	}
	if text, err = d.prepare(text); err != nil {
		l.unread = fmt.Errorf("read schema %s: %w", name, err)
		return nil, l.unread
	}
	return text, nil
}

// open returns the text at location, and what people call it: a built-in schema, a file, or the file that it would have
// been, had the schemas that refer to it no "$id". Many who give an "$id" do not mean that their files are to be fetched.
func (l *library) open(location string) (name string, text []byte, err error) {
	if text := builtIn(location); text != nil {
		return location, text, nil
	}
	path, err := pathOf(location)
	if err == nil {
		if text, err = readFile(path); !errors.Is(err, fs.ErrNotExist) {
			return path, text, err
		}
	}
	for _, r := range l.leadingTo(location) {
		beside, ok := r.beside()
		if !ok {
			continue
		}
		if text, besideErr := readFile(beside); !errors.Is(besideErr, fs.ErrNotExist) {
			return beside, text, besideErr
		}
	}
	return path, nil, err
}

// leadingTo returns the references to a document, in order.
func (l *library) leadingTo(location string) (all []reference) {
	for _, r := range l.references() {
		if r.to == location {
			all = append(all, r)
		}
	}
	return all
}

// references returns those of all documents, in order.
func (l *library) references() (all []reference) {
	for _, d := range l.documents {
		in := d.references()
		slices.SortFunc(in, func(a, b reference) int { return comparePointers(a.pointer, b.pointer) })
		all = append(all, in...)
	}
	return all
}

// beside returns the path that a relative reference leads to from the file it stands in.
func (r reference) beside() (path string, ok bool) {
	u, err := url.Parse(r.written)
	if err != nil || u.IsAbs() || u.Path == "" || builtIn(r.from.location) != nil {
		return "", false
	}
	return filepath.Join(filepath.Dir(r.from.name), filepath.FromSlash(u.Path)), true
}

// follow makes known to be a schema whatever a reference leads to.
func (l *library) follow() {
	for again := true; again; {
		again = false
		for _, r := range l.references() {
			d, at, ok := l.find(r)
			if !ok {
				continue // a meta-schema's, which is not read
			}
			if s := d.schemas[at]; s != nil && !s.known {
				d.visit(s.members, at, s.around, true)
				again = true
			}
		}
	}
}

// find returns where a reference leads; the document is nil if it has not been read.
func (l *library) find(r reference) (d *document, pointer string, ok bool) {
	for _, d := range l.documents {
		if pointer, ok = d.at(r.to, r.within); ok {
			return d, pointer, true
		}
	}
	for _, d := range l.documents {
		if d.location == r.to || d.base() == r.to {
			return d, "", false
		}
	}
	return nil, "", false
}

// explain says in words of the files why they do not compile.
func (l *library) explain(err error) error {
	if l.unread != nil {
		return l.unread
	}
	for _, r := range l.references() {
		if d, _, ok := l.find(r); d != nil && !ok {
			return fmt.Errorf("%s: %s: %q leads to nothing in %s", r.from.name, r.pointer, r.written, d.name)
		}
	}
	if loop, ok := errors.AsType[jsonschema.InfiniteLoopError](err); ok {
		return fmt.Errorf("references lead in a circle: %s", string(loop))
	}
	if wrapped, ok := errors.AsType[*jsonschema.SchemaError](err); ok {
		err = wrapped.Err // the rest repeats the location
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return l.explainInvalid(invalid)
	}
	return err
}

// explainInvalid says why what a reference leads to is no schema. The compiler does not say in which document.
func (l *library) explainInvalid(invalid *jsonschema.ValidationError) error {
	for _, d := range l.documents {
		for _, leaf := range appendLeaves(nil, invalid) {
			if _, ok := find(d.root, d.patterns.written(pointer(leaf.InstanceLocation))); ok {
				return fmt.Errorf("%s: %w", d.name, d.invalid(invalid))
			}
		}
	}
	return invalid
}

// explainUnread says which reference led to location, which err is about.
func (l *library) explainUnread(location string, err error) error {
	leading := l.leadingTo(location)
	if len(leading) == 0 {
		return err
	}
	r := leading[0]
	if path, ok := r.beside(); ok && errors.Is(err, errNetwork) {
		return fmt.Errorf(`%s: %s: %q is %s, by the "$id" of the schema: %w; nor is there a file %s`,
			r.from.name, r.pointer, r.written, location, errNetwork, path)
	}
	return fmt.Errorf("%s: %s: %w", r.from.name, r.pointer, err)
}
