package triage

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestANumberThatLostDigitsIsRounded(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ before, after, want string }{
		"digits that a float64 does not hold":       {`{"a":12345678901234567890}`, `{"a":12345678901234567000}`, "/a was 12345678901234567890 and is 12345678901234567000"},
		"from 2^53 on":                              {`9007199254740993`, `9007199254740992`, " was 9007199254740993 and is 9007199254740992"},
		"of a negative number":                      {`[-9007199254740993]`, `[-9007199254740992.0]`, "/0 was -9007199254740993 and is -9007199254740992.0"},
		"of a fraction":                             {`{"a":{"b/c":[1,0.1234567890123456789]}}`, `{"a":{"b/c":[1,0.12345678901234568]}}`, "/a/b~1c/1 was 0.1234567890123456789 and is 0.12345678901234568"},
		"of one that is too great":                  {`[1e400]`, `[1.7976931348623157e+308]`, "/0 was 1e400 and is 1.7976931348623157e+308"},
		"or too small":                              {`[1e-400]`, `[0]`, "/0 was 1e-400 and is 0"},
		"also beside what was edited":               {`{"n":12345678901234567890,"p":"1"}`, `{"p":1,"n":12345678901234567000}`, "/n was 12345678901234567890 and is 12345678901234567000"},
		"another number was edited":                 {`{"a":12345678901234567890}`, `{"a":12345678901234567}`, ""},
		"so was a nearer one, below 2^53":           {`{"a":9007199254740991}`, `{"a":9007199254740990}`, ""},
		"another writing of a number is the same":   {`[1e3,1.50,-0,100,0.010,12345678901234567890]`, `[1000,1.5,0,1.00E2,1e-2,12345678901234567890.0]`, ""},
		"nothing is":                                {`{"a":12345678901234567890}`, `{"a":12345678901234567890}`, ""},
		"a text is no number":                       {`{"a":12345678901234567890}`, `{"a":"12345678901234567000"}`, ""},
		"another place is another number":           {`{"a":12345678901234567890}`, `{"b":12345678901234567000}`, ""},
		"what is no JSON has no numbers":            {`{"a":12345678901234567890`, `{"a":12345678901234567000}`, ""},
		"a number beyond all exponents is as great": {`[1e99999999999999999999]`, `[1e99999999999999999999]`, ""},
	} {
		got := ""
		if r, found := roundingIn([]byte(test.before), []byte(test.after)); found {
			got = r.String()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
	}
}

// What a program that keeps float64 writes for a number is rounded exactly if it is another number.
func TestWhatPassesThroughAFloat64IsRoundedOrTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringMatching(`-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		var f float64
		if err := json.Unmarshal([]byte(before), &f); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(f)
		a, _ := new(big.Rat).SetString(before)
		b, _ := new(big.Rat).SetString(string(text))
		_, got := roundingIn(fmt.Appendf(nil, "[%s]", before), fmt.Appendf(nil, "[%s]", text))
		if want := a.Cmp(b) != 0; got != want {
			t.Errorf("%s as %s: rounded %v, want %v", before, text, got, want)
		}
	})
}
