package deadlettercmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/deadletter"
)

// A shape is what a part of an exported letter looks like in JSON.
type shape struct {
	kind     string           // what is wanted, in words
	of       *shape           // each element of an array
	fields   map[string]shape // of an object
	optional bool
	letter   bool // only records that are letters have it
}

var (
	textShape   = shape{kind: "text"}
	numberShape = shape{kind: "a whole number"}
	timeShape   = shape{kind: "a time as in RFC 3339"}
	coded       = shape{kind: "text", optional: true}
	bytesShape  = shape{kind: "text or null", optional: true} // there is another form, which the library looks for
)

func maybe(s shape) shape    { s.optional = true; return s }
func ofLetter(s shape) shape { s.letter = true; return s }

// letterShape is what export writes, a line each.
var letterShape = shape{kind: "an object as export writes it", fields: map[string]shape{
	"name": textShape, "topic_id": maybe(textShape), "state": textShape, "written": timeShape, "foreign": maybe(textShape),
	"reason": ofLetter(textShape), "detail": ofLetter(textShape),
	"violations": maybe(shape{kind: "an array", of: &shape{kind: "an object", fields: map[string]shape{
		"instance": textShape, "keyword": textShape, "message": textShape,
	}}}),
	"ret": maybe(numberShape), "http_status": maybe(numberShape),
	"attempts": ofLetter(numberShape), "delivery": ofLetter(textShape), "appid": maybe(textShape), "route": maybe(textShape),
	"source": ofLetter(shape{kind: "an object", fields: map[string]shape{
		"topic": textShape, "partition": numberShape, "offset": numberShape, "timestamp": timeShape,
	}}),
	"time": ofLetter(timeShape), "replays": ofLetter(numberShape), "previous": maybe(textShape),
	"omitted": maybe(shape{kind: "an array", of: &textShape}),
	"key":     bytesShape, "key_base64": coded,
	"headers": {kind: "an array", of: &shape{kind: "an object", fields: map[string]shape{
		"key": textShape, "value": bytesShape, "value_base64": coded,
	}}},
	"value": bytesShape, "value_base64": coded,
}}

// parseEdit reads a letter that somebody has edited. The error says which field is wrong, and what is wanted there.
func parseEdit(text []byte, entry *deadletter.Entry) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var read any
	err := decoder.Decode(&read)
	if err == nil {
		_, err = decoder.Token() // is there more?
	}
	if !errors.Is(err, io.EOF) {
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			return fmt.Errorf("it is no JSON from byte %d on: want %s, one a line", syntax.Offset, letterShape.kind)
		}
		return fmt.Errorf("it is not one JSON value, whole: want %s, one a line", letterShape.kind)
	}
	object, _ := read.(map[string]any)
	foreign, _ := object["foreign"].(string)
	if err := letterShape.check("", read, foreign != ""); err != nil {
		return err
	}
	return entry.UnmarshalJSON(text)
}

// check says what in a value does not have the shape. The path is that of the value, empty at the top.
func (s shape) check(path string, v any, foreign bool) error {
	if !s.fits(v) {
		at := path
		if at == "" {
			at = "it"
		}
		return fmt.Errorf("%s is %s: want %s", at, described(v), s.kind)
	}
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			if err := s.of.check(fmt.Sprintf("%s[%d]", path, i), element, foreign); err != nil {
				return err
			}
		}
	case map[string]any:
		return s.checkFields(path, v, foreign)
	}
	return nil
}

func (s shape) checkFields(path string, object map[string]any, foreign bool) error {
	if path != "" {
		path += "."
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field, known := s.fields[name]
		if !known {
			return fmt.Errorf("%.100q is no field that export writes%s", path+name, cli.Suggestion(name, slices.Sorted(maps.Keys(s.fields))))
		}
		if err := field.check(path+name, object[name], foreign); err != nil {
			return err
		}
	}
	var missing []string
	for name, field := range s.fields {
		if _, there := object[name]; !there && !field.optional && (!field.letter || !foreign) {
			missing = append(missing, path+name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("missing: %s; want all that export has written, of which only the value may be edited", strings.Join(missing, ", "))
	}
	return nil
}

// fits reports whether a value is of the shape's kind, whatever is in it.
func (s shape) fits(v any) bool {
	switch v := v.(type) {
	case nil:
		return s.kind == bytesShape.kind
	case string:
		return s.kind == textShape.kind || s.kind == bytesShape.kind || s.kind == timeShape.kind && new(time.Time).UnmarshalText([]byte(v)) == nil
	case json.Number:
		_, err := v.Int64()
		return s.kind == numberShape.kind && err == nil
	case []any:
		return s.of != nil
	case map[string]any:
		return s.fields != nil
	}
	return false
}

// described says what a value is, in a few words.
func described(v any) string {
	switch v := v.(type) {
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	case string:
		return fmt.Sprintf("%.100q", v)
	case nil:
		return "null"
	default:
		return fmt.Sprintf("%.100v", v)
	}
}
