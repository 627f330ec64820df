package config

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// JSONSchema returns a JSON Schema, draft 2020-12, for editors to check and complete a configuration by. It says of
// each key what one key alone can say: what keys must be together, and whether a file is there, only [Load] sees.
func JSONSchema() []byte {
	config := Default()
	schema := groupSchema(fields(&config, ""))
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["patternProperties"] = map[string]any{"^" + extension: map[string]any{}}
	schema["title"] = "Configuration of battlereport"
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		panic(err) // maps of strings, numbers and the like: a slip in this package
	}
	return out.Bytes()
}

func groupSchema(fields []field) map[string]any {
	properties := map[string]any{}
	var required []string
	var either []map[string]any
	for _, f := range fields {
		properties[f.key] = fieldSchema(f)
		if f.file != nil {
			properties[fileKey(f)] = map[string]any{
				"type": "string", "minLength": 1, "description": "Instead of " + f.key + ": " + f.file.want + ".",
			}
		}
		switch {
		case f.file != nil && f.required:
			either = append(either, map[string]any{"required": []string{f.key}}, map[string]any{"required": []string{fileKey(f)}})
		case f.required:
			required = append(required, f.key)
		}
	}
	schema := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		schema["required"] = required
	}
	if either != nil {
		schema["oneOf"] = either
	}
	return schema
}

func fieldSchema(f field) map[string]any {
	var schema map[string]any
	switch {
	case f.group != nil:
		schema = groupSchema(f.group)
	case f.list != nil:
		schema = map[string]any{"type": "array", "minItems": 1, "items": fieldSchema(f.list.elem)}
		if f.list.elem.scalar != nil {
			schema["uniqueItems"] = true
		}
		if f.list.commas {
			one := map[string]any{"type": "string", "pattern": separatedForm(f.list.form)}
			variable := map[string]any{"type": "string", "pattern": anyVariable}
			schema["items"] = anyOf(one, variable)
			schema = anyOf(schema, one, variable)
		}
	default:
		schema = anyOf(f.scalar.schema, map[string]any{"type": "string", "pattern": anyVariable})
	}
	if f.doc != "" {
		schema["description"] = f.doc
	}
	if value, ok := defaultOf(f); ok {
		schema["default"] = value
	}
	return schema
}

// separatedForm is that of a text with commas between parts of that form.
func separatedForm(form string) string {
	part := strings.TrimSuffix(strings.TrimPrefix(form, "^"), "$")
	return `^\s*(` + part + `)(\s*,\s*(` + part + `))*\s*$`
}

// defaultOf returns the value of a field that is not given, as JSON has it.
func defaultOf(f field) (any, bool) {
	var text string
	switch {
	case f.key == "" || f.required || f.group != nil || f.aside && f.list != nil:
		return nil, false
	case f.list != nil:
		text = f.list.text()
	default:
		text = f.scalar.text()
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		panic(err) // every default can be printed as YAML: a slip in this package
	}
	return value, true
}
