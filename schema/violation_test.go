package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		schema, value string
		want          []string // instance, a space, keyword
	}{
		"violations come in the order of their places": {
			`{"properties":{"b":{"type":"string"},"a":{"items":{"type":"string"}},"c":{"type":"string"}},"required":["d"]}`,
			`{"c":1,"b":1,"a":[0,1,2,3,4,5,6,7,8,9,10]}`,
			[]string{
				" /required", "/a/0 /properties/a/items/type", "/a/1 /properties/a/items/type", "/a/2 /properties/a/items/type",
				"/a/3 /properties/a/items/type", "/a/4 /properties/a/items/type", "/a/5 /properties/a/items/type",
				"/a/6 /properties/a/items/type", "/a/7 /properties/a/items/type", "/a/8 /properties/a/items/type",
				"/a/9 /properties/a/items/type", "/a/10 /properties/a/items/type", "/b /properties/b/type", "/c /properties/c/type",
			},
		},
		"a reference is followed to the keyword": {
			`{"properties":{"a":{"$ref":"#/$defs/text"}},"$defs":{"text":{"type":"string"}}}`,
			`{"a":1}`,
			[]string{"/a /$defs/text/type"},
		},
		"what two ways lead to is said once": {
			`{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"required":["a"]}}}`,
			`{}`,
			[]string{" /$defs/a/required"},
		},
		"of alternatives every one is told": {
			`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`,
			`{}`,
			[]string{" /anyOf/0/required", " /anyOf/1/required"},
		},
		"pointers escape what pointers escape, and nothing else": {
			`{"properties":{"a/b~c %25漢":{"patternProperties":{"^[\"?#]":{"type":"string"}}}}}`,
			`{"a/b~c %25漢":{"\"x y%2F/":1}}`,
			[]string{`/a~1b~0c %25漢/"x y%2F~1 /properties/a~1b~0c %25漢/patternProperties/^["?#]/type`},
		},
		"a place behind an empty key, which the validator leaves out, becomes the place around it": {
			`{"additionalProperties":{"additionalProperties":{"additionalProperties":{"type":"string"}}}}`,
			`{"a":{"":{"b":1}}}`,
			[]string{"/a /additionalProperties/additionalProperties/additionalProperties/type"},
		},
		"a schema that refuses everything is a keyword itself": {
			`{"properties":{"a":false}}`,
			`{"a":1}`,
			[]string{"/a /properties/a"},
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := mustLoad(t, filepath.Join(write(t, map[string]string{"own.json": test.schema}), "own.json"))
			for range 5 { // the validator walks maps
				_, refusal := s.Check([]byte(test.value))
				if refusal == nil {
					t.Fatal("accepted")
				}
				var got []string
				for _, v := range refusal.Violations {
					got = append(got, v.Instance+" "+v.Keyword)
				}
				if !slices.Equal(got, test.want) {
					t.Fatalf("got  %q\nwant %q", got, test.want)
				}
			}
		})
	}
}

func TestRefusalsStaySmall(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"own.json": `{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"properties": {"time": {"format": "date-time"}, "list": {"items": false}, "map": {"additionalProperties": false}},
		"additionalProperties": {"type": "string"}
	}`})
	s := mustLoad(t, filepath.Join(dir, "own.json"))
	quoted := func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	long := strings.Repeat("漢\n\u2028", 5_000)
	for rule, test := range map[string]struct {
		value    string
		count    int
		instance string // of the first
	}{
		"a value that the message quotes is cut":          {`{"time":` + quoted(long) + `}`, 1, "/time"},
		"names that the message lists are cut":            {`{"map":` + manyKeys(5_000, "") + `}`, 1, "/map"},
		"of many violations the first twenty are told":    {`{"list":[` + strings.Repeat("0,", 5_000) + `0]}`, 20, "/list/0"},
		"a pointer too long points to what is around":     {`{` + quoted(long) + `:1}`, 1, ""},
		"a pointer that takes 512 bytes is kept":          {`{"` + strings.Repeat("k", 511) + `":1}`, 1, "/" + strings.Repeat("k", 511)},
		"a pointer that takes a byte more is not":         {`{"` + strings.Repeat("k", 512) + `":1}`, 1, ""},
		"a line feed in a key does not get into a detail": {`{"a\nb":1}`, 1, "/a\nb"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, refusal := s.Check([]byte(test.value))
			if refusal == nil {
				t.Fatal("accepted")
			}
			isBounded(t, refusal)
			if len(refusal.Violations) != test.count {
				t.Errorf("%d violations, want %d", len(refusal.Violations), test.count)
			}
			if at := refusal.Violations[0].Instance; at != test.instance {
				t.Errorf("refused at %q, want %q", at, test.instance)
			}
		})
	}
	_, refusal := s.Check([]byte(`{"list":[` + strings.Repeat("0,", 5_000) + `0]}`))
	if want := "/list/0: not allowed (and 5000 more)"; refusal.Detail != want {
		t.Errorf("got %q, want %q", refusal.Detail, want)
	}
}

// isBounded checks what Refusal and Violation promise.
func isBounded(t *testing.T, r *Refusal) {
	t.Helper()
	isOneLine(t, r.Detail, maxDetail)
	if r.Detail == "" {
		t.Error("no detail")
	}
	if len(r.Violations) > maxViolations {
		t.Errorf("%d violations, want at most %d", len(r.Violations), maxViolations)
	}
	for _, v := range r.Violations {
		isOneLine(t, v.Message, maxMessage)
		if len(v.Instance) > maxPointer {
			t.Errorf("an instance of %d bytes, want at most %d", len(v.Instance), maxPointer)
		}
	}
}

func TestWhatTheValidatorCannotDecideIsRefused(t *testing.T) {
	t.Parallel()
	violations, count := violationsOf(errors.New("no\ntree"), nil)
	if want := []Violation{{Message: "no tree"}}; count != 1 || !slices.Equal(violations, want) {
		t.Errorf("got %+v, %d; want %+v", violations, count, want)
	}
}

func TestRefusalIsAnError(t *testing.T) {
	t.Parallel()
	_, refusal := mustLoad(t, "builtin:any").Check(nil)
	err := fmt.Errorf("take record: %w", refusal)
	if got, ok := errors.AsType[*Refusal](err); !ok || got != refusal {
		t.Errorf("%v does not lead back to the refusal", err)
	}
	if want := "take record: invalid_json: nothing but white space, or nothing at all, at byte 0"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestComparePointersIsAnOrder(t *testing.T) {
	t.Parallel()
	pointer := rapid.StringMatching(`(/(0|1|2|9|10|01|a|1a|~1|)){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := pointer.Draw(t, "a"), pointer.Draw(t, "b"), pointer.Draw(t, "c")
		if (comparePointers(a, b) == 0) != (a == b) || comparePointers(a, b) != -comparePointers(b, a) {
			t.Fatalf("%q and %q have no order", a, b)
		}
		if comparePointers(a, b) < 0 && comparePointers(b, c) < 0 && comparePointers(a, c) >= 0 {
			t.Fatalf("%q, %q, %q go in a circle", a, b, c)
		}
		if comparePointers(a, a+"/"+b) >= 0 {
			t.Fatalf("%q does not come before what it contains", a)
		}
	})
}
