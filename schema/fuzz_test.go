package schema

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// addSeeds adds the documents' examples, and what people and broken programs send instead.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, name := range []string{"en.json", "ja.json", "en-userdefined.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	for _, text := range []string{
		event, "", " ", "hello", `"`, "{}", "[]", "null", "{}{}", "\ufeff{}",
		"\xff\xfe{\x00}\x00", "[\x001\x00", "\x00\x00\x00\x00\x01{}", "\x1f\x8b\x08",
		`[{"gold":1},{"gold":2}]`,
		`{"baseinfo":{"openid":"a","openid":"b","platid":0},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"a","\u006fpenid":"b","platid":0},"battleinfo":{}}`,
		"{\"baseinfo\":{\"openid\":\"\xff\",\"platid\":0},\"battleinfo\":{}}",
		"{\"baseinfo\":{\"openid\":\"a\x00b\",\"platid\":0},\"battleinfo\":{}}",
		`{"baseinfo":{"openid":"\u0000","platid":0},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"\ud83d","platid":0},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"\ud83d\ude00","platid":0},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"` + strings.Repeat("x", 10_000) + `","platid":0},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":` + strings.Repeat("9", 60_000) + `}}`,
		`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":1e1024,"iswin":null}}`,
		`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":-1.5E-7,"acttime":"2014-09-24"}}`,
		`{"baseinfo":{"openid":"a","platid":1e999999999},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"a","platid":0},"userdefined":{"":{"":1},"a/b":{},"~":{"name":1,"value":[]}}}`,
		strings.Repeat("[", 65) + strings.Repeat("]", 65),
		strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64),
	} {
		f.Add([]byte(text))
	}
}

// FuzzCheck holds Check to its promises: no panic, InvalidJSON exactly for what is not strict JSON, a useful report or
// small refusal, and pointers that lead somewhere in value and schema.
func FuzzCheck(f *testing.F) {
	addSeeds(f)
	type subject struct {
		*Schema
		document any
	}
	var subjects []subject
	add := func(name string, text []byte) {
		document, err := decode(text)
		if err != nil {
			f.Fatal(err)
		}
		subjects = append(subjects, subject{mustLoad(f, name), document})
	}
	for _, edition := range editions {
		add(builtInPrefix+edition, builtIn(builtInID(edition)))
	}
	for _, file := range []string{"testdata/numbers.schema.json", "testdata/every.schema.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(file, text)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		kept := bytes.Clone(value)
		for _, s := range subjects {
			report, refusal := s.Check(value)
			if !bytes.Equal(value, kept) {
				t.Fatal("the value was changed")
			}
			if len(value) > DefaultLimits().MaxBytes {
				if refusal == nil || refusal.Reason != TooLarge {
					t.Fatalf("got %v, want too large", refusal)
				}
				continue
			}
			if strict := isStrict(value, DefaultLimits().MaxDepth); strict == (refusal != nil && refusal.Reason == InvalidJSON) {
				t.Fatalf("got %v, but strict JSON: %v", refusal, strict)
			}
			if refusal == nil {
				if n := utf8.RuneCount(report.OpenID); n < 1 || n > maxOpenID || !utf8.Valid(report.OpenID) {
					t.Fatalf("accepted with openid %q", report.OpenID)
				}
				continue
			}
			isBounded(t, refusal)
			if saidBy(report) != (said{}) {
				t.Fatalf("refused, but reported as %+v", report)
			}
			if (refusal.Reason == SchemaViolation) != (len(refusal.Violations) > 0) {
				t.Fatalf("%d violations with reason %q", len(refusal.Violations), refusal.Reason)
			}
			for _, v := range refusal.Violations {
				decoded, err := decode(value)
				if err != nil {
					t.Fatal(err)
				}
				if !leads(decoded, v.Instance) {
					t.Fatalf("instance %q leads nowhere", v.Instance)
				}
				if !leads(s.document, v.Keyword) && v.Keyword != "/required" {
					t.Fatalf("keyword %q leads nowhere", v.Keyword)
				}
			}
		}
	})
}

// leads reports whether the JSON Pointer leads to something in v.
func leads(v any, pointer string) bool {
	if pointer == "" {
		return true
	}
	if pointer[0] != '/' {
		return false
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch inside := v.(type) {
		case map[string]any:
			member, ok := inside[token]
			if !ok {
				return false
			}
			v = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(inside) {
				return false
			}
			v = inside[i]
		default:
			return false
		}
	}
	return true
}

// FuzzScan compares the scanner with the slow way to say the same, on what is too deep or too long for Check, too.
func FuzzScan(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, depth := range []int{1, 3, maxMaxDepth} {
			err := scan(text, depth)
			if (err == nil) != isStrict(text, depth) {
				t.Fatalf("depth %d: scan says %v, the slow way says otherwise", depth, err)
			}
			if err != nil && (err.at < 0 || err.at > len(text)) {
				t.Fatalf("%v: no such place in %d bytes", err, len(text))
			}
		}
	})
}

// isStrict is the slow way to say what scan says: encoding/json for the grammar, its tokens for the rest.
func isStrict(text []byte, maxDepth int) bool {
	if !json.Valid(text) || !utf8.Valid(text) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	type frame struct {
		keys  map[string]bool // nil in an array
		value bool            // in an object: a value comes next, not a key
	}
	var open []frame
	for {
		start := d.InputOffset()
		token, err := d.Token()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].keys != nil {
			if key, ok := token.(string); ok && !open[n-1].value {
				if open[n-1].keys[key] {
					return false
				}
				open[n-1].keys[key] = true
			}
			open[n-1].value = !open[n-1].value
		}
		switch token := token.(type) {
		case json.Delim:
			open = append(open, frame{})
			if token == '{' {
				open[len(open)-1].keys = map[string]bool{}
			}
			if len(open) > maxDepth {
				return false
			}
		case string:
			if hasHalfPair(text[start:d.InputOffset()]) {
				return false
			}
		case json.Number:
			if len(token) > maxNumberBytes {
				return false
			}
			_, exponent, _ := strings.Cut(strings.ToLower(string(token)), "e")
			digits := strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
			if n, err := strconv.Atoi(digits); digits != "" && (err != nil || n > maxExponent) {
				return false
			}
		}
	}
}

var (
	escapes  = regexp.MustCompile(`\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)`)
	halfPair = regexp.MustCompile(`^\\u[dD][89a-fA-F][0-9a-fA-F]{2}$`)
)

func hasHalfPair(text []byte) bool {
	for _, escape := range escapes.FindAll(text, -1) {
		if halfPair.Match(escape) {
			return true
		}
	}
	return false
}

// FuzzLoad gives any bytes for a schema: an error or a schema that can be used, no panic.
func FuzzLoad(f *testing.F) {
	for _, edition := range editions {
		f.Add(builtIn(builtInID(edition)))
	}
	files, err := filepath.Glob("testdata/*.schema.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, draft := range drafts {
		f.Add([]byte(`{"$schema":"` + draft + `","$ref":"#/definitions/a","definitions":{"a":{"enum":[1,null,{}]}}}`))
	}
	for _, text := range []string{
		`{"requried":1,"min":{},"format":"x","pattern":"\\u4e00","patternProperties":{"\\S":{},"":{"type":[]}}}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","id":"https://a.example/x","$ref":"own.json#/a","a":{"b":[{"$ref":"#"}]}}`,
		`{"$id":"urn:x","$ref":"y#/z","$anchor":"a","$dynamicRef":"#a","$vocabulary":{"":true}}`,
		`{"type":["int",1],"required":true,"exclusiveMinimum":true,"items":[{}],"type/0":1,"":{"~":1}}`,
	} {
		f.Add([]byte(text))
	}
	name := filepath.Join(f.TempDir(), "own.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(name, Limits{})
		if err != nil {
			if strings.Contains(err.Error(), "runtime error") { // the compiler's own panics are others
				t.Fatal(err)
			}
			return
		}
		for _, n := range s.Lint() {
			isOneLine(t, n.Message, maxMessage)
		}
		if !json.Valid(text) {
			t.Fatal("what is no JSON is a schema")
		}
		if _, refusal := s.Check([]byte(event)); refusal != nil {
			isBounded(t, refusal)
		}
	})
}
