package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/battlereport/battlereport/schema/plaintext"
)

// drafts are the values of "$schema" accepted, without a trailing "#". The first one holds for a file that names none.
var drafts = []string{
	jsonschema.Draft2020.URL(),
	jsonschema.Draft2019.URL(),
	jsonschema.Draft7.URL(),
	jsonschema.Draft6.URL(),
	jsonschema.Draft4.URL(),
}

// Bounds of a schema file.
const (
	maxSchemaBytes = 4 << 20
	maxSchemaDepth = 256 // arrays and objects inside each other
)

// Load returns the schema of that name: one of BuiltIns, or else a JSON Schema file at that path.
//
// A file is in the draft that its "$schema" names, of 4, 6, 7, 2019-09 and 2020-12, and in 2020-12 if it names none. A
// "$ref" may lead to other files, relative to its "$id" or to the file it stands in, and to the "$id" of a built-in schema;
// nothing is fetched from a network. Where an "$id" makes an address of a relative "$ref" and there is no such file, the
// file is taken that it leads to from the one it stands in. A file is JSON in UTF-8, of at most 4 MiB; a byte order mark
// before it is dropped.
//
// Patterns mean what ECMA 262 says. What is of ECMA 262 alone is put in the words of RE2, and what RE2 cannot do,
// lookahead, lookbehind and backreferences, is refused; what is of RE2 alone, such as (?i), is taken.
//
// "format" is checked up to draft 7 and in a file without "$schema". In 2019-09 and 2020-12 it is a note, unless the file
// that is loaded asks for more by "$vocabulary", with a true for https://json-schema.org/draft/2019-09/vocab/format or
// https://json-schema.org/draft/2020-12/vocab/format-assertion; that holds for all files it refers to. contentEncoding,
// contentMediaType and contentSchema are notes in every draft. What of a schema is not checked, Lint says.
//
// The error names the file and what is wrong with it; it wraps fs.ErrNotExist and the like if a file cannot be read.
func Load(name string, limits Limits) (*Schema, error) {
	s, err := load(name, limits)
	if err != nil {
		return nil, fmt.Errorf("load schema %s: %w", name, err)
	}
	return s, nil
}

func load(name string, limits Limits) (*Schema, error) {
	limits, err := limits.resolve()
	if err != nil {
		return nil, err
	}
	location, err := locate(name)
	if err != nil {
		return nil, err
	}
	l := new(library)
	compiled, err := l.compile(location)
	if err != nil {
		return nil, err
	}
	return &Schema{compiled: compiled, program: newProgram(compiled), limits: limits, author: l.author(), notes: l.lint()}, nil
}

// locate returns the URL of the schema of that name.
func locate(name string) (string, error) {
	if edition, ok := strings.CutPrefix(name, builtInPrefix); ok {
		if !slices.Contains(editions, edition) {
			return "", fmt.Errorf("no such built-in schema: there are %s", strings.Join(BuiltIns(), ", "))
		}
		return builtInID(edition), nil
	}
	if strings.Contains(name, "://") {
		return "", errors.New("a schema is built in or a file: none is fetched from a URL")
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String(), nil
}

// newCompiler returns a compiler that gets its documents from read. It knows no extensions and checks nothing inside
// strings, both of which a program takes for granted.
func newCompiler(read func(location string) ([]byte, error)) *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.LoadURL = func(location string) (io.ReadCloser, error) {
		text, err := read(location)
		return io.NopCloser(bytes.NewReader(text)), err
	}
	// Left on, what the compiler checks inside strings up to draft 7 would escape the strict scan, and its limits on numbers.
	c.MediaTypes["application/json"] = nil
	c.Decoders["base64"] = nil
	c.Formats["regex"] = isPattern
	return c
}

// pathOf returns the path of the file at location, a URL.
func pathOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	if u.Scheme != "file" || u.Host != "" {
		return "", fmt.Errorf("read schema %s: %w", location, errNetwork)
	}
	path := u.Path
	if runtime.GOOS == "windows" { // the slash before a drive letter
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.FromSlash(path), nil
}

var errNetwork = errors.New("only files are read, none is fetched from a network")

// readFile returns the text of a schema file. It is held to the same strict JSON as records, so that no number in it makes
// the validator's arithmetic stall, and no key is overridden unseen by another of its name.
func readFile(path string) ([]byte, error) {
	text, err := plaintext.ReadFile(path, maxSchemaBytes)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if err := scan(text, maxSchemaDepth); err != nil {
		return nil, fmt.Errorf("read schema %s: %w", path, err)
	}
	if err := checkDraft(text); err != nil {
		return nil, fmt.Errorf("read schema %s: %w", path, err)
	}
	return text, nil
}

// checkDraft refuses a schema in a draft that the compiler does not know; left alone, it would go and look for it.
func checkDraft(text []byte) error {
	v, err := decode(text)
	if err != nil {
		return err
	}
	document, _ := v.(map[string]any)
	draft, ok := document["$schema"].(string)
	if !ok {
		return nil // none, or of a type that the compiler refuses
	}
	for _, known := range drafts {
		if sameDraft(draft, known) {
			return nil
		}
	}
	return fmt.Errorf("$schema %q is unknown: known are %s", shorten(draft, maxMessage), strings.Join(drafts, ", "))
}

// sameDraft reports whether two values of "$schema" name the same draft.
func sameDraft(a, b string) bool { return trimDraft(a) == trimDraft(b) }

func trimDraft(id string) string {
	id = strings.TrimSuffix(strings.TrimSuffix(id, "#/"), "#")
	return strings.TrimPrefix(strings.TrimPrefix(id, "http:"), "https:")
}
