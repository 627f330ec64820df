package msdkclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Faults finds what the document does not allow in the body of this call, whoever wrote it: each field that is missing, empty,
// or of another type or value than it may be, in the order of the document; if there is none, what the fields must be to each
// other. Fields that the document does not know are no fault, and no error shows a token or a key.
func (c *Call) Faults(body []byte) []*FieldError {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil || !json.Valid(body) { // the decoder does not mind what follows
		return []*FieldError{{Field: "body", Want: "JSON"}}
	}
	root := Field{Types: []string{"object"}, Fields: c.RequestFields()}
	if faults := root.faults("", tree); faults != nil {
		return faults
	}
	request := c.NewRequest()
	err := json.Unmarshal(body, request)
	if err == nil {
		err = c.Check(request)
	}
	if fault := (*FieldError)(nil); errors.As(err, &fault) {
		return []*FieldError{fault}
	}
	return nil
}

// Allowed says in words what the value of the field must be, its type included.
func (f *Field) Allowed() string {
	want, kind := f.Wanted(), f.kind()
	if strings.HasPrefix(want, kind) {
		return want
	}
	return kind + ": " + want
}

// faults looks at a value that is there.
func (f *Field) faults(name string, value any) []*FieldError {
	kind := kindOf(value)
	if !f.AllowsType(kind) {
		return []*FieldError{{Field: cmp.Or(name, "body"), Value: f.shown(value), Want: f.Allowed()}}
	}
	var err error
	switch v := value.(type) {
	case string:
		if v == "" && f.Required {
			return []*FieldError{{Field: name, Value: `""`, Want: f.Wanted()}}
		}
		err = f.checkText(name, v)
	case json.Number:
		n, tooLarge := strconv.ParseInt(v.String(), 10, 64)
		if err = f.checkInteger(name, n); err != nil || tooLarge != nil && (f.Enum != nil || f.Min != nil || f.Max != nil) {
			err = &FieldError{Field: name, Value: clip(v.String()), Want: f.Wanted()}
		}
	case map[string]any:
		return f.members(name, v)
	case []any:
		return f.elements(name, v)
	}
	if fault := (*FieldError)(nil); errors.As(err, &fault) {
		return []*FieldError{fault}
	}
	return nil
}

func (f *Field) members(name string, object map[string]any) (faults []*FieldError) {
	if f.Fields == nil { // its names are free
		for _, key := range slices.Sorted(maps.Keys(object)) {
			faults = append(faults, f.Elem.faults(join(name, key), object[key])...)
		}
		return faults
	}
	for _, field := range f.Fields {
		value, there := object[field.Name]
		switch {
		case there:
			faults = append(faults, field.faults(join(name, field.Name), value)...)
		case field.Required:
			faults = append(faults, &FieldError{Field: join(name, field.Name), Want: field.Wanted()})
		}
	}
	return faults
}

func (f *Field) elements(name string, list []any) (faults []*FieldError) {
	if len(list) == 0 && f.Required {
		return []*FieldError{{Field: name, Value: "[]", Want: f.Wanted()}}
	}
	elem := *f.Elem
	elem.Required = true // an element is not empty
	for i, value := range list {
		faults = append(faults, elem.faults(name+"["+strconv.Itoa(i)+"]", value)...)
	}
	return faults
}

// kindOf is the type of a value of JSON, as [Field.Types] has it.
func kindOf(value any) string {
	switch v := value.(type) {
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case bool:
		return "boolean"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	default:
		return "null"
	}
}

// shown is a value as an error may have it.
func (f *Field) shown(value any) string {
	switch kind := kindOf(value); {
	case kind == "object", kind == "array", kind == "integer" && f.isSecret():
		return "an " + kind
	case f.isSecret():
		return "a " + kind
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return clip(string(text))
}

func (f *Field) isSecret() bool { return isSecret(f.Name) }

// isSecret tells the names of fields that hold a token or a key.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "token") || name == "secret"
}
