package openapi

import (
	"slices"
	"strconv"

	"github.com/battlereport/battlereport/msdkclient"
)

// schema is a JSON Schema (draft 2020-12), as far as it is needed here.
type schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Description string           `json:"description,omitempty"`
	Type        string           `json:"type,omitempty"`
	Format      string           `json:"format,omitempty"`
	Const       any              `json:"const,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Minimum     *int64           `json:"minimum,omitempty"`
	Maximum     *int64           `json:"maximum,omitempty"`
	MinLength   int              `json:"minLength,omitempty"`
	MaxLength   int              `json:"maxLength,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	MinItems    int              `json:"minItems,omitempty"`
	Items       *schema          `json:"items,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Properties  entries[*schema] `json:"properties,omitempty"`
	Additional  *schema          `json:"additionalProperties,omitempty"`
	OneOf       []*schema        `json:"oneOf,omitempty"`
	If          *schema          `json:"if,omitempty"`
	Then        *schema          `json:"then,omitempty"`
	Else        *schema          `json:"else,omitempty"`
}

// schemas makes the schema of each struct once, under its name in Go.
type schemas struct {
	words *words
	made  entries[*schema]
}

// refer is a reference to the schema of a struct, which is made if there is none yet.
func (s *schemas) refer(name string, create func() *schema) *schema {
	if _, known := s.made.find(name); !known {
		s.made.add(name, create())
	}
	return &schema{Ref: "#/components/schemas/" + name}
}

// request refers to the body of a call.
func (s *schemas) request(name string, fields []*msdkclient.Field) *schema {
	return s.refer(name, func() *schema { return s.object(name, fields, true) })
}

// answer refers to an answer: of what is required there is ret always, and the rest with success alone.
func (s *schemas) answer(name string, fields []*msdkclient.Field) *schema {
	return s.refer(name, func() *schema {
		a := s.object(name, fields, false)
		rest := slices.DeleteFunc(a.Required, func(field string) bool { return field == "ret" })
		a.Required = []string{"ret"}
		if len(rest) > 0 {
			a.If = &schema{Properties: entries[*schema]{{"ret", &schema{Const: 0}}}}
			a.Then = &schema{Required: rest}
		}
		return a
	})
}

// object describes a struct. In a request what is required must also not be empty.
func (s *schemas) object(name string, fields []*msdkclient.Field, request bool) *schema {
	made := &schema{Type: "object", Description: s.words.ofType(name)}
	for _, f := range fields {
		field := s.field(f, request)
		field.Description = s.words.ofField(f)
		made.Properties.add(f.Name, field)
		if f.Required {
			made.Required = append(made.Required, f.Name)
		}
	}
	made.addRules(name)
	return made
}

// field describes a field, or an element of an array or a map. Where it may be of several types, it is one of them.
func (s *schemas) field(f *msdkclient.Field, request bool) *schema {
	if len(f.Types) == 1 {
		return s.oneType(f, f.Types[0], request)
	}
	var either []*schema
	for _, name := range f.Types {
		either = append(either, s.oneType(f, name, request))
	}
	return &schema{OneOf: either}
}

func (s *schemas) oneType(f *msdkclient.Field, name string, request bool) *schema {
	filled := 0
	if request && f.Required {
		filled = 1
	}
	switch name {
	case "string":
		return textOf(f, filled)
	case "integer":
		return integerOf(f)
	case "array":
		elem := s.field(f.Elem, request)
		if request && elem.Type == "string" {
			elem.MinLength = 1
		}
		if f.Fields != nil {
			elem = oneOfMany(elem)
		}
		return &schema{Type: name, MinItems: filled, Items: elem}
	case "object":
		if f.Fields == nil {
			return &schema{Type: name, Additional: s.field(f.Elem, request)}
		}
		goType := f.Fields[0].GoType
		return s.refer(goType, func() *schema { return s.object(goType, f.Fields, request) })
	default:
		return &schema{Type: name}
	}
}

func textOf(f *msdkclient.Field, minLength int) *schema {
	switch {
	case len(f.Enum) == 1:
		return &schema{Type: "string", Const: f.Enum[0]}
	case f.Enum != nil:
		return &schema{Type: "string", Enum: f.Enum}
	case f.Pattern != nil && f.Required:
		return &schema{Type: "string", Pattern: f.Pattern.String()}
	case f.Pattern != nil: // empty is as good as missing
		return &schema{Type: "string", Pattern: "^$|" + f.Pattern.String()}
	case len(f.Types) > 1: // it is a value, whatever is in it
		return &schema{Type: "string"}
	default:
		return &schema{Type: "string", MinLength: minLength, MaxLength: f.MaxBytes} // a character is a byte at least
	}
}

// integerOf has an enum, whose values are in a row, as bounds: of an enum generators make a class.
func integerOf(f *msdkclient.Field) *schema {
	if f.Enum == nil && len(f.Types) > 1 {
		return &schema{Type: "integer"} // of any size: all its digits are kept
	}
	if f.Enum == nil {
		return &schema{Type: "integer", Format: "int64", Minimum: f.Min, Maximum: f.Max}
	}
	first, last := integer(f.Enum[0]), integer(f.Enum[len(f.Enum)-1])
	if first == last {
		return &schema{Type: "integer", Const: first}
	}
	return &schema{Type: "integer", Minimum: &first, Maximum: &last}
}

func integer(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err) // the values of an integer are integers
	}
	return n
}
