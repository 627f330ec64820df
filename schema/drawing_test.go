package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

var allDrafts = []*jsonschema.Draft{
	jsonschema.Draft2020, jsonschema.Draft2019, jsonschema.Draft7, jsonschema.Draft6, jsonschema.Draft4,
}

// A drawing draws schemas, and values that are meant for them, out of the same few names, numbers and strings, so that
// they meet.
type drawing struct {
	*rapid.T
	draft *jsonschema.Draft
	short bool // no numbers of many digits
}

var (
	someNames = []string{
		"a", "b", "ab", "é", "a/b~", "", "baseinfo", "battleinfo", "openid", "score", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8",
	}
	someNumbers = []json.Number{
		"0", "1", "-1", "2", "3", "7", "10", "-10", "100", "0.5", "1.5", "-0.5", "0.1", "0.01", "0.07", "1e2", "1e-2", "2.50", "1.0", "10e-1", "-0",
		"9007199254740993", "9223372036854775807", "-9223372036854775808", "9999999999999999999", "1e19", "1e20", "3e40", "1e-30",
	}
	longNumbers  = []json.Number{"18446744073709551616", "12345678901234567890.5", "0.10000000000000000000001"}
	someStrings  = append([]string{"abc", "😀", "漢字", "a\nb", "2014-09-24", "2014-09-24 13:10:45", "127.0.0.1", "0", "A", "("}, someNames...)
	somePatterns = []string{"^a", "b$", "^[a-z]*$", "é", ".", "^k[0-9]$", "^$", "^[0-9]{4}-", "[^a-z]"}
	someFormats  = []string{"date", "ipv4", "regex", "date-time", "nonsense"}
	someTypes    = []any{"object", "array", "string", "integer", "number", "boolean", "null"}
)

func pick[T any](d drawing, what string, from []T) T { return rapid.SampledFrom(from).Draw(d.T, what) }

// chance is true so often in a hundred times.
func (d drawing) chance(percent int) bool { return rapid.IntRange(0, 99).Draw(d.T, "chance") < percent }

func (d drawing) upTo(n int) int { return rapid.IntRange(0, n).Draw(d.T, "upTo") }

func (d drawing) number() json.Number {
	if !d.short && d.chance(3) {
		return pick(d, "long number", longNumbers)
	}
	return pick(d, "number", someNumbers)
}

// document draws a whole schema.
func (d drawing) document() any {
	document := d.rules(3)
	if d.draft != jsonschema.Draft2020 || d.chance(50) {
		document["$schema"] = d.draft.URL()
	}
	defs := map[string]any{}
	for _, name := range []string{"x", "y"} {
		defs[name] = d.schema(2)
	}
	document["definitions"] = defs
	return document
}

func (d drawing) schema(depth int) any {
	if d.draft != jsonschema.Draft4 && d.chance(8) {
		return d.chance(60)
	}
	return d.rules(depth)
}

// keywords of schemas; what a draft does not know does no harm in it.
var keywords = strings.Fields(`type type type const enum
	minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
	minItems maxItems minContains maxContains uniqueItems items items additionalItems prefixItems contains
	minProperties maxProperties required required properties properties properties patternProperties additionalProperties propertyNames
	dependentRequired dependentSchemas dependencies
	$ref allOf anyOf oneOf not if-then-else unevaluatedProperties unevaluatedItems`)

func (d drawing) rules(depth int) map[string]any {
	rules := map[string]any{}
	for range 1 + d.upTo(3) {
		d.rule(rules, pick(d, "keyword", keywords), depth)
	}
	return rules
}

// rule adds a keyword to rules.
func (d drawing) rule(rules map[string]any, keyword string, depth int) {
	switch keyword {
	case "type":
		rules[keyword] = pick(d, "type", someTypes)
		if d.chance(30) {
			rules[keyword] = rapid.SliceOfNDistinct(rapid.SampledFrom(someTypes), 1, 3, rapid.ID).Draw(d.T, "types")
		}
		return
	case "const":
		rules[keyword] = d.value(2)
		return
	case "enum":
		values := []any{d.value(1), d.value(1), d.number()}
		slices.SortFunc(values, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		rules[keyword] = slices.CompactFunc(values, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
		return
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains":
		rules[keyword] = d.upTo(3)
		return
	case "pattern":
		rules[keyword] = pick(d, "pattern", somePatterns)
		return
	case "format":
		rules[keyword] = pick(d, "format", someFormats)
		return
	case "minimum", "maximum":
		rules[keyword] = d.number()
		return
	case "exclusiveMinimum", "exclusiveMaximum":
		if d.draft == jsonschema.Draft4 {
			d.rule(rules, map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[keyword], depth)
			rules[keyword] = d.chance(50)
		} else {
			rules[keyword] = d.number()
		}
		return
	case "multipleOf":
		rules[keyword] = pick(d, "divisor", []json.Number{"1", "2", "0.5", "0.01", "3", "7e-1", "25", "1e19", "9999999999999999999"})
		return
	case "uniqueItems":
		rules[keyword] = d.chance(50)
		return
	case "required":
		rules[keyword] = d.names(1)
		return
	case "dependentRequired":
		rules[keyword] = map[string]any{pick(d, "name", someNames): d.names(1)}
		return
	case "$ref":
		rules[keyword] = pick(d, "reference", []string{"#", "#/definitions/x", "#/definitions/y"})
		return
	}
	if depth == 0 {
		return
	}
	switch keyword {
	case "items":
		rules[keyword] = d.schema(depth - 1)
		if d.draft != jsonschema.Draft2020 && d.chance(40) {
			rules[keyword] = d.schemas(depth - 1)
		}
	case "prefixItems", "allOf", "anyOf", "oneOf":
		rules[keyword] = d.schemas(depth - 1)
	case "additionalItems", "additionalProperties", "contains", "propertyNames", "not", "unevaluatedProperties", "unevaluatedItems":
		if d.draft == jsonschema.Draft4 && d.chance(50) && strings.HasPrefix(keyword, "additional") {
			rules[keyword] = d.chance(50)
			return
		}
		if strings.HasPrefix(keyword, "unevaluated") && d.chance(80) {
			return
		}
		rules[keyword] = d.schema(depth - 1)
	case "properties", "dependentSchemas":
		names := d.names(1)
		if d.chance(10) {
			names = someNames
		}
		schemas := map[string]any{}
		for _, name := range names {
			schemas[name] = d.schema(depth - 1)
		}
		rules[keyword] = schemas
	case "patternProperties":
		rules[keyword] = map[string]any{
			pick(d, "pattern", somePatterns): d.schema(depth - 1),
			pick(d, "pattern", somePatterns): d.schema(depth - 1),
		}
	case "dependencies":
		rules[keyword] = map[string]any{
			pick(d, "name", someNames): d.names(1),
			pick(d, "name", someNames): d.schema(depth - 1),
		}
	case "if-then-else":
		for _, keyword := range []string{"if", "then", "else"} {
			if d.chance(80) {
				rules[keyword] = d.schema(depth - 1)
			}
		}
	}
}

func (d drawing) schemas(depth int) []any {
	schemas := []any{d.schema(depth)}
	for range d.upTo(2) {
		schemas = append(schemas, d.schema(depth))
	}
	return schemas
}

// names draws at least so many different names.
func (d drawing) names(least int) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(someNames), least, 3, rapid.ID).Draw(d.T, "names")
}

// value draws any value.
func (d drawing) value(depth int) any {
	switch n := d.upTo(9); {
	case n == 0:
		return nil
	case n == 1:
		return d.chance(50)
	case n < 5:
		return d.number()
	case n < 7 || depth == 0:
		return pick(d, "string", someStrings)
	case n == 7:
		list := []any{}
		for range d.upTo(3) {
			list = append(list, d.value(depth-1))
		}
		return list
	default:
		object := map[string]any{}
		for _, name := range d.names(0) {
			object[name] = d.value(depth - 1)
		}
		return object
	}
}

// text writes a value in one of the many ways there are: white space, escapes, forms of numbers, order of members.
func (d drawing) text(v any) []byte { return d.append(nil, v) }

func (d drawing) append(text []byte, v any) []byte {
	if d.chance(5) {
		text = append(text, " \n"...)
	}
	switch v := v.(type) {
	case json.Number:
		text = append(text, d.form(string(v))...)
	case string:
		text = d.appendString(text, v)
	case []any:
		text = append(text, '[')
		for i, element := range v {
			if i > 0 {
				text = append(text, ',')
			}
			text = d.append(text, element)
		}
		text = append(text, ']')
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		if len(names) > 1 && d.chance(50) {
			names = rapid.Permutation(names).Draw(d.T, "order")
		}
		text = append(text, '{')
		for i, name := range names {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(d.append(text, name), ':')
			text = d.append(text, v[name])
		}
		if len(names) > 0 && d.chance(1) {
			text = append(d.append(append(text, ','), names[0]), ":0"...) // which is not strict JSON
		}
		text = append(text, '}')
	default:
		text = fmt.Append(text, map[any]string{nil: "null", true: "true", false: "false"}[v])
	}
	if d.chance(5) {
		text = append(text, '\t', ' ')
	}
	return text
}

// form returns a number in another form.
func (d drawing) form(number string) string {
	if strings.ContainsAny(number, ".e") || d.chance(60) {
		return number
	}
	return number + pick(d, "form", []string{".0", ".00", "e0", "E+0", "0e-1", "00.0e-2", ".0e00"})
}

func (d drawing) appendString(text []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		d.Fatal(err)
	}
	if !d.chance(20) {
		return append(text, quoted...)
	}
	text = append(text, '"')
	for _, r := range s {
		switch {
		case r > 0xffff:
			text = append(text, string(r)...)
		case d.chance(50) || r < ' ':
			text = fmt.Appendf(text, `\u%04x`, r)
		default:
			text = append(text, string(r)...)
		}
	}
	return append(text, '"')
}

// withOtherLeaves draws a text of the same shape as value, which stays as it is if it is no strict JSON.
func (d drawing) withOtherLeaves(value []byte) []byte {
	s := new(scanner)
	if s.read(value, 64) != nil {
		return value
	}
	l := learner{outline: &s.outline, leafOf: make([]int, len(s.tokens))}
	l.visit(root)
	l.cut(len(value))
	other := []byte(l.texts[0])
	for at, leaf := range l.leafOf {
		switch {
		case leaf == 0:
			continue
		case d.chance(50):
			other = d.append(other, d.leaf())
		case s.tokens[at].kind == kindString:
			other = append(append(append(other, '"'), s.raw(at)...), '"')
		case s.tokens[at].kind&kindNumber != 0:
			other = append(other, s.raw(at)...)
		default:
			other = append(other, map[kind]string{kindTrue: "true", kindFalse: "false", kindNull: "null"}[s.tokens[at].kind]...)
		}
		other = append(other, l.texts[leaf]...)
	}
	return other
}

func (d drawing) leaf() any {
	switch d.upTo(4) {
	case 0:
		return d.number()
	case 1:
		return d.chance(50)
	case 2:
		return nil
	default:
		return pick(d, "string", someStrings)
	}
}
