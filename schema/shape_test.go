package schema

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// known reports whether the shape of value is known to s, and its leaves answer as those did that it was learned from.
func known(s *Schema, value string) bool {
	_, ok := s.shapes.accept(new(scanner), []byte(value))
	return ok
}

// validateAndLearn is Validate for a scanner that is curious, and learns the shape of value if it is valid and unknown.
func validateAndLearn(s *Schema, value []byte) *Refusal {
	s.shapes.wait.Store(0)
	_, refusal := s.judge(new(scanner), value)
	return refusal
}

func learned(t *testing.T, schema string, values ...string) *Schema {
	t.Helper()
	compiled := mustCompile(t, schema)
	s := &Schema{compiled: compiled, program: newProgram(compiled), limits: DefaultLimits()}
	for _, v := range values {
		if refusal := validateAndLearn(s, []byte(v)); refusal != nil {
			t.Fatalf("%s: %v", v, refusal)
		}
	}
	return s
}

func TestShape(t *testing.T) {
	const object = `{"type":"object","properties":{"a":{"type":"integer","minimum":0},"b":{"maxLength":3}}}`
	for rule, test := range map[string]struct {
		schema, learned string
		known, unknown  []string // all of them valid, those that are not included
	}{
		"is that of all texts with other leaves": {
			object, `{"a":1,"b":"x","c":[1,{"d":true}]}`,
			[]string{`{"a":27,"b":"","c":[null,{"d":"\u00e9é"}]}`, `{"a":1e2,"b":7,"c":[-0.5e-3,{"d":false}]}`},
			[]string{`{"a":-1,"b":"","c":[1,{"d":1}]}`, `{"a":1,"b":"long","c":[1,{"d":1}]}`, `{"a":1.5,"b":"x","c":[1,{"d":true}]}`},
		},
		"has the white space in it": {
			object, "{ \"a\":1\n}",
			[]string{"{ \"a\":2\n}"},
			[]string{`{"a":1}`, "{ \"a\":1\n} ", "{ \"a\":1 }", " { \"a\":1\n}"},
		},
		"ends where the text ends": {
			object, `{"a":1}`,
			[]string{`{"a":2}`},
			[]string{``, `{`, `{"a":`, `{"a":1`, `{"a":1}}`, `{"a":1} `, `{"a":"`, `{"a":-}`, `{"a":01}`, `{"a":1.}`},
		},
		"has no place for more where a leaf is": {
			object, `{"b":1}`,
			[]string{`{"b":2}`},
			[]string{`{"b":{}}`, `{"b":[]}`, `{"b":}`, `{"b":tru}`, `{"b":"a` + "\n" + `"}`},
		},
		"is that of a leaf alone": {
			`true`, `1`,
			[]string{`2`, `"x"`, `null`},
			[]string{`{}`, `[]`, ` 1`, ``},
		},
		"has no leaves where there are none": {
			`true`, `{"a":[]}`,
			[]string{`{"a":[]}`},
			[]string{`{"a":[1]}`, `{"b":[]}`, `{"a":[]`},
		},
		"is not learned where more was asked of the leaves than what they are by themselves": {
			`{"enum":[{"a":1},{"a":2}]}`, `{"a":1}`,
			nil,
			[]string{`{"a":1}`, `{"a":2}`, `{"a":3}`},
		},
		"asks of a leaf what makes the difference between branches": {
			`{"if":{"properties":{"a":{"const":1}}},"then":{"properties":{"b":{"const":1}}}}`, `{"a":2,"b":2}`,
			[]string{`{"a":3,"b":2}`, `{"a":"x","b":null}`},
			[]string{`{"a":1,"b":1}`, `{"a":1,"b":2}`},
		},
		"asks of a leaf what is not streamed for its kind, even if none of that kind was seen": {
			`{"properties":{"a":{"minimum":0.10000000000000000000001}}}`, `{"a":"x"}`,
			[]string{`{"a":"y"}`, `{"a":true}`},
			[]string{`{"a":1}`, `{"a":0}`, `{"a":0.1}`},
		},
		"asks what must not be": {
			`{"not":{"properties":{"a":{"type":"string"}}}}`, `{"a":2}`,
			[]string{`{"a":3}`},
			[]string{`{"a":"x"}`},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := learned(t, test.schema, test.learned)
			for _, v := range test.known {
				if !known(s, v) {
					t.Errorf("%s should be of known shape", v)
				}
			}
			for _, v := range test.unknown {
				if known(s, v) {
					t.Errorf("%s should not be of known shape", v)
				}
			}
		})
	}
}

func TestShapesBesideEachOther(t *testing.T) {
	values := []string{
		`{"a":1}`, `{"a":[1]}`, `{"a":[]}`, `{"a":[1,2]}`, `{"a":1,"b":2}`, `{"a": 1}`, `{"a":{"b":1}}`, `[1]`, `1`, "1\n", `{}`, `[]`, `[[]]`, `[[1]]`,
	}
	s := learned(t, `true`, values...)
	for _, v := range values {
		if !known(s, v) {
			t.Errorf("%s should be of known shape", v)
		}
	}
}

func TestReportOfAKnownShape(t *testing.T) {
	s := learned(t, `true`, `{"baseinfo":{"x":[0],"openid":"u"},"battleinfo":{"score":1}}`)
	for value, want := range map[string]said{
		`{"baseinfo":{"x":[7],"openid":"\u0061b"},"battleinfo":{"score":1e3}}`: {"ab", "1000"},
		`{"baseinfo":{"x":[7],"openid":"v"},"battleinfo":{"score":"1"}}`:       {"v", ""},
		`{"baseinfo":{"x":[7],"openid":""},"battleinfo":{"score":1}}`:          {},
		`{"baseinfo":{"x":[7],"openid":5},"battleinfo":{"score":1}}`:           {},
	} {
		if !known(s, value) {
			t.Errorf("%s should be of known shape", value)
		}
		report, refusal := s.Check([]byte(value))
		if saidBy(report) != want || (refusal == nil) != (want != said{}) || refusal != nil && refusal.Violations[0].Instance != "/baseinfo" {
			t.Errorf("%s: %s, %v", value, report, refusal)
		}
	}
}

// TestShapesAreForgottenRatherThanTooMany has a game whose records are never alike.
func TestShapesAreForgottenRatherThanTooMany(t *testing.T) {
	const common = `{"common":1}`
	s := learned(t, `true`, common)
	forgotten := 0
	for i := range 5000 {
		size := 1
		if i >= 4000 {
			size = 20_000
		}
		value := fmt.Sprintf(`{"common":1,"%0*d":%s}`, size, i/10, strings.Repeat("[", i%10)+"1"+strings.Repeat("]", i%10))
		if refusal := validateAndLearn(s, []byte(value)); refusal != nil {
			t.Fatal(refusal)
		}
		if !known(s, value) {
			t.Fatalf("%s should be learned", value)
		}
		if s.shapes.size > maxShapes {
			t.Fatalf("the shapes take %d bytes", s.shapes.size)
		}
		if !known(s, common) {
			forgotten++
			validateAndLearn(s, []byte(common))
		}
	}
	if forgotten == 0 {
		t.Error("nothing was ever forgotten")
	}
}

func TestShapesNotWorthLearning(t *testing.T) {
	s := learned(t, `{"items":{"type":"integer"}}`)
	s.limits.MaxBytes = 2 * maxShapes
	for rule, test := range map[string]struct {
		value string
		want  bool
	}{
		"as many leaves as may be":         {`[` + strings.Repeat("1,", maxLeaves-1) + `1]`, true},
		"one leaf more":                    {`[` + strings.Repeat("1,", maxLeaves) + `1]`, false},
		"one text that fills all the room": {`{"` + strings.Repeat("k", maxShapes) + `":1}`, false},
	} {
		if refusal := validateAndLearn(s, []byte(test.value)); refusal != nil {
			t.Fatal(refusal)
		}
		if known(s, test.value) != test.want {
			t.Errorf("%s: learned is %v", rule, !test.want)
		}
	}
}

// TestShapesAreBounded counts what is in the tree, whatever the shapes think of their size.
func TestShapesAreBounded(t *testing.T) {
	for rule, test := range map[string]struct {
		schema string
		value  func(i int) string
	}{
		"many choices behind one leaf": {`true`, func(i int) string { return fmt.Sprintf(`{"a":1,"%d":1}`, i) }},
		"many questions about each leaf": {
			`{"allOf":[` + strings.Repeat(`{"items":{"minimum":0}},`, 99) + `true]}`,
			func(i int) string {
				return fmt.Sprintf(`[%s1]`, strings.Repeat("1, ", i%10)+strings.Repeat("1,", i/10%10))
			},
		},
		"long texts": {`true`, func(i int) string { return fmt.Sprintf(`[%d,{"%0*d":1}]`, i, 1000*(i%16), 1) }},
	} {
		t.Run(rule, func(t *testing.T) {
			s := learned(t, test.schema)
			for i := range 200 {
				value := test.value(i)
				if refusal := validateAndLearn(s, []byte(value)); refusal != nil {
					t.Fatal(refusal)
				}
				if !known(s, value) {
					t.Fatalf("%s should be learned", value)
				}
				if size := sizeOf(t, *s.shapes.first.Load()); size > maxShapes {
					t.Fatalf("after %d texts the shapes take %d bytes", i+1, size)
				}
			}
		})
	}
}

// sizeOf is what the steps and all behind them take, about.
func sizeOf(t *testing.T, choices []*step) (size int) {
	t.Helper()
	if len(choices) > maxChoices {
		t.Fatalf("%d choices behind one leaf", len(choices))
	}
	for _, s := range choices {
		if len(s.shapes) > maxAnswers {
			t.Fatalf("%d shapes of one text", len(s.shapes))
		}
		size += stepBytes + len(s.text) + sizeOf(t, s.next)
		for _, h := range s.shapes {
			size += len(h.questions) * stepBytes
		}
	}
	return size
}

func TestOfUnknownShapesFewAreLearned(t *testing.T) {
	s, scanner := learned(t, `true`), new(scanner)
	count := 0
	for i := range 100 * learnEvery {
		value := fmt.Sprintf(`{"%d":1}`, i)
		if _, refusal := s.judge(scanner, []byte(value)); refusal != nil {
			t.Fatal(refusal)
		}
		if known(s, value) {
			count++
		} else if i == 0 {
			t.Error("the first is not learned")
		}
	}
	if most := patience/learnEvery + 100/seldom; count > 4*most {
		t.Errorf("%d are learned, want about %d", count, most)
	}
}

// TestAllShapesThatComeInTurnsAreLearned has good texts come behind others, again and again: refused ones, some too large
// to be learned, and some whose leaves answer otherwise.
func TestAllShapesThatComeInTurnsAreLearned(t *testing.T) {
	const schema = `{"if":{"properties":{"mode":{"const":"test"}}},"then":{"properties":{"score":{"type":"null"}}},
		"properties":{"bad":false}}`
	for rule, others := range map[string][]string{
		"refused ones":            {`{"bad":1}`},
		"ones that are too large": {`[` + strings.Repeat("1,", maxLeaves) + `1]`},
		"their like":              {`{"mode":"test","score":null}`, `{"mode":"test","score":null }`},
	} {
		t.Run(rule, func(t *testing.T) {
			s := learned(t, schema)
			const good = `{"mode":"ranked","score":5}`
			for range 20 * learnEvery {
				for _, value := range append(others, good) {
					s.Validate([]byte(value))
				}
			}
			if !known(s, good) {
				t.Error("the good one should be of known shape")
			}
		})
	}
}

// TestWhoMeetsStrangersOnlySeldomLooksForTheirShape, and is soon back when it meets friends.
func TestWhoMeetsStrangersOnlySeldomLooksForTheirShape(t *testing.T) {
	s := learned(t, `true`, `{"a":1}`)
	scanner := new(scanner)
	accept := func(value string) bool {
		_, ok := s.shapes.accept(scanner, []byte(value))
		return ok
	}
	for range 10 * patience {
		accept(`{"b":1}`)
	}
	tries := 1
	for ; !accept(`{"a":1}`); tries++ {
		if tries > seldom {
			t.Fatal("it looks for no shape any more")
		}
	}
	if tries == 1 && !accept(`{"a":1}`) || !accept(`{"a":1}`) {
		t.Error("it does not look for a shape although it has found one")
	}
}

func TestWhatIsTooLargeIsSoWhateverItsShape(t *testing.T) {
	s := learned(t, `true`, `{"a":"x"}`)
	s.limits.MaxBytes = 20
	value := `{"a":"` + strings.Repeat("x", 20) + `"}`
	if !known(s, value) {
		t.Fatal("the shape should be known")
	}
	if refusal := s.Validate([]byte(value)); refusal == nil || refusal.Reason != TooLarge {
		t.Errorf("got %v", refusal)
	}
}

// TestAskingLeavesIsBounded has a schema that looks at a leaf more often than a walk may.
func TestAskingLeavesIsBounded(t *testing.T) {
	s := learned(t, `{"items":{"allOf":[`+strings.Repeat(`{"maxLength":60000},`, 200)+`true]}}`, `["x"]`)
	if !known(s, `["`+strings.Repeat("x", 100)+`"]`) {
		t.Error("a short text should be of known shape")
	}
	if known(s, `["`+strings.Repeat("x", 50_000)+`"]`) {
		t.Error("a leaf of 50 kB was looked at 200 times")
	}
}

// TestShapesAreLearnedAndFollowedAtOnce is for the race detector.
func TestShapesAreLearnedAndFollowedAtOnce(t *testing.T) {
	s := learned(t, `{"additionalProperties":{"type":["integer","array"]}}`)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 300 {
				value := fmt.Sprintf(`{"a":%d,"%*d":[%d]}`, i, 1+(i+g)%7, i%9, g)
				if refusal := validateAndLearn(s, []byte(value)); refusal != nil {
					t.Errorf("%s: %v", value, refusal)
				}
				if s.Validate([]byte(strings.Replace(value, "[", `["x",`, 1)+"}")) == nil || s.Validate([]byte(strings.Replace(value, ":", `:"`, 1))) == nil {
					t.Errorf("%s: what is invalid is not refused", value)
				}
			}
		})
	}
	wg.Wait()
}
