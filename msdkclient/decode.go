package msdkclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// decoder reads answers into structs, as liberally as their ret is read: names without regard to case, numbers as strings
// and the other way round, null as nothing, strings with any bytes in them. What has no field is passed over.
type decoder struct {
	wide bool // see scanner
}

// object reads the text of an object, or a whole answer, into a struct. A field of quite another type, or a text that
// breaks off, is a [*FieldError].
func (d decoder) object(name string, text []byte, into reflect.Value) error {
	var err error
	s := scanner{text: text, wide: d.wide}
	// What is embedded is the Status, which has been read before.
	whole := s.members(func(m member) {
		if f := fieldNamed(into.Type(), plain(m.name)); f != nil && len(f.index) == 1 && m.whole && err == nil {
			err = d.value(join(name, f.Name), m.value, into.FieldByIndex(f.index))
		}
	})
	if err == nil && !whole {
		err = &FieldError{Field: cmp.Or(name, "answer"), Want: "an object that does not break off"}
	}
	return err
}

func join(name, field string) string {
	if name == "" {
		return field
	}
	return name + "." + field
}

func fieldNamed(t reflect.Type, name string) *Field {
	for _, f := range fieldsOf(t) {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

func (d decoder) value(name string, text []byte, into reflect.Value) error {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	refuse := func(want string) error {
		return &FieldError{Field: name, Value: shown(text), Want: want}
	}
	if sex, ok := into.Addr().Interface().(*Sex); ok { // whatever else it says is not known
		n, _ := integer(member{value: text, whole: true})
		if n != int(SexMale) && n != int(SexFemale) {
			n = 0
		}
		*sex = Sex(n)
		return nil
	}
	switch into.Kind() {
	case reflect.String:
		if text[0] == '{' || text[0] == '[' {
			return refuse("a string")
		}
		into.SetString(readable(text))
	case reflect.Int, reflect.Int64:
		n, ok := integer64(text)
		if !ok {
			return refuse("an integer")
		}
		into.SetInt(n)
	case reflect.Slice:
		if isNothing(text) {
			text = []byte("[]")
		}
		if text[0] != '[' {
			return refuse("an array")
		}
		return d.list(name, text, into)
	case reflect.Struct:
		if isNothing(text) {
			return nil
		}
		if text[0] != '{' {
			return refuse("an object")
		}
		return d.object(name, text, into)
	default:
		panic("msdkclient: no answer has a field of type " + into.Type().String())
	}
	return nil
}

// isNothing tells an empty list or object. Some languages write the one for the other, and some an empty string for either.
func isNothing(text []byte) bool {
	last := len(text) - 1
	if last < 1 || len(bytes.TrimSpace(text[1:last])) > 0 {
		return false
	}
	ends := string([]byte{text[0], text[last]})
	return ends == "[]" || ends == "{}" || ends == `""`
}

// shown is a value of the wrong type as an error may have it. What is in a list or an object is not shown: there may be a
// token or a user in it.
func shown(text []byte) string {
	switch text[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return clip(string(text))
	}
}

func (d decoder) list(name string, text []byte, into reflect.Value) error {
	s := scanner{text: text, wide: d.wide}
	list := reflect.MakeSlice(into.Type(), 0, len(text)/sizeOfFriend+1)
	var err error
	whole := s.elements(func(value []byte) {
		if err != nil {
			return
		}
		e := reflect.New(into.Type().Elem()).Elem()
		err = d.value(name+"["+strconv.Itoa(list.Len())+"]", value, e)
		list = reflect.Append(list, e)
	})
	if err == nil && !whole {
		err = &FieldError{Field: name, Want: "an array that does not break off"}
	}
	into.Set(list)
	return err
}

// readable is the text of a string with whatever control bytes in it, or of a number.
func readable(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return valid(string(value))
	}
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	const hex = "0123456789abcdef"
	escaped := make([]byte, 0, len(value)+16)
	for _, c := range value {
		if c < ' ' {
			escaped = append(escaped, `\u00`...)
			escaped = append(escaped, hex[c>>4], hex[c&15])
		} else {
			escaped = append(escaped, c)
		}
	}
	if json.Unmarshal(escaped, &s) == nil {
		return s
	}
	return valid(plain(value))
}

// integer64 is the value of a number that has no fraction, or of a string that holds one, with all its digits.
func integer64(text []byte) (int64, bool) {
	s := strings.TrimSpace(plain(text))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	n, ok := integer(member{value: text, whole: true})
	return int64(n), ok
}
