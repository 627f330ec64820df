package schema

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReportOfASchemaOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := mustLoad(t, "testdata/anything.schema.json")
	tests := map[string]struct {
		value    string
		report   said
		instance string // of the refusal, if the report is empty
	}{
		"escapes in an openid are resolved":          {`{"baseinfo":{"openid":"\u0061\ud83d\ude00\n"}}`, said{OpenID: "a😀\n"}, ""},
		"escapes in keys are resolved":               {`{"b\u0061seinfo":{"open\u0069d":"u"}}`, said{OpenID: "u"}, ""},
		"a score comes along":                        {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":9007199254740993}}`, said{"u", "9007199254740993"}, ""},
		"a score that is a string is none":           {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":"7"}}`, said{OpenID: "u"}, ""},
		"a score that is no integer is none":         {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":7.5}}`, said{OpenID: "u"}, ""},
		"a battle that is no object has no score":    {`{"baseinfo":{"openid":"u"},"battleinfo":[7]}`, said{OpenID: "u"}, ""},
		"an openid of 128 characters passes":         {`{"baseinfo":{"openid":"` + strings.Repeat("漢", 128) + `"}}`, said{OpenID: strings.Repeat("漢", 128)}, ""},
		"an openid of 129 characters is refused":     {`{"baseinfo":{"openid":"` + strings.Repeat("x", 129) + `"}}`, said{}, "/baseinfo"},
		"an empty openid is refused":                 {`{"baseinfo":{"openid":""}}`, said{}, "/baseinfo"},
		"an openid that is a number is refused":      {`{"baseinfo":{"openid":7}}`, said{}, "/baseinfo"},
		"a report without an openid is refused":      {`{"baseinfo":{}}`, said{}, "/baseinfo"},
		"baseinfo of another type is refused":        {`{"baseinfo":null}`, said{}, "/baseinfo"},
		"a report without baseinfo is refused":       {`{"openid":"u"}`, said{}, ""},
		"a value that is an array is refused":        {`[{"baseinfo":{"openid":"u"}}]`, said{}, ""},
		"a value that is a string is refused":        {`"u"`, said{}, ""},
		"an openid in the wrong letters is refused":  {`{"baseinfo":{"OpenID":"u"}}`, said{}, "/baseinfo"},
		"baseinfo in the wrong letters is refused":   {`{"BaseInfo":{"openid":"u"}}`, said{}, ""},
		"a battle may stand without a score at all":  {`{"baseinfo":{"openid":"u"},"battleinfo":{}}`, said{OpenID: "u"}, ""},
		"a score of null is none":                    {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":null}}`, said{OpenID: "u"}, ""},
		"a score with an exponent is written out":    {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":1.5e3}}`, said{"u", "1500"}, ""},
		"a score of less than nothing at all is 0":   {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":-0}}`, said{"u", "0"}, ""},
		"a score below nothing keeps its minus sign": {`{"baseinfo":{"openid":"u"},"battleinfo":{"score":-5}}`, said{"u", "-5"}, ""},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			report, refusal := s.Check([]byte(test.value))
			if saidBy(report) != test.report {
				t.Errorf("got %+v, want %+v", report, test.report)
			}
			if test.report != (said{}) {
				if refusal != nil {
					t.Errorf("refused: %v", refusal)
				}
				return
			}
			if refusal == nil || refusal.Reason != SchemaViolation || len(refusal.Violations) != 1 {
				t.Fatalf("got %v, want one schema violation", refusal)
			}
			if v := refusal.Violations[0]; v.Instance != test.instance || v.Keyword != "/required" {
				t.Errorf("got instance %q, keyword %q; want %q, /required", v.Instance, v.Keyword, test.instance)
			}
			isOneLine(t, refusal.Detail, maxDetail)
		})
	}
}

func TestCanonicalInteger(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "-0e7": "0", "0e-7": "0",
		"7": "7", "-7": "-7", "100": "100",
		"1e3": "1000", "1E+3": "1000", "1e0": "1", "1e003": "1000", "-1e3": "-1000",
		"1.0": "1", "1.50e1": "15", "1.5e3": "1500", "-1.5e1": "-15", "12.5e-0": "",
		"100e-2": "1", "100e-3": "", "0.01e2": "1", "0.010e4": "100", "0.001e2": "",
		"0.5": "", "1e-1": "", "1.05": "", "-0.5": "",
		"9007199254740993":              "9007199254740993",
		"9007199254740993.000":          "9007199254740993",
		"123456789012345678901234567.8": "",
		"1e1024":                        "1" + strings.Repeat("0", 1024),
	} {
		if got := canonicalInteger(number); got != want {
			t.Errorf("canonicalInteger(%s) = %q, want %q", number, got, want)
		}
	}
}

func TestCanonicalIntegerAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20}0{0,20})?`).Draw(t, "mantissa")
		if rapid.Bool().Draw(t, "with exponent") {
			number += fmt.Sprintf("e%d", rapid.IntRange(-40, 40).Draw(t, "exponent"))
		}
		exact, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("not a number: %s", number)
		}
		want := ""
		if exact.IsInt() {
			want = exact.Num().String()
		}
		if got := canonicalInteger(number); got != want {
			t.Fatalf("canonicalInteger(%s) = %q, want %q", number, got, want)
		}
	})
}

// TestAReportHoldsWhateverIsCheckedNext has scanners used again, with and without known shapes.
func TestAReportHoldsWhateverIsCheckedNext(t *testing.T) {
	s := mustLoad(t, "builtin:any")
	const text = `{"baseinfo":{"openid":"\u00%x\u00%[1]x","platid":0},"battleinfo":{"score":%d.0e1}}`
	var reports []Report
	for i := range 20 {
		report, refusal := s.Check(fmt.Appendf(nil, text, 'a'+i, i))
		if refusal != nil {
			t.Fatal(refusal)
		}
		reports = append(reports, report)
	}
	for i, report := range reports {
		if got, want := saidBy(report), (said{strings.Repeat(string(rune('a'+i)), 2), strconv.Itoa(10 * i)}); got != want {
			t.Errorf("report %d is %v now, want %v", i, got, want)
		}
	}
}
