package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A flaw is something in a document because of which it is no schema.
type flaw struct {
	pointer string
	text    string
}

// flawsOf returns an error that says the first flaw, and how many there are; nil if there is none.
func flawsOf(flaws []flaw) error {
	if len(flaws) == 0 {
		return nil
	}
	slices.SortFunc(flaws, func(a, b flaw) int { return comparePointers(a.pointer, b.pointer) })
	place := flaws[0].pointer
	if place == "" {
		place = "the whole"
	}
	more := ""
	if len(flaws) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(flaws)-1)
	}
	return fmt.Errorf("%s: %s%s", place, flaws[0].text, more)
}

// patternFlaws says which patterns RE2 cannot have, and why.
func (d *document) patternFlaws() error {
	var flaws []flaw
	judge := func(at, pattern string) {
		if text := patternFlaw(pattern); text != "" {
			flaws = append(flaws, flaw{at, text})
		}
	}
	for _, s := range d.schemas {
		if !s.known {
			continue
		}
		if pattern, ok := s.members["pattern"].(string); ok {
			judge(s.pointer+"/pattern", pattern)
		}
		named, _ := s.members["patternProperties"].(map[string]any)
		for name := range named {
			judge(s.pointer+"/patternProperties/"+escaped.Replace(name), name)
		}
	}
	return flawsOf(flaws)
}

// patternFlaw says why RE2 cannot have a pattern, or nothing.
func patternFlaw(pattern string) string {
	if _, err := compilePattern(pattern); err != nil {
		return fmt.Sprintf("pattern %q cannot be used: patterns are RE2 (Go): %v", shorten(pattern, maxMessage), err)
	}
	return ""
}

// check says what the draft's own schema has against the document. The compiler does so too, but not in which file.
func (d *document) check(root any) error {
	meta, err := jsonschema.NewCompiler().Compile(d.draft.of().URL())
	if err != nil {
		return err
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](validate(meta, root)); ok {
		return d.invalid(invalid)
	}
	return nil
}

// invalid says in a line what the draft's own schema has against the document.
func (d *document) invalid(invalid *jsonschema.ValidationError) error {
	leaves := appendLeaves(nil, invalid)
	slices.SortFunc(leaves, compareLeaves) // so that of those about one place the first is the most telling
	var flaws []flaw
	for _, leaf := range leaves {
		at := d.patterns.written(pointer(leaf.InstanceLocation))
		if !slices.ContainsFunc(flaws, func(f flaw) bool { return f.pointer == at }) {
			flaws = append(flaws, flaw{at, d.reason(at, leaf.Message)})
		}
	}
	// Where a keyword takes this or that, such as a type or an array of types, what is within it says more than it does.
	holds := func(outer flaw) bool {
		return slices.ContainsFunc(flaws, func(f flaw) bool { return strings.HasPrefix(f.pointer, outer.pointer+"/") })
	}
	var innermost []flaw
	for _, f := range flaws {
		if !holds(f) {
			innermost = append(innermost, f)
		}
	}
	return flawsOf(innermost)
}

// reason returns what the validator has against what is at a pointer, with what was meant, if that is likely.
func (d *document) reason(at, message string) string {
	value, _ := find(d.root, at)
	if pattern, ok := value.(string); ok && strings.HasSuffix(at, "/pattern") {
		if text := patternFlaw(pattern); text != "" {
			return text
		}
	}
	shown := ""
	switch value.(type) {
	case string, json.Number, bool:
		text, _ := json.Marshal(value)
		shown = shorten(string(text), maxMessage) + ": "
	}
	return shown + oneLine(message, maxMessage) + d.meant(at, value)
}

// meant returns what people mean who write value at a pointer, where the draft does not allow it.
func (d *document) meant(at string, value any) string {
	word := at[strings.LastIndexByte(at, '/')+1:]
	if isIndex(word) {
		word = at[:len(at)-len(word)-1]
		word = word[strings.LastIndexByte(word, '/')+1:]
	}
	_, isBool := value.(bool)
	_, isArray := value.([]any)
	switch text, isText := value.(string); {
	case word == "type" && isText:
		if t := likeliest(text, typeNames); t != "" {
			return fmt.Sprintf("; did you mean %q?", t)
		}
		if t := otherTypes[strings.ToLower(text)]; t != "" {
			return fmt.Sprintf("; did you mean %q?", t)
		}
	case word == "required" && isBool:
		return "; it lists names of properties, and stands in the object around them"
	case (word == "exclusiveMinimum" || word == "exclusiveMaximum") && isBool:
		return fmt.Sprintf("; from draft 6 on the limit itself stands there, in the place of %q", strings.ToLower(word[9:12])+word[12:])
	case word == "exclusiveMinimum" || word == "exclusiveMaximum":
		return "; in draft 4 it is true or false, beside the limit"
	case word == "items" && isArray:
		return `; in draft 2020-12 an array of schemas is "prefixItems"`
	}
	return ""
}

var (
	typeNames  = []string{"array", "boolean", "integer", "null", "number", "object", "string"}
	otherTypes = map[string]string{
		"long": "integer", "float": "number", "double": "number", "decimal": "number", "real": "number",
		"dict": "object", "map": "object", "struct": "object", "list": "array", "text": "string", "nil": "null", "none": "null",
	}
)
