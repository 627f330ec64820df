package msdkclient

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// FieldError says of one field of a request or an answer what is wrong with it.
type FieldError struct {
	Field string // by its names in JSON: "button.rankview.title", "json[1].baseinfo.platid"
	Value string // as given, cut; empty where nothing was given, or it is not to be shown
	Want  string // what is allowed
}

// Error names the field, the value and what is allowed.
func (e *FieldError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: want %s", e.Field, e.Want)
	}
	return fmt.Sprintf("%s: %s: want %s", e.Field, e.Value, e.Want)
}

// checker is a request with rules about more than one field.
type checker interface{ check() error }

// Check finds the first field of a request of this call, such as a *[RefreshTokenRequest], that the platform would not take.
// The error is a [*FieldError].
func (c *Call) Check(request any) error {
	return check(reflect.ValueOf(request).Elem().Interface())
}

// check finds the first field of a request that the platform would not take.
func check(request any) error {
	if err := checkFields("", reflect.ValueOf(request)); err != nil {
		return err
	}
	if r, ok := request.(checker); ok {
		return r.check()
	}
	return nil
}

func checkFields(prefix string, v reflect.Value) error {
	for _, f := range fieldsOf(v.Type()) {
		if err := f.check(prefix+f.Name, v.FieldByIndex(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) check(name string, v reflect.Value) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if f.Required && isEmpty(v) {
		return &FieldError{Field: name, Want: f.Wanted()}
	}
	if value, ok := v.Interface().(Value); ok {
		if !value.isString && strings.ContainsAny(value.text, ".eE") { // as it may have been read
			return &FieldError{Field: name, Value: clip(value.text), Want: f.Wanted()}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		return f.checkText(name, v.String())
	case reflect.Int, reflect.Int64:
		return f.checkInteger(name, v.Int())
	case reflect.Slice:
		for i := range v.Len() {
			if err := f.Elem.check(name+"["+strconv.Itoa(i)+"]", v.Index(i)); err != nil {
				return err
			}
			if e := v.Index(i); e.Kind() == reflect.String && e.Len() == 0 {
				return &FieldError{Field: name + "[" + strconv.Itoa(i) + "]", Want: "a string that is not empty"}
			}
		}
	case reflect.Map:
		names := v.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range names {
			if err := f.Elem.check(name+"."+key.String(), v.MapIndex(key)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return checkFields(name+".", v)
	}
	return nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		value, ok := v.Interface().(Value)
		return ok && value.IsZero()
	default:
		return false // 0 and false are values like any other
	}
}

func (f *Field) checkText(name, text string) error {
	switch {
	case text == "" && !f.Required:
		return nil
	case f.MaxBytes > 0 && len(text) > f.MaxBytes:
		return &FieldError{Field: name, Value: fmt.Sprintf("%d bytes", len(text)), Want: f.Wanted()}
	case f.Enum != nil && !slices.Contains(f.Enum, text), f.Pattern != nil && !f.Pattern.MatchString(text):
		return &FieldError{Field: name, Value: strconv.Quote(clip(text)), Want: f.Wanted()}
	}
	return nil
}

func (f *Field) checkInteger(name string, n int64) error {
	if f.Enum != nil && !slices.Contains(f.Enum, itoa(n)) || f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		return &FieldError{Field: name, Value: itoa(n), Want: f.Wanted()}
	}
	return nil
}

// Wanted says in words what a value must be: "0 or 1", "2048 bytes at most", "a string that is not empty".
func (f *Field) Wanted() string {
	switch {
	case f.Want != "":
		return f.Want
	case len(f.Enum) == 1:
		return f.Enum[0]
	case f.Enum != nil:
		return strings.Join(f.Enum[:len(f.Enum)-1], ", ") + " or " + f.Enum[len(f.Enum)-1]
	case f.MaxBytes > 0:
		return fmt.Sprintf("%d bytes at most", f.MaxBytes)
	case f.Min != nil && f.Max != nil:
		return fmt.Sprintf("%d to %d", *f.Min, *f.Max)
	}
	if kind := f.kind(); !f.Required || kind == "an integer" || kind == "a boolean" {
		return kind
	}
	return f.kind() + " that is not empty"
}

// kind says in words of what type a value must be.
func (f *Field) kind() string {
	kind := strings.Join(f.Types, " or ")
	if strings.ContainsRune("aeiou", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

// need is a field that something else asks for.
type need struct {
	field string
	there bool
}

// missing is an error about the first of the needs that is not there, or with no needs at all nil.
func missing(for_ string, needs ...need) error {
	for _, n := range needs {
		if !n.there {
			return &FieldError{Field: n.field, Want: "it, for " + for_}
		}
	}
	return nil
}
