package msdktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/msdkclient"
)

// spoilt is a body with one thing wrong in it.
type spoilt struct {
	what  string
	field string
	body  []byte
}

// spoil draws one thing to be wrong in a body.
func spoil(t *rapid.T, fields []*msdkclient.Field, body []byte) spoilt {
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	ways := 0
	object(fields, root, func(string, string) { ways++ })
	chosen := rapid.IntRange(0, ways-1).Draw(t, "what is wrong")
	var bad spoilt
	object(fields, root, func(what, field string) {
		if chosen--; chosen != -1 {
			return
		}
		text, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		bad = spoilt{what, field, text}
	})
	return bad
}

// object spoils each field of an object in each way that there is, and puts it right again.
func object(fields []*msdkclient.Field, o map[string]any, note func(what, field string)) {
	for _, f := range fields {
		good, there := o[f.Name]
		set := func(what string, bad any) {
			o[f.Name] = bad
			note(what, f.Name)
		}
		if f.Required {
			delete(o, f.Name)
			note("missing", f.Name)
		}
		for _, bad := range wrongValues(f) {
			set(fmt.Sprintf("%v", bad), bad)
		}
		delete(o, f.Name)
		if !there {
			continue
		}
		o[f.Name] = good
		within(f, good, note)
	}
}

func within(f *msdkclient.Field, value any, note func(what, field string)) {
	switch v := value.(type) {
	case map[string]any:
		if f.Fields != nil {
			object(f.Fields, v, note)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			object([]*msdkclient.Field{named(f.Elem, name)}, v, note)
		}
	case []any:
		for i := range v {
			if o, ok := v[i].(map[string]any); ok {
				object(f.Elem.Fields, o, note)
				continue
			}
			good := v[i]
			for _, bad := range append(wrongValues(f.Elem), "") {
				v[i] = bad
				note(fmt.Sprintf("element %v", bad), f.Name)
			}
			v[i] = good
		}
	}
}

func named(f *msdkclient.Field, name string) *msdkclient.Field {
	g := *f
	g.Name = name
	return &g
}

// wrongValues are those that a field may not have.
func wrongValues(f *msdkclient.Field) (wrong []any) {
	for kind, value := range map[string]any{
		"string": "text", "integer": 7, "boolean": true, "object": map[string]any{}, "array": []any{}, "null": nil, "number": 1.5,
	} {
		if !f.AllowsType(kind) {
			wrong = append(wrong, value)
		}
	}
	isText, isNumber := f.AllowsType("string"), f.AllowsType("integer")
	if f.Required && isText && !isNumber {
		wrong = append(wrong, "")
	}
	if f.Required && f.AllowsType("array") {
		wrong = append(wrong, []any{})
	}
	if f.Enum != nil && isText || f.Pattern != nil {
		wrong = append(wrong, "no such thing")
	}
	if f.Enum != nil && isNumber {
		wrong = append(wrong, 99)
	}
	if f.Min != nil {
		wrong = append(wrong, *f.Min-1)
	}
	if f.Max != nil {
		wrong = append(wrong, *f.Max+1)
	}
	if f.MaxBytes > 0 {
		wrong = append(wrong, strings.Repeat("x", f.MaxBytes+1))
	}
	slices.SortFunc(wrong, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return wrong
}
