package schema

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBuiltInsLoadByName(t *testing.T) {
	t.Parallel()
	if got, want := BuiltIns(), []string{"builtin:en", "builtin:ja", "builtin:any"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for _, edition := range editions {
		mustLoad(t, builtInPrefix+edition)
		text := builtIn(builtInID(edition))
		if err := scan(text, maxSchemaDepth); err != nil {
			t.Errorf("%s: %v", edition, err)
		}
		if err := checkDraft(text); err != nil {
			t.Errorf("%s: %v", edition, err)
		}
		v, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if id := member(v, "$id"); id != builtInID(edition) {
			t.Errorf("%s: $id is %v, want %s", edition, id, builtInID(edition))
		}
	}
	files, err := builtInFiles.ReadDir("builtin")
	if err != nil || len(files) != len(editions) {
		t.Errorf("%d files embedded (%v), want one for each of %q", len(files), err, editions)
	}
}

func TestLoadKnowsTheDrafts(t *testing.T) {
	t.Parallel()
	// Each schema says that x is above 1 in words of its draft that other drafts read otherwise or not at all.
	const (
		boolean = `"minimum":1,"exclusiveMinimum":true`                  // draft 4 only
		number  = `"exclusiveMinimum":1`                                 // from draft 6 on
		ifThen  = `"if":{"type":"number"},"then":{"exclusiveMinimum":1}` // from draft 7 on
	)
	for draft, assertion := range map[string]string{
		"http://json-schema.org/draft-04/schema#":      boolean,
		"http://json-schema.org/draft-04/schema":       boolean,
		"https://json-schema.org/draft-04/schema#":     boolean,
		"http://json-schema.org/draft-06/schema#":      number,
		"http://json-schema.org/draft-07/schema#":      ifThen,
		"https://json-schema.org/draft/2019-09/schema": `"$ref":"#/$defs/a","$defs":{"a":{"exclusiveMinimum":1}}`,
		"https://json-schema.org/draft/2020-12/schema": `"type":["array","number"],"prefixItems":[{}],"exclusiveMinimum":1`,
	} {
		t.Run(draft, func(t *testing.T) {
			t.Parallel()
			// In the root, "$ref" of 2019-09 points into the property.
			assertion := strings.ReplaceAll(assertion, "#/$defs", "#/properties/x/$defs")
			dir := write(t, map[string]string{"own.json": `{"$schema":"` + draft + `","properties":{"x":{` + assertion + `}}}`})
			s := mustLoad(t, filepath.Join(dir, "own.json"))
			if _, refusal := s.Check([]byte(`{"baseinfo":{"openid":"u"},"x":2}`)); refusal != nil {
				t.Errorf("2 is refused: %v", refusal)
			}
			if _, refusal := s.Check([]byte(`{"baseinfo":{"openid":"u"},"x":1}`)); refusal == nil {
				t.Error("1 is accepted")
			}
		})
	}
}

func TestSchemaWithoutDraftIsInTheNewestButChecksFormats(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"own.json":   `{"$ref":"#/$defs/o","properties":{"a":{"format":"date"},"b":{"$ref":"other.json"}},"$defs":{"o":{"type":"object"}}}`,
		"other.json": `{"$schema":"https://json-schema.org/draft/2020-12/schema","format":"date"}`,
	})
	s := mustLoad(t, filepath.Join(dir, "own.json"))
	for value, valid := range map[string]bool{
		`{"a":"2026-01-01","b":"yesterday"}`: true,
		`{"a":"yesterday"}`:                  false,
		`[]`:                                 false, // beside "$ref", as from 2019-09 on
	} {
		if refusal := s.Validate([]byte(value)); (refusal == nil) != valid {
			t.Errorf("%s: %v", value, refusal)
		}
	}
}

func TestLoadReferences(t *testing.T) {
	t.Parallel()
	const (
		good = `{"baseinfo":{"openid":"u","platid":0},"battleinfo":{"score":1}}`
		bad  = `{"baseinfo":{"openid":"u","platid":0},"battleinfo":{"score":"1"}}`
	)
	for rule, files := range map[string]map[string]string{
		"a file without $schema is in draft 2020-12": {
			"own schema.json": `{"properties":{"battleinfo":{"$ref":"#/$defs/b","type":"object"}},"$defs":{"b":{"properties":{"score":{"type":"integer"}}}}}`,
		},
		"a byte order mark is dropped, in each file": {
			"own schema.json": "\ufeff" + `{"properties":{"battleinfo":{"$ref":"battle.json"}}}`,
			"battle.json":     "\ufeff" + `{"properties":{"score":{"type":"integer"}}}`,
		},
		"a reference leads to a file beside": {
			"own schema.json":     `{"properties":{"battleinfo":{"$ref":"parts/battle%231.json#/$defs/b"}}}`,
			"parts/battle#1.json": `{"$defs":{"b":{"properties":{"score":{"$ref":"../score.json"}}}}}`,
			"score.json":          `{"type":"integer"}`,
		},
		"a reference leads to a file in another draft": {
			"own schema.json": `{"properties":{"battleinfo":{"$ref":"four.json"}}}`,
			"four.json":       `{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"score":{"type":"integer"}}}`,
		},
		"a reference leads to a built-in schema": {
			"own schema.json": `{"$ref":"https://github.com/battlereport/battlereport/schema/builtin/en.json"}`,
		},
		"an $id of the web does not send anyone there": {
			"own schema.json": `{"$id":"https://game.example/own.json","$ref":"#/$defs/own","$defs":{"own":{"$ref":"part.json"},` +
				`"part":{"$id":"part.json","properties":{"battleinfo":{"properties":{"score":{"type":"integer"}}}}}}}`,
		},
		"a reference that an $id has made an address leads to the file beside": {
			"own schema.json":     `{"$id":"https://game.example/a/own.json","properties":{"battleinfo":{"$ref":"parts/battle%231.json#/$defs/b"}}}`,
			"parts/battle#1.json": `{"$defs":{"b":{"properties":{"score":{"$ref":"../score.json"}}}}}`,
			"score.json":          `{"type":"integer"}`,
		},
		"and on, under another $id": {
			"own schema.json":   `{"$id":"https://game.example/own.json","properties":{"battleinfo":{"$ref":"parts/battle.json"}}}`,
			"parts/battle.json": `{"$id":"https://parts.example/","properties":{"score":{"$ref":"../score.json#number"}}}`,
			"score.json":        `{"allOf":[false],"$defs":{"n":{"$anchor":"number","type":"integer"}}}`,
		},
		"an $id that is no address": {
			"own schema.json": `{"$id":"urn:game:report","properties":{"battleinfo":{"$ref":"battle.json"}}}`,
			"battle.json":     `{"properties":{"score":{"type":"integer"}}}`,
		},
		"an $id that is the path of another machine": {
			"own schema.json": `{"$id":"/srv/schemas/own.json","properties":{"battleinfo":{"$ref":"battle.json"}}}`,
			"battle.json":     `{"properties":{"score":{"type":"integer"}}}`,
		},
		"an $id of draft 4": {
			"own schema.json": `{"$schema":"http://json-schema.org/draft-04/schema#","id":"http://game.example/own.json","properties":{"battleinfo":{"$ref":"battle.json#score"}}}`,
			"battle.json":     `{"$schema":"http://json-schema.org/draft-04/schema#","definitions":{"s":{"id":"#score","properties":{"score":{"type":"integer"}}}}}`,
		},
		"the schema of that $id goes before the file beside": {
			"own schema.json": `{"$id":"https://game.example/own.json","properties":{"battleinfo":{"$ref":"battle.json"}},"$defs":{"b":{"$id":"battle.json","properties":{"score":{"type":"integer"}}}}}`,
			"battle.json":     `{"type":"null"}`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := mustLoad(t, filepath.Join(write(t, files), "own schema.json"))
			if _, refusal := s.Check([]byte(good)); refusal != nil {
				t.Errorf("a good record is refused: %v", refusal)
			}
			if at := refusedAt(s, bad); at != "/battleinfo/score" {
				t.Errorf("a bad record is refused at %q", at)
			}
		})
	}
}

func refusedAt(s *Schema, value string) string {
	_, refusal := s.Check([]byte(value))
	if refusal == nil || len(refusal.Violations) == 0 {
		return "nothing"
	}
	return refusal.Violations[0].Instance
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		text string   // of own.json
		says []string // in the error
	}{
		"a draft that nobody knows, naming the known": {
			`{"$schema":"https://json-schema.org/draft/2099-01/schema"}`,
			append([]string{"own.json", `"https://json-schema.org/draft/2099-01/schema"`}, drafts...),
		},
		"a draft before the fourth":                              {`{"$schema":"http://json-schema.org/draft-03/schema#"}`, drafts},
		"a draft that is a file":                                 {`{"$schema":"meta.json"}`, drafts},
		"a draft that is a number":                               {`{"$schema":4}`, []string{"own.json", "$schema"}},
		"a reference into the network":                           {`{"$ref":"https://schemas.example/x.json"}`, []string{"https://schemas.example/x.json", "network"}},
		"a reference to a server's file":                         {`{"$ref":"file://server/x.json"}`, []string{"file://server/x.json", "network"}},
		"a reference to nowhere":                                 {`{"$ref":"#/$defs/nothing"}`, []string{"/$defs/nothing"}},
		"a reference to an unknown edition":                      {`{"$ref":"https://github.com/battlereport/battlereport/schema/builtin/fr.json"}`, []string{"fr.json"}},
		"a reference beside another draft":                       {`{"$ref":"other.json"}`, append([]string{"other.json"}, drafts...)},
		"a schema that is no schema":                             {`{"type":"strnig"}`, []string{"own.json", "/type"}},
		"a schema that is an array":                              {`[]`, []string{"own.json"}},
		"a pattern that is no pattern":                           {`{"pattern":"("}`, []string{"own.json", "/pattern"}},
		"what is no JSON":                                        {`{"type":`, []string{"own.json", "cut off", "byte 8"}},
		"nothing":                                                {``, []string{"own.json", "nothing"}},
		"UTF-16, and how to convert it":                          {"\xff\xfe{\x00}\x00", []string{"own.json", "UTF-16LE", "iconv -f UTF-16LE -t UTF-8"}},
		"a file that was packed":                                 {"\x1f\x8b\x08", []string{"own.json", "gzip -dc"}},
		"more than any schema has":                               {strings.Repeat(" ", maxSchemaBytes) + "{}", []string{"own.json", "more than the 4194304 bytes"}},
		"a keyword that stands twice":                            {`{"type":"object","type":"array"}`, []string{"own.json", `"type" stands twice`}},
		"a number beyond all arithmetic":                         {`{"minimum":1e999999999}`, []string{"own.json", "exponent"}},
		"nesting beyond all sense":                               {strings.Repeat(`{"not":`, 300) + "{}" + strings.Repeat("}", 300), []string{"own.json", "256 levels"}},
		"a type that is none, with the one that is like it":      {`{"properties":{"a":{"type":"int"}}}`, []string{"own.json: /properties/a/type: ", `"int"`, `did you mean "integer"?`}},
		"a type by another name":                                 {`{"type":["null","Double"]}`, []string{"/type/1: ", `did you mean "number"?`}},
		"a property that is required by itself":                  {`{"properties":{"a":{"required":true}}}`, []string{"/properties/a/required: true", "in the object around"}},
		"a limit of draft 4":                                     {`{"maximum":3,"exclusiveMaximum":true}`, []string{"/exclusiveMaximum: true", `in the place of "maximum"`}},
		"a limit of later drafts":                                {`{"$schema":"http://json-schema.org/draft-04/schema#","maximum":3,"exclusiveMaximum":3}`, []string{"/exclusiveMaximum: 3", "in draft 4 it is true or false"}},
		"a list of items of earlier drafts":                      {`{"items":[{}]}`, []string{"/items: ", `"prefixItems"`}},
		"the first of many faults, and how many there are":       {`{"minLength":"3","maxLength":"5"}`, []string{"/maxLength: \"5\": expected integer", "(and 1 more)"}},
		"what a reference leads to, if it is no schema":          {`{"$ref":"#/parts/a","parts":{"a":{"type":"int"}}}`, []string{"own.json: /parts/a/type: ", `did you mean "integer"?`}},
		"a reference to nowhere, naming both":                    {`{"items":{"$ref":"fine.json#/$defs/b"}}`, []string{`own.json: /items/$ref: "fine.json#/$defs/b" leads to nothing in `, "fine.json"}},
		"a reference to an anchor that is not there":             {`{"$ref":"#b"}`, []string{`own.json: /$ref: "#b" leads to nothing in `}},
		"a reference to a file that is not there":                {`{"items":{"$ref":"none.json"}}`, []string{"own.json: /items/$ref: ", "none.json: no such file"}},
		"a reference that an $id has made an address of no file": {`{"$id":"https://schemas.example/x/own.json","items":{"$ref":"none.json"}}`, []string{`own.json: /items/$ref: "none.json" is https://schemas.example/x/none.json, by the "$id"`, "only files are read", "nor is there a file ", "/none.json"}},
		"a reference beside an $id into the network":             {`{"$id":"https://schemas.example/own.json","$ref":"https://schemas.example/fine.json"}`, []string{"own.json: /$ref: ", "https://schemas.example/fine.json", "network"}},
		"references that lead in a circle":                       {`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`, []string{"references lead in a circle: ", "own.json#"}},
		"a reference beside an $id, which it hides up to draft 7": {
			`{"$schema":"http://json-schema.org/draft-07/schema#","items":{"$id":"https://schemas.example/","$ref":"none.json"}}`,
			[]string{"own.json: /items/$ref: ", "none.json: no such file"},
		},
		"what the compiler takes for granted and draft 4 does not demand": {
			`{"$schema":"http://json-schema.org/draft-04/schema#","$ref":1}`, []string{"own.json"},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(write(t, map[string]string{
				"own.json":   test.text,
				"other.json": `{"$schema":"https://json-schema.org/draft/next/schema"}`,
				"fine.json":  `{"$defs":{"a":{}}}`,
			}), "own.json")
			_, err := Load(name, Limits{})
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestLoadRefusesNames(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ name, says string }{
		"an unknown edition, naming the known": {"builtin:fr", "builtin:en, builtin:ja, builtin:any"},
		"an edition that is a path":            {"builtin:../builtin/en", "builtin:any"},
		"a URL":                                {"https://schemas.example/x.json", "none is fetched"},
	} {
		_, err := Load(test.name, Limits{})
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.name) {
			t.Errorf("%s: got %v, want the name and %q", rule, err, test.says)
		}
	}
	dir := write(t, map[string]string{"refers.json": `{"$ref":"missing.json"}`})
	for _, name := range []string{"missing.json", "refers.json"} {
		_, err := Load(filepath.Join(dir, name), Limits{})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join(dir, "missing.json")) {
			t.Errorf("%s: got %v, want fs.ErrNotExist with the path", name, err)
		}
	}
	if _, err := Load(dir, Limits{}); err == nil {
		t.Error("a directory is accepted")
	}
}

// write returns a directory with these files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
