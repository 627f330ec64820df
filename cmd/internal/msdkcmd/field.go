package msdkcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient"
)

// A step of a path is the name of a field, or the number of an element.
type step struct {
	name  string
	index int // -1: it is a name
}

var pathPiece = regexp.MustCompile(`^(?:\.?([^.\[\]]+)|\[([0-9]{1,6})\])`)

// parsePath reads a path such as json[0].baseinfo.openid.
func parsePath(text string) ([]step, error) {
	var path []step
	for rest := text; rest != ""; {
		m := pathPiece.FindStringSubmatch(rest)
		switch {
		case m == nil, path == nil && m[1] == "", path == nil && rest[0] == '.', path != nil && m[1] != "" && rest[0] != '.':
			return nil, fmt.Errorf("%q: want a field such as openid, json.baseinfo.platid or openids[0]", text)
		case m[1] != "":
			path = append(path, step{m[1], -1})
		default:
			n, _ := strconv.Atoi(m[2]) // they are digits, and few
			path = append(path, step{index: n})
		}
		rest = rest[len(m[0]):]
	}
	return path, nil
}

// A setter puts values into a body at the paths that people name. What is given goes before what was there.
type setter struct{ given map[string]bool }

// set returns value, which field describes and name leads to, with what text says put at a path below it.
func (s *setter) set(field *msdkclient.Field, name string, value any, path []step, text string) (any, error) {
	if len(path) == 0 {
		return s.put(field, name, value, text)
	}
	at := path[0]
	if at.index >= 0 {
		return s.element(field, name, value, path, text)
	}
	inner, err := member(field, name, at.name)
	if err != nil {
		return nil, err
	}
	object, isObject := value.(map[string]any)
	switch {
	case value == nil:
		object = map[string]any{}
	case !isObject:
		return nil, fmt.Errorf("%s: it is an array here: an element is %s[0].%s", name, name, at.name)
	}
	object[at.name], err = s.set(inner, join(name, at.name), object[at.name], path[1:], text)
	return object, err
}

func (s *setter) element(field *msdkclient.Field, name string, value any, path []step, text string) (any, error) {
	if !field.AllowsType("array") {
		return nil, fmt.Errorf("%s: want %s, which has no elements", name, field.Allowed())
	}
	list, isList := value.([]any)
	if value != nil && !isList {
		return nil, fmt.Errorf("%s: it is no array here", name)
	}
	at := path[0].index
	if at > len(list) {
		return nil, fmt.Errorf("%s[%d]: the next element is %s[%d]", name, at, name, len(list))
	}
	if at == len(list) {
		list = append(list, nil)
	}
	elem, err := s.set(field.Elem, fmt.Sprintf("%s[%d]", name, at), list[at], path[1:], text)
	if err != nil {
		return nil, err
	}
	list[at] = elem
	return list, nil
}

// member is the description of a field within another.
func member(field *msdkclient.Field, of, name string) (*msdkclient.Field, error) {
	switch {
	case !field.AllowsType("object"):
		return nil, fmt.Errorf("%s: want %s, which has no fields", of, field.Allowed())
	case field.Fields == nil:
		return field.Elem, nil // names are free
	}
	var known []string
	for _, f := range field.Fields {
		if f.Name == name {
			return f, nil
		}
		known = append(known, f.Name)
	}
	return nil, fmt.Errorf("unknown field %s%s; there are %s (-d sends any body)", join(of, name), cli.Suggestion(name, known), strings.Join(known, ", "))
}

func join(name, field string) string {
	if name == "" {
		return field
	}
	return name + "." + field
}

// put is the value that text says, or the list it is added to.
func (s *setter) put(field *msdkclient.Field, name string, value any, text string) (any, error) {
	again := s.given[name]
	for other := range s.given {
		if !again && (strings.HasPrefix(other, name+".") || strings.HasPrefix(other, name+"[")) {
			return nil, fmt.Errorf("%s would take the place of %s, which is given too", name, other)
		}
	}
	s.given[name] = true
	if field.AllowsType("array") && !field.AllowsType("object") && !strings.HasPrefix(text, "[") {
		list, _ := value.([]any)
		if !again {
			list = nil
		}
		return s.element(field, name, list, []step{{index: len(list)}}, text)
	}
	if again {
		return nil, fmt.Errorf("%s is given twice", name)
	}
	return typed(field, name, text)
}

var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// typed is what text says in the type that the document gives to the field.
func typed(field *msdkclient.Field, name, text string) (any, error) {
	for _, kind := range field.Types {
		switch kind {
		case "string":
			return text, nil
		case "integer":
			if integer.MatchString(text) {
				return json.Number(text), nil
			}
		case "boolean":
			if text == "true" || text == "false" {
				return text == "true", nil
			}
		default:
			value, err := parse([]byte(text))
			_, isObject := value.(map[string]any)
			_, isArray := value.([]any)
			if err == nil && (kind == "object" && isObject || kind == "array" && isArray) {
				return value, nil
			}
		}
	}
	return nil, &msdkclient.FieldError{Field: name, Value: strconv.Quote(shorten(text)), Want: field.Allowed()}
}

func shorten(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// parse reads one JSON text with all digits of its numbers.
func parse(text []byte) (value any, err error) {
	if !json.Valid(text) {
		return nil, errors.New("it is no JSON")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}
