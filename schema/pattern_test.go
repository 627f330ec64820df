package schema

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestAPatternMeansWhatECMA262Says(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		pattern   string
		takes     []string
		takesNone []string
	}{
		"a code point of four digits":                    {`^[\u4e00-\u9fa5]{2,8}$`, []string{"王小明"}, []string{"王", "ab"}},
		"a code point in braces":                         {`^\u{1F600}$`, []string{"😀"}, []string{"u"}},
		"a code point of two halves":                     {`^[\ud83d\ude00-\ud83d\ude4f]$`, []string{"😀"}, []string{"a"}},
		"a script by its long name":                      {`^\p{Script=Han}+$`, []string{"漢字"}, []string{"かな"}},
		"a script by its short names":                    {`^[\p{sc=Hira}\p{Script=Kana}]+$`, []string{"かな", "カナ"}, []string{"漢"}},
		"whatever is of no script":                       {`^\P{Script=Latin}+$`, []string{"漢1"}, []string{"a"}},
		"a category by its names":                        {`^\p{General_Category=Uppercase_Letter}\p{gc=Nd}\p{Letter}\p{L}$`, []string{"A1é漢"}, []string{"a1é漢"}},
		"no blank, of whatever script":                   {`^\S+$`, []string{"ab", "漢字"}, []string{"a\u3000b", "a\u00a0b", "a\ufeffb", "a\u2028b", "a\vb", "a b"}},
		"a blank of whatever script":                     {`^\s$`, []string{"\u3000", "\u00a0", "\ufeff", "\u1680", "\u200a", "\u202f", "\u205f", "\v", "\n"}, []string{"a", "\u200b", "\u180e"}},
		"blanks in a class":                              {`^[\sa]+$`, []string{"a\u3000"}, []string{"b"}},
		"what is no blank, in a class":                   {`^[\S ]+$`, []string{"a b"}, []string{"a\u3000b"}},
		"neither, in a class":                            {`^[^\S\n]$`, []string{"\u3000"}, []string{"a", "\n"}},
		"a dash behind a set is a dash":                  {`^[\s-x]+$`, []string{"-x "}, []string{"y"}},
		"a point is all but the ends of lines":           {`^.$`, []string{"a", "漢", "\u0085"}, []string{"\n", "\r", "\u2028", "\u2029"}},
		"a point in a class is a point":                  {`^[.]$`, []string{"."}, []string{"a"}},
		"a point with a backslash is a point":            {`^\.$`, []string{"."}, []string{"a"}},
		"a control character":                            {`^\cJ\cj$`, []string{"\n\n"}, []string{"JJ"}},
		"a class of everything":                          {`^[^]$`, []string{"a", "\n"}, []string{""}},
		"a class of nothing":                             {`^a[]|b$`, []string{"b"}, []string{"a"}},
		"a backspace in a class":                         {`^[\b]$`, []string{"\b"}, []string{"b"}},
		"a border of words":                              {`\bred\b`, []string{"a red b"}, []string{"redo"}},
		"the end is the end":                             {`^a$`, []string{"a"}, []string{"a\n"}},
		"a group with a name":                            {`^(?<year>\d{4})$`, []string{"2026"}, []string{"26", "٢٠٢٦"}},
		"a slash and other marks with a backslash":       {`^\/\-\:\"$`, []string{`/-:"`}, []string{`/`}},
		"a letter of no ASCII with a backslash":          {`^\é$`, []string{"é"}, []string{`\é`}},
		"a backslash with a backslash before a letter":   {`^\\u4e00\\s$`, []string{`\u4e00\s`}, []string{"一 "}},
		"an escaped bracket opens no class":              {`^\[.\]$`, []string{"[a]"}, []string{"[\n]"}},
		"a bracket in a class opens none":                {`^[[.]$`, []string{"[", "."}, []string{"a"}},
		"of RE2 alone: flags":                            {`(?is)^A.$`, []string{"a\n"}, []string{"b"}},
		"of RE2 alone: code points, classes, both ends":  {`\A\x{4e00}[[:alpha:]]\pL\z`, []string{"一ab"}, []string{"1ab"}},
		"of RE2 alone: a class in a class":               {`^[[:alpha:].]$`, []string{"a", "."}, []string{"1"}},
		"of RE2 alone: text as it stands":                {`^\Q.\s\E.$`, []string{`.\sa`}, []string{"a b"}},
		"of RE2 alone: text as it stands, up to the end": {`^\Q.\s`, []string{`.\s`}, []string{"a "}},
		"of RE2 alone: an octal number":                  {`^\101$`, []string{"A"}, []string{"101"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			compiled, err := compilePattern(test.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range test.takes {
				if !compiled.MatchString(text) {
					t.Errorf("%s, as %s, does not match %q", test.pattern, compiled, text)
				}
			}
			for _, text := range test.takesNone {
				if compiled.MatchString(text) {
					t.Errorf("%s, as %s, matches %q", test.pattern, compiled, text)
				}
			}
		})
	}
}

func TestBlanksAreThoseOfECMA262(t *testing.T) {
	t.Parallel()
	blank, none := regexp.MustCompile("["+ecmaSpace+"]"), regexp.MustCompile("["+ecmaNoSpace+"]")
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if 0xd800 <= r && r < 0xe000 {
			continue // half a surrogate pair
		}
		want := unicode.Is(unicode.Zs, r) || strings.ContainsRune("\t\v\f\ufeff\n\r\u2028\u2029", r) // WhiteSpace and LineTerminator, 12.2 and 12.3
		if text := string(r); blank.MatchString(text) != want || none.MatchString(text) == want {
			t.Errorf("%U: want a blank: %t", r, want)
		}
	}
}

func TestAPatternThatRE2CannotHaveIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ pattern, says string }{
		"what must follow":             {`^(?=.*\d).+$`, "no lookahead"},
		"what must not follow":         {`^(?!admin)[a-z]+$`, "no lookahead"},
		"what must stand before":       {`(?<=a)b`, "no lookbehind"},
		"what must not stand before":   {`(?<!a)b`, "no lookbehind"},
		"the same again, by number":    {`(a)\1`, "no backreferences"},
		"the same again, by name":      {`(?<n>a)\k<n>`, "no backreferences"},
		"a property":                   {`\p{Emoji}`, `not "\\p{Emoji}"`},
		"a script that nobody has":     {`\p{Script=Klingon}`, `not "\\p{Script=Klingon}"`},
		"half a code point":            {`\ud83d`, "half of a surrogate pair"},
		"and hex digits behind it":     {`\ud83ddc00`, "half of a surrogate pair"},
		"the other half":               {`\ude00\ud83d`, "half of a surrogate pair"},
		"a code point that is cut off": {`\u4e0`, "four hexadecimal digits"},
		"a code point beyond all":      {`\u{110000}`, "hexadecimal digits"},
		"more than RE2 will count":     {`a{1,2000}`, `invalid repeat count: "{1,2000}"`},
		"what is no pattern":           {`a(`, "missing closing )"},
	} {
		for place, schema := range map[string]string{
			"/properties/name/pattern":                                  `{"properties":{"name":{"pattern":PATTERN}}}`,
			"/patternProperties/" + escaped.Replace(test.pattern):       `{"patternProperties":{PATTERN:{"type":"string"}}}`,
			"/parts/name/pattern":                                       `{"$ref":"#/parts/name","parts":{"name":{"pattern":PATTERN}}}`,
			"/items/patternProperties/" + escaped.Replace(test.pattern): ofDraft(draft4.of(), `"items":{"patternProperties":{PATTERN:{"type":"string"}}}`),
		} {
			quoted := `"` + strings.ReplaceAll(test.pattern, `\`, `\\`) + `"`
			name := filepath.Join(write(t, map[string]string{"own.json": strings.ReplaceAll(schema, "PATTERN", quoted)}), "own.json")
			_, err := Load(name, Limits{})
			if err == nil {
				t.Errorf("%s: accepted", rule)
				continue
			}
			for _, want := range []string{name + ": " + place + ": ", "pattern " + quoted, "patterns are RE2", test.says} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q does not say %q", rule, err, want)
				}
			}
		}
	}
}

func TestAPatternIsQuotedAsItWasWritten(t *testing.T) {
	t.Parallel()
	const text = `{"properties":{"a/b":{"pattern":"^\\S+$"},"c":{"pattern":"^\\d$"}},"patternProperties":{"^\\u4e00/~%":{"type":"integer","patternProperties":{"^\\u4e8c.":{"uniqueItems":true,"maxItems":1}}}}}`
	s := mustLoad(t, filepath.Join(write(t, map[string]string{"own.json": text}), "own.json"))
	for value, want := range map[string]Violation{
		`{"a/b":"a　b"}`:         {"/a~1b", "/properties/a~1b/pattern", `does not match pattern '^\\S+$'`},
		`{"c":"x"}`:             {"/c", "/properties/c/pattern", `does not match pattern '^\\d$'`},
		`{"一/~%":"x"}`:          {"/一~1~0%", `/patternProperties/^\u4e00~1~0%/type`, "expected integer, but got string"},
		`{"一/~%":{"二a":[1,2]}}`: {"/一~1~0%", `/patternProperties/^\u4e00~1~0%/type`, "expected integer, but got object"},
	} {
		refusal := s.Validate([]byte(value))
		if refusal == nil || refusal.Violations[0] != want {
			t.Errorf("%s: got %+v, want %+v", value, refusal, want)
		}
	}
	const slow = `/patternProperties/^\u4e00~1~0%/patternProperties/^\u4e8c./uniqueItems`
	if notes := s.Explain(); len(notes) != 1 || notes[0].Keyword != slow {
		t.Errorf("got %+v, want %s", notes, slow)
	}
}

func TestPatternsThatBecomeOneStayTwo(t *testing.T) {
	t.Parallel()
	const text = `{"patternProperties":{"^\\u4e00":{"type":"integer"},"^\\u{4e00}":{"minimum":3},"^\\x{4e00}":{"maximum":5}}}`
	s := mustLoad(t, filepath.Join(write(t, map[string]string{"own.json": text}), "own.json"))
	for value, valid := range map[string]bool{`{"一":4}`: true, `{"一":4.5}`: false, `{"一":2}`: false, `{"一":6}`: false} {
		if refusal := s.Validate([]byte(value)); (refusal == nil) != valid {
			t.Errorf("%s: %v", value, refusal)
		}
	}
}

func TestAFormatRegexTakesWhatPatternTakes(t *testing.T) {
	t.Parallel()
	compiled := mustCompile(t, `{"format":"regex"}`)
	for value, valid := range map[string]bool{`"[\\u4e00-\\u9fa5]"`: true, `"(?!x)"`: false, `"("`: false, `1`: true} {
		decoded, err := decode([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(compiled, decoded); (err == nil) != valid {
			t.Errorf("%s: %v", value, err)
		}
		isNotContradicted(t, compiled, newProgram(compiled), []byte(value))
	}
}

func TestWhatIsNoPatternStaysAsItIs(t *testing.T) {
	t.Parallel()
	for keyword, schema := range map[string]string{
		"const":             `{"const":VALUE}`,
		"enum":              `{"enum":[VALUE,1]}`,
		"a reference to it": `{"$ref":"#/parts/a","parts":{"a":{"enum":[[VALUE],VALUE]}}}`,
	} {
		const value = `{"pattern":"\\u4e00","patternProperties":{"\\S":{"pattern":"."}}}`
		name := filepath.Join(write(t, map[string]string{"own.json": strings.ReplaceAll(schema, "VALUE", value)}), "own.json")
		if refusal := mustLoad(t, name).Validate([]byte(value)); refusal != nil {
			t.Errorf("%s: %v", keyword, refusal)
		}
	}
}

// FuzzTranslate has any text translated: what RE2 takes then it takes translated once more, to the same.
func FuzzTranslate(f *testing.F) {
	for _, pattern := range []string{`^[\u4e00-\u9fa5]+$`, `\p{Script=Han}\S[^]`, `[[:alpha:]\s-a]`, `\ud83d\ude00`, `\ud83ddc00`, `\Q.\E.`, `(?i).`, `\`, `\c`, `[\b]`} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		once, err := translate(pattern)
		if err != nil {
			return
		}
		if _, err := regexp.Compile(once); err != nil {
			return
		}
		if twice, err := translate(once); err != nil || twice != once {
			t.Errorf("%q becomes %q, and then %q (%v)", pattern, once, twice, err)
		}
	})
}
