package view

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestADifferenceMakesTheOneOfTheOther(t *testing.T) {
	t.Parallel()
	line := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(line, 0, 12).Draw(t, "a"), rapid.SliceOfN(line, 0, 12).Draw(t, "b")
		var before, after []string
		signs := 0
		for _, c := range middle(a, b) {
			if c.sign != '+' {
				before = append(before, c.text)
			}
			if c.sign != '-' {
				after = append(after, c.text)
			}
			if c.sign != ' ' {
				signs++
			}
		}
		if !slices.Equal(before, a) || !slices.Equal(after, b) {
			t.Fatalf("of %q and %q: %q and %q", a, b, before, after)
		}
		if slices.Equal(a, b) != (signs == 0) || slices.Equal(a, b) != (len(changes(a, b)) == 0) {
			t.Fatalf("%d changes between %q and %q", signs, a, b)
		}
	})
}

func TestADifferenceTooLongToBeComparedIsShownWhole(t *testing.T) {
	t.Parallel()
	a, b := make([]string, 3000), make([]string, 3000)
	for i := range a {
		a[i], b[i] = "a"+strings.Repeat("x", i%7), "b"+strings.Repeat("x", i%7)
	}
	if got := middle(a, b); len(got) != 6000 {
		t.Errorf("%d changes", len(got))
	}
}

func TestADifferenceIsOfValuesLaidOutWhereBothAreJSON(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ a, b, want string }{
		"both are":                            {`{"a":1.0,"b":2}`, `{"a":1,"b":2}`, ` {/-  "a": 1.0,/+  "a": 1,/   "b": 2/ }`},
		"one is not":                          {"\x00{\"a\":1}", `{"a":1}`, "-\x00{\"a\":1}/+{\"a\":1}"},
		"only the white space is another":     {`{"a":1} `, `{"a":1}`, `-{"a":1} /+{"a":1}`},
		"or how a text is written, of itself": {`["\/"]`, `["/"]`, ` [/-  "\/"/+  "/"/ ]`},
	} {
		var lines []string
		for _, c := range changes(laidOut([]byte(test.a), []byte(test.b))) {
			lines = append(lines, string(c.sign)+c.text)
		}
		if got := strings.Join(lines, "/"); got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
	}
}
