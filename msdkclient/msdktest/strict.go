package msdktest

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// decode reads the body of a request to the stand-in itself into v, a pointer. Every error is a [msdkclient.FieldError].
func decode(text []byte, v any) error {
	if !json.Valid(text) {
		return &msdkclient.FieldError{Field: "body", Value: strconv.Quote(cut(string(text), 64)), Want: "JSON"}
	}
	return strict("body", bytes.TrimSpace(text), reflect.ValueOf(v).Elem())
}

// strict reads text, which stands at place, into v: a struct, a slice of them, or a plain value. What v has no field for is
// an error, and so is a value of another type or null: a slip must not make a request that does something else. Fields
// that are not there keep the value they have.
func strict(place string, text []byte, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return strict(place, text, v.Elem())
	case reflect.Struct:
		return strictObject(place, text, v)
	case reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil || list == nil {
			return unwanted(place, text, "an array")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i := range list {
			if err := strict(place+"["+strconv.Itoa(i)+"]", list[i], v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if string(text) == "null" || json.Unmarshal(text, v.Addr().Interface()) != nil {
		return unwanted(place, text, map[reflect.Kind]string{
			reflect.String: "a string", reflect.Bool: "true or false",
		}[v.Kind()])
	}
	return nil
}

func strictObject(place string, text []byte, v reflect.Value) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return unwanted(place, text, "an object")
	}
	fields := map[string]int{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		inner := strings.TrimPrefix(place+"."+name, "body.")
		i, known := fields[name]
		if !known {
			return &msdkclient.FieldError{Field: inner, Want: "none of this name; there are " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")}
		}
		if err := strict(inner, members[name], v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// unwanted is the error about a value. Where no words say what is wanted, it is a whole number.
func unwanted(place string, value []byte, want string) error {
	if want == "" {
		want = "a whole number"
	}
	return &msdkclient.FieldError{Field: place, Value: cut(string(value), 64), Want: want}
}

const wantApp = "an app of this stand-in"

// misfit is the error about a text that is a value of the right type.
func misfit(field, value, want string) *msdkclient.FieldError {
	return &msdkclient.FieldError{Field: field, Value: strconv.Quote(cut(value, 64)), Want: want}
}

// cut shortens text to about n bytes, at the end of a character, and shows that it did.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
