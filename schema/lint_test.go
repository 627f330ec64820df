package schema

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// lint returns the notes on own.json among these files, a line each: keyword, kind, suggestion.
func lint(t *testing.T, files map[string]string) (lines []string) {
	t.Helper()
	dir := write(t, files)
	for _, n := range mustLoad(t, filepath.Join(dir, "own.json")).Lint() {
		line := n.Keyword + " " + string(n.Kind)
		if name := filepath.Base(n.File); name != "own.json" {
			line = name + ": " + line
		}
		if n.Suggestion != "" {
			line += " " + n.Suggestion
		}
		lines = append(lines, line)
		isOneLine(t, n.Message, maxMessage)
		if n.Message == "" || !strings.HasPrefix(n.String(), filepath.Join(dir, filepath.Base(n.File))+": "+n.Keyword+": "+n.Message) {
			t.Errorf("%+v reads %q", n, n)
		}
	}
	return lines
}

func TestLintSaysWhatIsNoCheck(t *testing.T) {
	t.Parallel()
	const (
		four     = `"$schema":"http://json-schema.org/draft-04/schema#",`
		six      = `"$schema":"http://json-schema.org/draft-06/schema#",`
		seven    = `"$schema":"http://json-schema.org/draft-07/schema#",`
		nineteen = `"$schema":"https://json-schema.org/draft/2019-09/schema",`
		twenty   = `"$schema":"https://json-schema.org/draft/2020-12/schema",`
	)
	for rule, test := range map[string]struct {
		schema string
		want   []string
	}{
		"a slip in a keyword": {
			`{"type":"object","requried":["a"],"propertys":{},"additionalProperty":false,"patern":"a"}`,
			[]string{"/additionalProperty unknown_keyword additionalProperties", "/patern unknown_keyword", "/propertys unknown_keyword properties", "/requried unknown_keyword required"},
		},
		"another case, and dashes": {
			`{"Type":"object","one_of":[],"min-length":3,"$required":["a"]}`,
			[]string{"/$required unknown_keyword required", "/Type unknown_keyword type", "/min-length unknown_keyword minLength", "/one_of unknown_keyword oneOf"},
		},
		"the beginning of a keyword, of one about the type": {
			`{"properties":{"a":{"type":"integer","min":0,"max":5},"b":{"type":"string","min":1},"c":{"type":["array","null"],"max":1},"d":{"min":1}}}`,
			[]string{"/properties/a/max unknown_keyword maximum", "/properties/a/min unknown_keyword minimum", "/properties/b/min unknown_keyword minLength", "/properties/c/max unknown_keyword maxItems", "/properties/d/min unknown_keyword minimum"},
		},
		"what is like no keyword":                     {`{"battleinfo":{"type":"object"}}`, []string{"/battleinfo unknown_keyword"}},
		"a word as long as a page is like no keyword": {`{"` + strings.Repeat("properties", 40) + `":1}`, []string{"/" + strings.Repeat("properties", 40) + " unknown_keyword"}},
		"nothing of names":                            {`{"properties":{"requried":{},"min":{"type":"integer"}},"patternProperties":{"maximun":{}},"$defs":{"minLenght":{}},"required":["patern"],"dependentRequired":{"foo":["bar"]}}`, nil},
		"nothing of values":                           {`{"enum":[{"requried":1}],"const":{"min":2},"default":{"format":"x"},"examples":[{"maximun":1}]}`, nil},
		"nothing of remarks and of one's own words":   {`{"$comment":"requried","x-requried":{"min":1},"title":"t","description":"d","deprecated":true,"readOnly":true}`, nil},
		"in each place that holds a schema": {
			`{"allOf":[{"q":1}],"not":{"q":1},"if":{"q":1},"then":{"q":1},"items":{"q":1},"prefixItems":[{"q":1}],"contains":{"q":1},"propertyNames":{"q":1},` +
				`"additionalProperties":{"q":1},"dependentSchemas":{"a":{"q":1}},"unevaluatedItems":{"q":1},"definitions":{"a":{"q":1}},"$defs":{"a/b":{"q":1}},"dependencies":{"a":{"q":1},"b":["q"]}}`,
			[]string{
				"/$defs/a~1b/q unknown_keyword", "/additionalProperties/q unknown_keyword", "/allOf/0/q unknown_keyword", "/contains/q unknown_keyword", "/definitions/a/q unknown_keyword",
				"/dependencies/a/q unknown_keyword", "/dependentSchemas/a/q unknown_keyword", "/if/q unknown_keyword", "/items/q unknown_keyword", "/not/q unknown_keyword",
				"/prefixItems/0/q unknown_keyword", "/propertyNames/q unknown_keyword", "/then/q unknown_keyword", "/unevaluatedItems/q unknown_keyword",
			},
		},
		"words of other languages": {
			`{"nullable":true,"example":1,"discriminator":{},"xml":{},"divisibleBy":2,"extends":{}}`,
			[]string{"/discriminator unknown_keyword", "/divisibleBy unknown_keyword", "/example unknown_keyword", "/extends unknown_keyword", "/nullable unknown_keyword", "/xml unknown_keyword"},
		},
		"keywords of later drafts": {
			"{" + seven + `"prefixItems":[{}],"dependentRequired":{"a":["b"]},"unevaluatedProperties":false,"minContains":2,"contains":{}}`,
			[]string{"/dependentRequired ignored_keyword", "/minContains ignored_keyword", "/prefixItems ignored_keyword", "/unevaluatedProperties ignored_keyword"},
		},
		"keywords of later drafts in the oldest": {
			"{" + four + `"$id":"https://a.example/b","const":1,"if":{},"then":{},"propertyNames":{},"examples":[1],"$comment":"c"}`,
			[]string{"/$id ignored_keyword", "/const ignored_keyword", "/if ignored_keyword", "/propertyNames ignored_keyword", "/then ignored_keyword"},
		},
		"keywords of earlier drafts": {
			"{" + twenty + `"id":"a","additionalItems":false,"items":{}}`,
			[]string{"/additionalItems ignored_keyword", "/id ignored_keyword"},
		},
		"nothing of definitions in any draft": {"{" + twenty + `"definitions":{"a":{}},"$ref":"#/definitions/a"}`, nil},
		"what is in them":                     {"{" + six + `"$defs":{"a":{"lenght":1}},"definitions":{"b":{"lenght":1}}}`, []string{"/$defs/a/lenght unknown_keyword", "/definitions/b/lenght unknown_keyword"}},
		"nor of $defs":                        {"{" + six + `"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{}}}`, nil},
		"what stands beside a reference up to draft 7": {
			"{" + seven + `"properties":{"a":{"$ref":"#/definitions/a","minLength":3,"description":"d","lenght":1}},"definitions":{"a":{}}}`,
			[]string{"/properties/a/lenght unknown_keyword", "/properties/a/minLength ignored_keyword"},
		},
		"and not after it":                     {"{" + nineteen + `"$ref":"#/$defs/a","minLength":3,"$defs":{"a":{}}}`, nil},
		"what needs another beside it":         {`{"then":{},"minContains":2}`, []string{"/minContains ignored_keyword", "/then ignored_keyword"}},
		"more items behind no list of items":   {"{" + seven + `"items":{},"additionalItems":false,"not":{"items":[{}],"additionalItems":false}}`, []string{"/additionalItems ignored_keyword"}},
		"keywords about types that are none":   {`{"type":"integer","minLength":3,"properties":{"a":{"type":["string","null"],"minimum":1,"pattern":"a"}}}`, []string{"/minLength ignored_keyword", "/properties ignored_keyword", "/properties/a/minimum ignored_keyword"}},
		"what is inside strings":               {`{"contentMediaType":"application/json","contentEncoding":"base64"}`, []string{"/contentEncoding ignored_keyword", "/contentMediaType ignored_keyword"}},
		"unknown formats":                      {`{"allOf":[{"format":"phone"},{"format":"datetime"},{"format":"ipv5"},{"format":"idn-email"},{"format":"date"}]}`, []string{"/allOf/0/format unknown_format", "/allOf/1/format unknown_format date-time", "/allOf/2/format unknown_format ipv4", "/allOf/3/format unknown_format"}},
		"known formats that are not checked":   {"{" + twenty + `"properties":{"at":{"format":"date-time"}}}`, []string{"/properties/at/format unchecked_format"}},
		"likewise in 2019-09":                  {"{" + nineteen + `"format":"date"}`, []string{"/format unchecked_format"}},
		"no format that is checked":            {"{" + seven + `"format":"date"}`, nil},
		"no format where nobody names a draft": {`{"format":"date"}`, nil},
		"no format where the file asks for it": {"{" + twenty + `"$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/format-assertion":true},"format":"date"}`, nil},
		"nor in 2019-09":                       {"{" + nineteen + `"$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/format":true},"format":"date"}`, nil},
		"each format where it asks for it not": {"{" + twenty + `"$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/format-assertion":false},"format":"date"}`, []string{"/format unchecked_format"}},
		"nothing of what a reference leads through": {
			`{"$ref":"#/components/schemas/a","components":{"schemas":{"a":{"lenght":1},"b":{"lenght":1}}}}`,
			[]string{"/components/schemas/a/lenght unknown_keyword"},
		},
		"of all files, each in its draft": {
			`{"$ref":"old.json#/parts/a","format":"date"}`,
			[]string{"old.json: /parts/a/if ignored_keyword"},
		},
		"nothing of a schema that is built in": {`{"$ref":"` + builtInBase + `any.json"}`, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := lint(t, map[string]string{"own.json": test.schema, "old.json": "{" + six + `"parts":{"a":{"if":{}},"b":{"if":{}}}}`})
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestTheBuiltInSchemasCheckAllThatTheyName(t *testing.T) {
	t.Parallel()
	for _, name := range BuiltIns() {
		if notes := mustLoad(t, name).Lint(); len(notes) > 0 {
			t.Errorf("%s: %v", name, notes)
		}
	}
}

func TestANoteSaysHowToHaveAFormatChecked(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ own, says string }{
		"in the file":              {`{"$schema":"https://json-schema.org/draft/2020-12/schema","format":"date"}`, `"$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/format-assertion": true} in own.json`},
		"in the file, in 2019-09":  {`{"$schema":"https://json-schema.org/draft/2019-09/schema","format":"date"}`, `"$vocabulary": {"https://json-schema.org/draft/2019-09/vocab/format": true} in own.json`},
		"in the file that is read": {`{"$ref":"other.json"}`, `"$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/format-assertion": true} in own.json`},
		"where that cannot ask":    {`{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"other.json"}`, `leave out "$schema"`},
	} {
		dir := write(t, map[string]string{"own.json": test.own, "other.json": `{"$schema":"https://json-schema.org/draft/2020-12/schema","format":"date"}`})
		notes := mustLoad(t, filepath.Join(dir, "own.json")).Lint()
		if len(notes) != 1 || !strings.Contains(notes[0].Message, test.says) {
			t.Errorf("%s: got %v, want %s", rule, notes, test.says)
		}
	}
}

func TestAFileMayAskThatFormatsAreChecked(t *testing.T) {
	t.Parallel()
	for draft, vocabulary := range assertVocabularies {
		for asks, valid := range map[string]bool{"true": false, "false": true} {
			dir := write(t, map[string]string{
				"own.json":   ofDraft(draft.of(), `"$vocabulary":{"`+vocabulary+`":`+asks+`},"properties":{"a":{"format":"date"},"b":{"$ref":"other.json"}}`),
				"other.json": ofDraft(draft.of(), `"format":"date"`),
			})
			s := mustLoad(t, filepath.Join(dir, "own.json"))
			for _, value := range []string{`{"a":"yesterday"}`, `{"b":"yesterday"}`} {
				if refusal := s.Validate([]byte(value)); (refusal == nil) != valid {
					t.Errorf("%s, %s: %s: %v", draft, asks, value, refusal)
				}
			}
			if refusal := s.Validate([]byte(`{"a":"2026-01-01","b":"2026-01-01"}`)); refusal != nil {
				t.Errorf("%s, %s: %v", draft, asks, refusal)
			}
		}
	}
}

// TestTheVocabularyIsThatOfTheDrafts compares it with the meta-schemas: a keyword that one of them has or lacks is noticed.
func TestTheVocabularyIsThatOfTheDrafts(t *testing.T) {
	t.Parallel()
	// What the validator does, or does not do, other than the meta-schema has it.
	beside := map[string]bool{
		"regexProperties": true, // checked in all drafts
		"dependencies":    true, // likewise
		"definitions":     true, // led through in all drafts
		"examples":        true, // the validator has a draft 6 without it
	}
	for d := draft4; d <= draft2020; d++ {
		meta, err := jsonschema.NewCompiler().Compile(d.of().URL())
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		collectProperties(meta, has)
		for name, k := range vocabulary {
			if k.knownIn(d) != has[name] && !beside[name] {
				t.Errorf("%s: %s: known is %t, in the meta-schema %t", d, name, k.knownIn(d), has[name])
			}
		}
		for name := range has {
			if _, ok := vocabulary[name]; !ok {
				t.Errorf("%s: %s is not in the vocabulary", d, name)
			}
		}
	}
	for name, k := range vocabulary {
		for _, other := range []string{k.needs, k.instead} {
			if _, ok := vocabulary[other]; other != "" && !ok {
				t.Errorf("%s: there is no %s", name, other)
			}
		}
	}
}

// collectProperties collects the names of properties in a schema and in those that apply beside it.
func collectProperties(s *jsonschema.Schema, names map[string]bool) {
	for name := range maps.Keys(s.Properties) {
		names[name] = true
	}
	for _, part := range s.AllOf {
		if part.Ref != nil {
			collectProperties(part.Ref, names)
		}
	}
}
