package schema

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCheckRefusesInOrder(t *testing.T) {
	t.Parallel()
	padded := func(n int) string { // a good report of n bytes
		return event + strings.Repeat(" ", n-len(event))
	}
	deep := func(levels int) string { // a good report, the report itself being the first level
		return `{"x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "," + event[1:]
	}
	tests := map[string]struct {
		limits Limits
		value  string
		reason Reason // "" if the value is to pass
		detail string
	}{
		"64 KiB pass by default":                      {Limits{}, padded(64 << 10), "", ""},
		"a byte more is too large":                    {Limits{}, padded(64<<10 + 1), TooLarge, "65537 bytes, 65536 are allowed"},
		"a limit of one's own holds":                  {Limits{MaxBytes: 100}, event, TooLarge, fmt.Sprintf("%d bytes, 100 are allowed", len(event))},
		"size comes before syntax":                    {Limits{MaxBytes: 1}, "not JSON", TooLarge, "8 bytes, 1 are allowed"},
		"64 levels pass by default":                   {Limits{}, deep(64), "", ""},
		"a level more is no JSON for us":              {Limits{}, deep(65), InvalidJSON, "nested more than 64 levels deep, at byte 68"},
		"a limit of levels of one's own holds":        {Limits{MaxDepth: 1}, event, InvalidJSON, "nested more than 1 levels deep, at byte 12"},
		"an empty value is no JSON":                   {Limits{}, "", InvalidJSON, "nothing but white space, or nothing at all, at byte 0"},
		"a Schema Registry header is named":           {Limits{}, "\x00\x00\x01\x86\xa0" + event, InvalidJSON, "begins with a Schema Registry header (schema 100000): producers must write plain JSON"},
		"what is only like one is called so":          {Limits{}, "\x00\x00\x00\x00\x07\x00\x02o1", InvalidJSON, "begins like a Schema Registry header (schema 7): producers must write plain JSON"},
		"a zero byte is named":                        {Limits{}, "\x00" + event, InvalidJSON, "begins with a zero byte, at byte 0"},
		"UTF-16 is named":                             {Limits{}, "{\x00\"\x00", InvalidJSON, "it is UTF-16LE: producers must write plain JSON in UTF-8"},
		"what is packed is named":                     {Limits{}, "\x1f\x8b\x08\x00", InvalidJSON, "it is gzip: producers must write plain JSON in UTF-8"},
		"syntax comes before the schema":              {Limits{}, `{"baseinfo":1`, InvalidJSON, "the JSON text is cut off, at byte 13"},
		"a key twice is no JSON for us":               {Limits{}, `{"x":1,"x":1,` + event[1:], InvalidJSON, `key "x" stands twice in one object, at byte 7`},
		"a schema's first word is the detail":         {Limits{}, `{"baseinfo":{"openid":"u","platid":"0"},"battleinfo":{}}`, SchemaViolation, "/baseinfo/platid: expected integer, but got string"},
		"a schema's other words are counted":          {Limits{}, `{"baseinfo":{"openid":"u","platid":2},"battleinfo":{"score":"","iswin":0}}`, SchemaViolation, `/baseinfo/platid: must be <= 1 but found 2 (and 2 more)`},
		"a word about the whole value has no place":   {Limits{}, `{"battleinfo":{}}`, SchemaViolation, "missing properties: 'baseinfo'"},
		"a 60,000 digit number is no JSON for us":     {Limits{}, `{"x":` + strings.Repeat("9", 60_000) + "}", InvalidJSON, "a number of more than 1024 bytes, at byte 5"},
		"a number like 1e999999999 is no JSON for us": {Limits{}, `{"x":1e999999999}`, InvalidJSON, "an exponent beyond 1024, at byte 5"},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s, err := Load("builtin:any", test.limits)
			if err != nil {
				t.Fatal(err)
			}
			value := []byte(test.value)
			report, refusal := s.Check(value)
			if string(value) != test.value {
				t.Error("the value was changed")
			}
			if test.reason == "" {
				if refusal != nil {
					t.Fatalf("refused: %v", refusal)
				}
				return
			}
			if refusal == nil {
				t.Fatal("accepted")
			}
			if saidBy(report) != (said{}) {
				t.Errorf("refused, but reported as %+v", report)
			}
			if refusal.Reason != test.reason || refusal.Detail != test.detail {
				t.Errorf("got %q\nwant %q: %q", refusal.Error(), test.reason, test.detail)
			}
			if (refusal.Reason == SchemaViolation) != (len(refusal.Violations) > 0) {
				t.Errorf("%d violations with reason %q", len(refusal.Violations), refusal.Reason)
			}
		})
	}
}

func TestCheckLeavesToTheValidatorWhatIsNotStreamed(t *testing.T) {
	t.Parallel()
	name := filepath.Join(write(t, map[string]string{
		"own.json": `{"properties":{"list":{"uniqueItems":true},"number":{"maximum":1e19}}}`,
	}), "own.json")
	s := mustLoad(t, name)
	for value, want := range map[string]string{
		`"list":[1,2]`:                    "",
		`"list":[1,2,1.0]`:                "/list: items at index 0 and 2 are equal",
		`"number":9999999999999999999.9`:  "",
		`"number":10000000000000000000.1`: "/number: must be <= 1e+19 but found 10000000000000000000.1",
	} {
		report, refusal := s.Check([]byte(`{"baseinfo":{"openid":"u"},` + value + `}`))
		if want == "" {
			if refusal != nil || string(report.OpenID) != "u" {
				t.Errorf("%s: got %+v, %v", value, report, refusal)
			}
			continue
		}
		if refusal == nil || refusal.Detail != want {
			t.Errorf("%s: got %v, want %q", value, refusal, want)
		}
	}
}

func TestValidateSaysWhatCheckDoesButForTheOpenID(t *testing.T) {
	t.Parallel()
	s := mustLoad(t, filepath.Join(write(t, map[string]string{"own.json": `{"type":["integer","object"],"required":["a"]}`}), "own.json"))
	for value, want := range map[string]Reason{
		`7`:                                     "",
		`{"a":1}`:                               "",
		`{"a":1,"baseinfo":{"openid":""}}`:      "",
		`{"a":1,"baseinfo":{"openid":"u"}}`:     "",
		`{"baseinfo":{"openid":"u"}}`:           SchemaViolation,
		`"7"`:                                   SchemaViolation,
		`{"a":1,"a":1}`:                         InvalidJSON,
		`[` + strings.Repeat(" ", 64<<10) + `]`: TooLarge,
	} {
		refusal := s.Validate([]byte(value))
		if got := reasonOf(refusal); got != want {
			t.Errorf("%.80s: got %q, want %q", value, got, want)
		}
		report, checked := s.Check([]byte(value))
		switch {
		case want != "":
			if reasonOf(checked) != want {
				t.Errorf("%.80s: got %v, but of Check %v", value, refusal, checked)
			}
		case (checked == nil) != (string(report.OpenID) == "u"):
			t.Errorf("%.80s: Check says %+v, %v", value, report, checked)
		}
	}
}

// reasonOf returns "" for no refusal.
func reasonOf(r *Refusal) Reason {
	if r == nil {
		return ""
	}
	return r.Reason
}

func TestCheckIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := mustLoad(t, "builtin:any")
	good, bad := []byte(event), []byte(strings.Replace(event, `"platid":0`, `"platid":2`, 1))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, refusal := s.Check(good); refusal != nil {
					t.Errorf("a good record refused: %v", refusal)
				}
				if _, refusal := s.Check(bad); refusal == nil || len(refusal.Violations) != 1 {
					t.Errorf("a bad record: got %v, want one violation", refusal)
				}
			}
		})
	}
	all.Wait()
}

func TestLimitsOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	for rule, limits := range map[string]Limits{
		"a size below nothing":   {MaxBytes: -1},
		"a depth below nothing":  {MaxDepth: -1},
		"a depth beyond a stack": {MaxDepth: 1001},
	} {
		if _, err := Load("builtin:any", limits); err == nil {
			t.Errorf("%s is accepted", rule)
		}
	}
	if _, err := Load("builtin:any", DefaultLimits()); err != nil {
		t.Error(err)
	}
}

func TestStringsThatHoldJSONAreNotLookedInto(t *testing.T) {
	t.Parallel()
	s := mustLoad(t, "testdata/content.schema.json")
	// In the validator's hands this number would end the process; somewhat smaller ones would take seconds.
	if _, refusal := s.Check([]byte(`{"baseinfo":{"openid":"u"},"json":"1e9999999","base64":"MWU5OTk5OTk5"}`)); refusal != nil {
		t.Errorf("refused: %v", refusal)
	}
}

func TestValidatorThatPanicsCostsOneRecordOnly(t *testing.T) {
	t.Parallel()
	err := validate(nil, map[string]any{}) // no schema at all stands for a bug in the validator
	if err == nil {
		t.Fatal("no error")
	}
	refusal := refuseViolations(violationsOf(err, nil))
	if len(refusal.Violations) != 1 {
		t.Errorf("%d violations, want 1", len(refusal.Violations))
	}
	isBounded(t, refusal)
}
