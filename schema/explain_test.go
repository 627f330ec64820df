package schema

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", maxDigits+1)
	for rule, test := range map[string]struct {
		schema string
		want   []string // the keywords
	}{
		"what is streamed is not mentioned":          {`{"properties":{"a":{"type":"string","title":"A"}}}`, nil},
		"a keyword is mentioned where it stands":     {`{"properties":{"a/b %":{"uniqueItems":true}}}`, []string{"/properties/a~1b %/uniqueItems"}},
		"behind a reference, too, and once":          {`{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"unevaluatedItems":false}}}`, []string{"/$defs/a/unevaluatedItems"}},
		"keywords come in the order of their places": {`{"prefixItems":[{"const":` + long + `},{"minimum":` + long + `},{"unevaluatedProperties":true}]}`, []string{"/prefixItems/0/const", "/prefixItems/1/minimum", "/prefixItems/2/unevaluatedProperties"}},
		"a dynamic reference":                        {`{"items":{"$dynamicRef":"#"}}`, []string{"/items/$dynamicRef"}},
		"a recursive reference":                      {ofDraft(jsonschema.Draft2019, `"items":{"$recursiveRef":"#"}`), []string{"/items/$recursiveRef"}},
		"a keyword of no standard":                   {ofDraft(jsonschema.Draft4, `"regexProperties":true`), []string{"/regexProperties"}},
		"a loop is mentioned where it closes":        {`{"$ref":"#/$defs/b","$defs":{"b":{"properties":{"x":{"$ref":"#/$defs/c"}},"if":{"$ref":"#/$defs/c"}},"c":{"$ref":"#/$defs/b"}}}`, []string{"/$defs/b"}},
		"a schema that nothing leads to is not":      {`{"$defs":{"a":{"uniqueItems":true}}}`, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := mustLoad(t, filepath.Join(write(t, map[string]string{"own.json": test.schema}), "own.json"))
			var got []string
			for _, note := range s.Explain() {
				got = append(got, note.Keyword)
				isOneLine(t, note.Reason, maxDetail)
				if note.Reason == "" {
					t.Errorf("%s: no reason", note.Keyword)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
