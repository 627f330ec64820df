package msdkclient

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Field describes a field of a request or of an answer, as the interface document does. It is not to be modified.
//
// What follows from the Go type is read from that; the tags required, enum, min, max, maxBytes, pattern, want, type and also
// say the rest.
type Field struct {
	Name     string   // in JSON; empty for an element of an array
	GoName   string   // of the field in its Go type; empty for an element
	GoType   string   // of the struct that has the field: "RefreshTokenRequest"
	Types    []string // of JSON: string, integer, boolean, object, array; where several will do, the usual one first
	Required bool     // it must be there, and not be an empty string, array or object
	Enum     []string // all values there are; none: any
	Min, Max *int64   // of an integer
	MaxBytes int      // of a string in UTF-8; 0: no limit
	Pattern  *regexp.Regexp
	Want     string   // Pattern in words
	Fields   []*Field // of an object
	Elem     *Field   // of an array, or of an object whose names are free

	index []int
}

// AllowsType reports whether a value of this type of JSON will do.
func (f *Field) AllowsType(name string) bool {
	for _, t := range f.Types {
		if t == name {
			return true
		}
	}
	return false
}

// fieldCache holds the fields of each struct by its type.
var fieldCache sync.Map // reflect.Type to []*Field

func fieldsOf(t reflect.Type) []*Field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]*Field)
	}
	var fields []*Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			for _, f := range fieldsOf(sf.Type) {
				inner := *f
				inner.index = append([]int{i}, f.index...)
				fields = append(fields, &inner)
			}
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" || !sf.IsExported() {
			continue
		}
		f := describe(sf.Type)
		f.Name, f.GoName, f.GoType, f.index = name, sf.Name, t.Name(), []int{i}
		f.Required = sf.Tag.Get("required") == "true"
		f.Want = sf.Tag.Get("want")
		if enum := sf.Tag.Get("enum"); enum != "" {
			f.Enum = strings.Split(enum, ",")
		}
		if pattern := sf.Tag.Get("pattern"); pattern != "" {
			f.Pattern = regexp.MustCompile(pattern)
		}
		if kind := sf.Tag.Get("type"); kind != "" {
			f.Types = []string{kind}
		}
		if also := sf.Tag.Get("also"); also != "" && !f.AllowsType(also) {
			f.Types = append(f.Types, also)
		}
		f.Min, f.Max = bound(sf.Tag.Get("min")), bound(sf.Tag.Get("max"))
		if most := bound(sf.Tag.Get("maxBytes")); most != nil {
			f.MaxBytes = int(*most)
		}
		fields = append(fields, f)
	}
	known, _ := fieldCache.LoadOrStore(t, fields)
	return known.([]*Field)
}

func bound(tag string) *int64 {
	if tag == "" {
		return nil
	}
	n, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		panic(err) // the tags are ours
	}
	return &n
}

// describe is what the Go type says of a field.
func describe(t reflect.Type) *Field {
	switch t {
	case reflect.TypeFor[Value]():
		return &Field{Types: []string{"integer", "string"}}
	case reflect.TypeFor[Sex]():
		return &Field{Types: []string{"integer", "string"}, Enum: []string{"0", "1", "2"}}
	case reflect.TypeFor[Battles]():
		elem := describe(reflect.TypeFor[Battle]())
		return &Field{Types: []string{"object", "array"}, Fields: elem.Fields, Elem: elem}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.String:
		return &Field{Types: []string{"string"}}
	case reflect.Bool:
		return &Field{Types: []string{"boolean"}}
	case reflect.Int, reflect.Int64:
		return &Field{Types: []string{"integer"}}
	case reflect.Slice:
		return &Field{Types: []string{"array"}, Elem: describe(t.Elem())}
	case reflect.Map:
		return &Field{Types: []string{"object"}, Elem: describe(t.Elem())}
	case reflect.Struct:
		return &Field{Types: []string{"object"}, Fields: fieldsOf(t)}
	default:
		panic("msdkclient: no field is of type " + t.String())
	}
}
