package schema

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// valueFor draws a value that more often than not is valid by schema, a part of document, and otherwise is near to that.
func (d drawing) valueFor(schema, document any, depth int) any {
	rules, ok := schema.(map[string]any)
	if !ok || depth < 0 || d.chance(7) {
		return d.value(2)
	}
	if target, ok := rules["$ref"].(string); ok && d.chance(70) {
		return d.valueFor(resolve(document, target), document, depth-1)
	}
	if v, ok := rules["const"]; ok {
		return v
	}
	if values, ok := rules["enum"].([]any); ok {
		return pick(d, "of enum", values)
	}
	v := d.valueOfType(d.typeFor(rules), rules, document, depth)
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		if schemas, ok := rules[keyword].([]any); ok && d.chance(80) {
			v = merge(v, d.valueFor(pick(d, "branch", schemas), document, depth-1))
		}
	}
	for _, keyword := range []string{"if", "then", "else"} {
		if _, ok := rules[keyword]; ok && d.chance(30) {
			v = merge(v, d.valueFor(rules[keyword], document, depth-1))
		}
	}
	return v
}

func resolve(document any, target string) any {
	for _, name := range strings.Split(target, "/")[1:] {
		document, _ = document.(map[string]any)[name]
	}
	return document
}

// merge joins two objects; of other values it takes the second.
func merge(a, b any) any {
	objectA, ok := a.(map[string]any)
	if !ok {
		return b
	}
	objectB, ok := b.(map[string]any)
	if !ok {
		return b
	}
	joined := maps.Clone(objectA)
	maps.Copy(joined, objectB)
	return joined
}

// typeFor draws one of the types that rules name, or else one that they have something to say about.
func (d drawing) typeFor(rules map[string]any) string {
	switch types := rules["type"].(type) {
	case string:
		return types
	case []any:
		return pick(d, "type", types).(string)
	}
	for _, about := range keywordsAbout {
		for _, keyword := range about.keywords {
			if _, ok := rules[keyword]; ok && d.chance(60) {
				return about.name
			}
		}
	}
	return pick(d, "any type", someTypes).(string)
}

var keywordsAbout = []struct {
	name     string
	keywords []string
}{
	{"object", strings.Fields("properties required patternProperties additionalProperties propertyNames dependentRequired dependentSchemas dependencies minProperties maxProperties")},
	{"array", strings.Fields("items prefixItems additionalItems contains minItems maxItems uniqueItems")},
	{"string", strings.Fields("pattern minLength maxLength format")},
	{"number", strings.Fields("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf")},
}

func (d drawing) valueOfType(name string, rules map[string]any, document any, depth int) any {
	switch name {
	case "object":
		return d.objectFor(rules, document, depth)
	case "array":
		return d.arrayFor(rules, document, depth)
	case "string":
		return d.stringFor(rules)
	case "integer":
		return pick(d, "integer", []json.Number{"0", "1", "-1", "2", "7", "100", "1e2", "1.0", "9007199254740993", "9999999999999999999"})
	case "number":
		for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
			if number, ok := rules[keyword].(json.Number); ok && d.chance(30) {
				return number
			}
		}
		return d.number()
	case "boolean":
		return d.chance(50)
	}
	return nil
}

func (d drawing) objectFor(rules map[string]any, document any, depth int) any {
	object := map[string]any{}
	properties, _ := rules["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if d.chance(70) {
			object[name] = d.valueFor(properties[name], document, depth-1)
		}
	}
	for _, name := range namesIn(rules["required"]) {
		if _, ok := object[name]; !ok && d.chance(95) {
			object[name] = d.valueFor(properties[name], document, depth-1)
		}
	}
	patterns, _ := rules["patternProperties"].(map[string]any)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		if name := pick(d, "name", someNames); regexp.MustCompile(pattern).MatchString(name) {
			object[name] = d.valueFor(patterns[pattern], document, depth-1)
		}
	}
	if additional, ok := rules["additionalProperties"]; ok || d.chance(20) {
		for range d.upTo(2) {
			object[pick(d, "name", someNames)] = d.valueFor(additional, document, depth-1)
		}
	}
	return object
}

func namesIn(v any) (names []string) {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		for _, name := range v {
			names = append(names, name.(string))
		}
	}
	return names
}

func (d drawing) arrayFor(rules map[string]any, document any, depth int) any {
	list := []any{}
	prefix, _ := rules["prefixItems"].([]any)
	items := rules["items"]
	if some, ok := items.([]any); ok {
		prefix, items = some, rules["additionalItems"]
	}
	for i := range d.upTo(4) {
		switch {
		case i < len(prefix):
			list = append(list, d.valueFor(prefix[i], document, depth-1))
		case rules["contains"] != nil && d.chance(50):
			list = append(list, d.valueFor(rules["contains"], document, depth-1))
		default:
			list = append(list, d.valueFor(items, document, depth-1))
		}
	}
	return list
}

// stringFor draws a string that matches the pattern, if one of those at hand does.
func (d drawing) stringFor(rules map[string]any) string {
	strings := someStrings
	if pattern, ok := rules["pattern"].(string); ok && d.chance(80) {
		re := regexp.MustCompile(pattern)
		strings = slices.DeleteFunc(slices.Clone(strings), func(s string) bool { return !re.MatchString(s) })
		if len(strings) == 0 {
			return rapid.StringMatching(pattern).Draw(d.T, "matching")
		}
	}
	return pick(d, "string", strings)
}
