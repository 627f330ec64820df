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

// A grammar is what a part of an exported letter looks like in JSON.
type grammar struct {
	kind     string             // what is wanted, in words
	of       *grammar           // each element of an array
	fields   map[string]grammar // of an object
	optional bool
	letter   bool // only records that are letters have it
}

var (
	textGrammar   = grammar{kind: "text"}
	numberGrammar = grammar{kind: "a whole number"}
	timeGrammar   = grammar{kind: "a time as in RFC 3339"}
	codedGrammar  = grammar{kind: "text", optional: true}
	bytesGrammar  = grammar{kind: "text or null", optional: true} // there is another form, which the library looks for
)

func maybe(g grammar) grammar    { g.optional = true; return g }
func ofLetter(g grammar) grammar { g.letter = true; return g }

// letterGrammar is what export writes, a line each.
var letterGrammar = grammar{kind: "an object as export writes it", fields: map[string]grammar{
	"name": textGrammar, "topic_id": maybe(textGrammar), "state": textGrammar, "written": maybe(timeGrammar), "foreign": maybe(textGrammar),
	"reason": ofLetter(textGrammar), "detail": ofLetter(textGrammar),
	"violations": maybe(grammar{kind: "an array", of: &grammar{kind: "an object", fields: map[string]grammar{
		"instance": textGrammar, "keyword": textGrammar, "message": textGrammar,
	}}}),
	"ret": maybe(numberGrammar), "http_status": maybe(numberGrammar),
	"attempts": ofLetter(numberGrammar), "delivery": ofLetter(textGrammar), "appid": maybe(textGrammar), "route": maybe(textGrammar),
	"source": ofLetter(grammar{kind: "an object", fields: map[string]grammar{
		"topic": textGrammar, "partition": numberGrammar, "offset": numberGrammar, "timestamp": maybe(timeGrammar),
	}}),
	"time": maybe(timeGrammar), "replays": ofLetter(numberGrammar), "previous": maybe(textGrammar),
	"omitted": maybe(grammar{kind: "an array", of: &textGrammar}),
	"key":     bytesGrammar, "key_base64": codedGrammar,
	"headers": {kind: "an array", of: &grammar{kind: "an object", fields: map[string]grammar{
		"key": textGrammar, "value": bytesGrammar, "value_base64": codedGrammar,
	}}},
	"value": bytesGrammar, "value_base64": codedGrammar,
}}

// parseEdit reads a letter that somebody has edited. The error says which field is wrong, and what is wanted there; what a
// decoder reads otherwise than it stands there comes last.
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
			return fmt.Errorf("it is no JSON from byte %d on: want %s, one a line", syntax.Offset, letterGrammar.kind)
		}
		return fmt.Errorf("it is not one JSON value, whole: want %s, one a line", letterGrammar.kind)
	}
	object, _ := read.(map[string]any)
	foreign, _ := object["foreign"].(string)
	if err := letterGrammar.check("", read, foreign != ""); err != nil {
		return err
	}
	return entry.UnmarshalJSON(text)
}

// check says what in a value does not follow the grammar. The path is that of the value, empty at the top.
func (g grammar) check(path string, v any, foreign bool) error {
	if !g.fits(v) {
		at := path
		if at == "" {
			at = "it"
		}
		return fmt.Errorf("%s is %s: want %s", at, described(v), g.kind)
	}
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			if err := g.of.check(fmt.Sprintf("%s[%d]", path, i), element, foreign); err != nil {
				return err
			}
		}
	case map[string]any:
		return g.checkFields(path, v, foreign)
	}
	return nil
}

func (g grammar) checkFields(path string, object map[string]any, foreign bool) error {
	if path != "" {
		path += "."
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field, known := g.fields[name]
		if !known {
			return fmt.Errorf("%.100q is no field that export writes%s", path+name, cli.Suggestion(name, slices.Sorted(maps.Keys(g.fields))))
		}
		if err := field.check(path+name, object[name], foreign); err != nil {
			return err
		}
	}
	var missing []string
	for name, field := range g.fields {
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

// fits reports whether a value is of the grammar's kind, whatever is in it.
func (g grammar) fits(v any) bool {
	switch v := v.(type) {
	case nil:
		return g.kind == bytesGrammar.kind
	case string:
		return g.kind == textGrammar.kind || g.kind == bytesGrammar.kind || g.kind == timeGrammar.kind && new(time.Time).UnmarshalText([]byte(v)) == nil
	case json.Number:
		_, err := v.Int64()
		return g.kind == numberGrammar.kind && err == nil
	case []any:
		return g.of != nil
	case map[string]any:
		return g.fields != nil
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
