package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// ofDraft begins a schema in that draft.
func ofDraft(d *jsonschema.Draft, rest string) string {
	return `{"$schema":"` + d.URL() + `",` + rest + `}`
}

// keywordTests say of every keyword that is streamed what it passes and what it refuses, one JSON text a line.
var keywordTests = map[string]struct{ schema, pass, fail string }{
	"true passes all":                          {`true`, "1\nnull\n{}", ""},
	"false refuses all":                        {`false`, "", "1\n1.0\nnull\n{}"},
	"type names the type":                      {`{"type":"object"}`, "{}", "[]\n1\n1.0\n\"\"\nnull\ntrue"},
	"type may name several types":              {`{"type":["array","null","boolean"]}`, "[]\nnull\ntrue\nfalse", "{}\n0\n\"\""},
	"an integer may have a point":              {`{"type":"integer"}`, "1\n-0\n1.0\n1e3\n1.50e1\n100e-2\n0e-7\n0.0", "0.5\n1e-1\n15e-1\n1.05e1\n\"1\""},
	"any number is a number":                   {`{"type":"number"}`, "1\n0.5\n1e-1000", "\"1\"\nnull"},
	"an integer is a number":                   {`{"type":["number","integer"]}`, "1\n0.5", "null"},
	"const is equal by value":                  {`{"const":1.0}`, "1\n10e-1\n1.00", "2\n\"1\"\ntrue\n[1]"},
	"const may be null":                        {`{"const":null}`, "null", "0\nfalse\n\"\""},
	"const tells true from one":                {`{"const":true}`, "true", "1\nfalse\n\"true\""},
	"const may be an array":                    {`{"const":[1,["a"]]}`, "[1,[\"a\"]]\n[1.0,[\"\\u0061\"]]", "[1]\n[1,[\"b\"]]\n[1,[\"a\"],0]\n[[\"a\"],1]\n{}"},
	"const may be an object":                   {`{"const":{"a":1,"b":{}}}`, "{\"b\":{},\"a\":1}\n{\"\\u0061\":1e0,\"b\":{}}", "{\"a\":1}\n{\"a\":1,\"b\":[]}\n{\"a\":1,\"c\":{}}\n{\"a\":1,\"b\":{},\"c\":0}"},
	"enum is any of its values":                {`{"enum":["a","😀",7,null,{}]}`, "\"a\"\n\"\\ud83d\\ude00\"\n7.0\nnull\n{}", "\"b\"\n70\nfalse\n[]\n{\"a\":1}"},
	"minLength counts characters":              {`{"minLength":2}`, "\"ab\"\n\"漢字\"\n\"\\ud83d\\ude00x\"\n1", "\"a\"\n\"漢\"\n\"😀\"\n\"\\ud83d\\ude00\"\n\"\""},
	"maxLength counts characters":              {`{"maxLength":1}`, "\"\"\n\"😀\"\n\"\\n\"\n[1,2]", "\"ab\"\n\"e\u0301\"\n\"\\u0061b\""},
	"pattern looks at the decoded string":      {`{"pattern":"^a/?$"}`, "\"a\"\n\"\\u0061\"\n\"a\\/\"\n1", "\"b\"\n\"aa\"\n\"a\\n\""},
	"pattern is not anchored":                  {`{"pattern":"b"}`, "\"abc\"", "\"ac\""},
	"minimum is exact":                         {`{"minimum":9007199254740993}`, "9007199254740993\n9007199254740993.0\n1e16\n\"\"", "9007199254740992\n9007199254740992.9\n-1e16\n0"},
	"maximum is exact":                         {`{"maximum":0.1}`, "0.1\n0.10\n1e-1\n-5\n0", "0.1000000000000001\n1\n11e-2"},
	"exclusiveMinimum leaves itself out":       {`{"exclusiveMinimum":-1.5}`, "-1.4999\n0", "-1.5\n-15e-1\n-2"},
	"exclusiveMaximum leaves itself out":       {`{"exclusiveMaximum":1e3}`, "999\n999.9", "1000\n1.0e3\n1e4"},
	"multipleOf is exact":                      {`{"multipleOf":0.01}`, "0.07\n19.99\n1e300\n0\n-0.0\n\"\"", "0.001\n19.995\n1e-300"},
	"multipleOf may be a big number":           {`{"multipleOf":3e20}`, "0\n6e20\n300000000000000000000", "1e20\n3e19\n3"},
	"items apply to each element":              {`{"items":{"type":"string"}}`, "[]\n[\"a\",\"b\"]\n1", "[1]\n[\"a\",1]"},
	"items may be forbidden":                   {`{"items":false}`, "[]", "[1]"},
	"prefixItems come first":                   {`{"prefixItems":[{"type":"string"},true],"items":{"type":"null"}}`, "[]\n[\"a\"]\n[\"a\",1]\n[\"a\",[],null,null]", "[1]\n[\"a\",1,1]"},
	"prefixItems leave the rest free":          {`{"prefixItems":[{"type":"string"}]}`, "[\"a\",1,{}]", "[1]"},
	"items of 2019 may be a list":              {ofDraft(jsonschema.Draft2019, `"items":[{"type":"string"}],"additionalItems":{"type":"null"}`), "[]\n[\"a\"]\n[\"a\",null]", "[1]\n[\"a\",1]"},
	"additionalItems may be forbidden":         {ofDraft(jsonschema.Draft7, `"items":[{},{}],"additionalItems":false`), "[]\n[1]\n[1,2]", "[1,2,3]"},
	"additionalItems alone mean nothing":       {ofDraft(jsonschema.Draft7, `"additionalItems":false`), "[1,2,3]", ""},
	"minItems and maxItems count elements":     {`{"minItems":1,"maxItems":2}`, "[0]\n[[],[]]\n{}", "[]\n[1,2,3]"},
	"contains asks for one":                    {`{"contains":{"const":1}}`, "[0,1]\n[1,1]\n{}", "[]\n[0]"},
	"minContains and maxContains count":        {`{"contains":{"const":1},"minContains":2,"maxContains":3}`, "[1,1]\n[1,0,1,1]", "[1]\n[1,1,1,1]\n[]"},
	"minContains may be 0":                     {`{"contains":false,"minContains":0}`, "[]\n[0]", ""},
	"few elements are unique":                  {`{"uniqueItems":true}`, "[]\n[1]\n{}", ""},
	"properties apply to members":              {`{"properties":{"a":{"type":"string"},"b":{}}}`, "{}\n{\"a\":\"\",\"b\":1,\"c\":1}\n[]", "{\"a\":1}\n{\"\\u0061\":1}"},
	"properties may be many of one length":     {`{"properties":{"` + strings.Join(strings.Split("abcdefghij", ""), `":{"type":"string"},"`) + `":{"type":"null"}}}`, "{\"a\":\"\",\"j\":null,\"k\":0}", "{\"a\":1}\n{\"\\u006a\":1}"},
	"required is required":                     {`{"required":["a","é"]}`, "{\"a\":1,\"é\":1}\n{\"b\":1,\"\\u00e9\":1,\"\\u0061\":1}\n1", "{}\n{\"a\":1}\n{\"a\":1,\"b\":1}"},
	"required may be forbidden":                {`{"required":["a"],"properties":{"a":false}}`, "1", "{}\n{\"a\":1}"},
	"patternProperties apply by name":          {`{"patternProperties":{"^a":{"type":"string"},"b$":{"minLength":1}}}`, "{\"a\":\"\",\"ab\":\"x\",\"c\":0}", "{\"a\":1}\n{\"\\u0061\":1}\n{\"ab\":\"\"}"},
	"additionalProperties may be forbidden":    {`{"properties":{"a":true},"patternProperties":{"^b":true},"additionalProperties":false}`, "{}\n{\"a\":1,\"b\":1,\"bb\":1}", "{\"c\":1}\n{\"a\":1,\"A\":1}"},
	"required does not make a property":        {`{"required":["a"],"additionalProperties":false}`, "", "{\"a\":1}\n{}"},
	"additionalProperties may have a schema":   {`{"properties":{"a":true},"additionalProperties":{"type":"string"}}`, "{\"a\":1,\"b\":\"\"}", "{\"b\":1}"},
	"propertyNames apply to names":             {`{"propertyNames":{"maxLength":1,"pattern":"[a-c]"}}`, "{}\n{\"a\":1,\"\\u0062\":1}", "{\"d\":1}\n{\"aa\":1}\n{\"\":1}"},
	"minProperties and maxProperties count":    {`{"minProperties":1,"maxProperties":2}`, "{\"a\":{\"b\":1,\"c\":2}}\n{\"a\":1,\"b\":2}", "{}\n{\"a\":1,\"b\":2,\"c\":3}"},
	"dependentRequired asks for company":       {`{"dependentRequired":{"a":["b","c"]}}`, "{}\n{\"b\":1}\n{\"c\":1,\"b\":1,\"\\u0061\":1}", "{\"a\":1}\n{\"a\":1,\"b\":1}"},
	"dependentSchemas apply in company":        {`{"dependentSchemas":{"a":{"minProperties":2}}}`, "{}\n{\"b\":1}\n{\"a\":1,\"b\":1}", "{\"a\":1}"},
	"dependencies are both":                    {ofDraft(jsonschema.Draft7, `"dependencies":{"a":["b"],"c":{"maxProperties":1}}`), "{\"a\":1,\"b\":1}\n{\"c\":1}", "{\"a\":1}\n{\"b\":1,\"c\":1}"},
	"allOf is all":                             {`{"allOf":[{"minimum":1},{"maximum":2}]}`, "1\n2", "0\n3"},
	"anyOf is any":                             {`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, "{\"a\":1}\n{\"b\":1}\n{\"a\":1,\"b\":1}", "{}\n{\"c\":1}"},
	"oneOf is one":                             {`{"oneOf":[{"required":["a"]},{"required":["b"]},false]}`, "{\"a\":1}\n{\"b\":1}", "{}\n{\"a\":1,\"b\":1}"},
	"not is not":                               {`{"not":{"type":"integer"}}`, "\"\"\n0.5", "1\n1.0"},
	"if leads to then and else":                {`{"if":{"required":["a"]},"then":{"maxProperties":1},"else":{"required":["b"]}}`, "{\"a\":1}\n{\"b\":1}\n{\"b\":1,\"c\":1}", "{}\n{\"a\":1,\"b\":1}"},
	"if without then passes what it passes":    {`{"if":{"type":"string"},"else":{"type":"null"}}`, "\"\"\nnull", "1"},
	"then without if means nothing":            {`{"then":false,"else":false}`, "1", ""},
	"a reference is followed":                  {`{"properties":{"a":{"$ref":"#/$defs/n","maximum":3}},"$defs":{"n":{"minimum":1}}}`, "{\"a\":2}", "{\"a\":0}\n{\"a\":4}"},
	"beside a reference of draft 7 is nothing": {ofDraft(jsonschema.Draft7, `"properties":{"a":{"$ref":"#/definitions/n","maximum":3}},"definitions":{"n":{"minimum":1}}`), "{\"a\":2}\n{\"a\":4}", "{\"a\":0}"},
	"a schema may contain itself":              {`{"type":"object","additionalProperties":{"$ref":"#"}}`, "{}\n{\"a\":{\"b\":{}}}", "{\"a\":{\"b\":1}}\n1"},
	"format asserts up to draft 7":             {ofDraft(jsonschema.Draft7, `"format":"date"`), "\"2014-09-24\"\n\"2014-09-2\\u0034\"\n1", "\"2014-09-31\"\n\"\""},
	"a format that nobody knows is a note":     {ofDraft(jsonschema.Draft7, `"format":"nonsense"`), "\"\"", ""},
	"format is a note from 2019-09 on":         {ofDraft(jsonschema.Draft2019, `"format":"date"`), "\"yesterday\"", ""},
	"format is checked without $schema":        {`{"format":"date"}`, "\"2026-01-01\"", "\"yesterday\""},
	"draft 4 leaves out by a boolean":          {ofDraft(jsonschema.Draft4, `"minimum":1,"exclusiveMinimum":true,"maximum":3,"exclusiveMaximum":false`), "1.1\n3", "1\n3.1"},
}

func TestWalkDecides(t *testing.T) {
	t.Parallel()
	for rule, test := range keywordTests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			compiled := mustCompile(t, test.schema)
			p := newProgram(compiled)
			for want, values := range map[verdict]string{pass: test.pass, fail: test.fail} {
				for value := range strings.Lines(values) {
					if got := verdictOn(t, p, value); got != want {
						t.Errorf("%s: got %d, want %d", strings.TrimSpace(value), got, want)
					}
					isNotContradicted(t, compiled, p, []byte(value))
				}
			}
		})
	}
}

func TestWalkLeavesUndecided(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", maxDigits+1)
	for rule, test := range map[string]struct {
		schema, value string
		want          verdict
	}{
		"a number of too many digits":           {`{"minimum":1}`, long, unknown},
		"its being an integer":                  {`{"type":"integer"}`, long + ".0", unknown},
		"its equality":                          {`{"enum":[1]}`, long, unknown},
		"but not its type":                      {`{"type":"integer"}`, long, pass},
		"nor what nobody asks of it":            {`{"items":true}`, long, pass},
		"nor zeros around the digits":           {`{"minimum":1}`, "1" + strings.Repeat("0", 40) + ".00", pass},
		"what no alternative decides":           {`{"anyOf":[{"minimum":1},false]}`, long, unknown},
		"but not if another one passes":         {`{"anyOf":[{"minimum":1},true]}`, long, pass},
		"one of undecided alternatives":         {`{"oneOf":[{"minimum":1},true]}`, long, unknown},
		"but not if two others pass":            {`{"oneOf":[{"minimum":1},true,true]}`, long, fail},
		"the opposite of what is undecided":     {`{"not":{"minimum":1}}`, long, unknown},
		"what depends on what is undecided":     {`{"if":{"minimum":1}}`, long, unknown},
		"a member":                              {`{"properties":{"a":{"minimum":1}}}`, `{"a":` + long + `}`, unknown},
		"an element that may be contained":      {`{"contains":{"minimum":1}}`, `[` + long + `]`, unknown},
		"many elements that are to be unique":   {`{"uniqueItems":true}`, `[1,2]`, unknown},
		"but not if they fail already":          {`{"uniqueItems":true,"items":{"type":"string"}}`, `[1,2]`, fail},
		"an object with what is unevaluated":    {`{"unevaluatedProperties":false}`, `{}`, unknown},
		"an array with what is unevaluated":     {`{"unevaluatedItems":false}`, `[]`, unknown},
		"but not a value of another type":       {`{"unevaluatedItems":false,"unevaluatedProperties":true}`, `1`, pass},
		"everything, if a reference is dynamic": {`{"properties":{"a":{"$dynamicRef":"#"}}}`, `{}`, unknown},
		"everything, if there is a loop":        {`{"properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"properties":{"x":{"$ref":"#/$defs/c"}},"if":{"$ref":"#/$defs/c"}},"c":{"anyOf":[true,{"$ref":"#/$defs/b"}]}}}`, `{}`, unknown},
		"a loop among what is unevaluated":      {`{"not":{"properties":{"a":false},"unevaluatedProperties":{"$ref":"#/$defs/b"}},"$defs":{"b":{"properties":{"x":{"$ref":"#/$defs/c"}},"if":{"$ref":"#/$defs/c"}},"c":{"anyOf":[true,{"$ref":"#/$defs/b"}]}}}`, `{"a":1,"b":1}`, unknown},
		"a loop among elements likewise":        {`{"not":{"minItems":3,"unevaluatedItems":{"$ref":"#/$defs/b"}},"$defs":{"b":{"properties":{"x":{"$ref":"#/$defs/c"}},"if":{"$ref":"#/$defs/c"}},"c":{"anyOf":[true,{"$ref":"#/$defs/b"}]}}}`, `[1]`, unknown},
		"a limit of too many digits":            {`{"maximum":` + long + `}`, `1`, unknown},
		"a constant of too many digits":         {`{"const":[` + long + `]}`, `1`, unknown},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			compiled := mustCompile(t, test.schema)
			p := newProgram(compiled)
			if got := verdictOn(t, p, test.value); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
			isNotContradicted(t, compiled, p, []byte(test.value))
		})
	}
}

func TestWalkGivesUpOnSchemasThatAreExponential(t *testing.T) {
	t.Parallel()
	const twice = `{"anyOf":[{"additionalProperties":{"$ref":"#"}},{"additionalProperties":{"$ref":"#"},"minProperties":1}],"type":"object"}`
	p := newProgram(mustCompile(t, twice))
	shallow := strings.Repeat(`{"a":`, 3) + `{}` + strings.Repeat(`}`, 3)
	if got := verdictOn(t, p, shallow); got != pass {
		t.Errorf("shallow: got %d, want a pass", got)
	}
	deep := strings.Repeat(`{"a":`, 63) + `1` + strings.Repeat(`}`, 63) // 2^63 looks, were they all taken
	if got := verdictOn(t, p, deep); got != unknown {
		t.Errorf("deep: got %d, want it left undecided", got)
	}
}

// TestEveryKeywordIsConsidered stops whoever brings in a validator with another keyword, which a program would overlook.
func TestEveryKeywordIsConsidered(t *testing.T) {
	t.Parallel()
	considered := strings.Fields(`
		Format Always Ref Types Constant Enum Not AllOf AnyOf OneOf If Then Else
		MinProperties MaxProperties Required Properties PropertyNames PatternProperties AdditionalProperties
		Dependencies DependentRequired DependentSchemas
		MinItems MaxItems UniqueItems Items AdditionalItems PrefixItems Items2020 Contains MinContains MaxContains
		MinLength MaxLength Pattern Minimum ExclusiveMinimum Maximum ExclusiveMaximum MultipleOf`)
	noted := strings.Fields(`RecursiveRef DynamicRef RegexProperties UnevaluatedProperties UnevaluatedItems`)
	// These assert nothing by themselves, or nothing with the compiler that Load uses.
	harmless := strings.Fields(`
		Location Draft RecursiveAnchor DynamicAnchor ContainsEval ContentEncoding ContentMediaType ContentSchema
		Title Description Default Comment ReadOnly WriteOnly Examples Deprecated Extensions
		meta vocab dynamicAnchors format dynamicRefAnchor enumError decoder mediaType`)
	known := map[string]bool{}
	for _, list := range [][]string{considered, noted, harmless} {
		for _, field := range list {
			known[field] = true
		}
	}
	for field := range reflect.TypeFor[jsonschema.Schema]().Fields() {
		if !known[field.Name] {
			t.Errorf("%s is not considered", field.Name)
		}
		delete(known, field.Name)
	}
	if len(known) > 0 {
		t.Errorf("gone: %v", known)
	}
}

// verdictOn returns what p says of a JSON text.
func verdictOn(t testing.TB, p *program, value string) verdict {
	t.Helper()
	s := new(scanner)
	if err := s.read([]byte(value), 64); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return p.check(&s.outline, nil)
}

// mustCompile compiles the text of a schema.
func mustCompile(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	compiled, err := compileText(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return compiled
}

// compileText compiles the text of a schema that has no file.
func compileText(text string) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the compiler stopped: %v", r)
		}
	}()
	if err := scan([]byte(text), maxSchemaDepth); err != nil {
		return nil, err
	}
	const location = "file:///own.json"
	return newCompiler(func(url string) ([]byte, error) {
		if url != location {
			return nil, errors.New("there is only one file")
		}
		return []byte(text), nil
	}).Compile(location)
}
