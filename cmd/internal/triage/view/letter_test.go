package view

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/schema"
)

func shownLetter(t testing.TB, l triage.Letter, style Style, full bool) string {
	t.Helper()
	var b strings.Builder
	if err := Letter(&b, style, &l, full); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checked is a letter with the value given and what the built-in schema has against it.
func checked(t *testing.T, text string) *deadletter.Entry {
	t.Helper()
	s, err := schema.Load("builtin:any", schema.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, refusal := s.Check([]byte(text))
	if refusal == nil {
		t.Fatalf("%s is valid", text)
	}
	e := triagetest.Letter(triagetest.Value(text))
	e.Letter.Reason, e.Letter.Detail = deadletter.Reason(refusal.Reason), refusal.Detail
	for _, v := range refusal.Violations {
		e.Letter.Violations = append(e.Letter.Violations, deadletter.Violation(v))
	}
	return e
}

func TestALetterIsShown(t *testing.T) {
	t.Parallel()
	long := `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"rounds":[` + strings.Repeat(`{"n":1},`, 200) + `{"n":2}]},"userdefined":{"x":{"value":true}}}`
	tests := map[string]triage.Letter{
		"violations.txt": {Entry: *checked(t, `{"baseinfo":{"openid":"\u0001","platid":"1","level":12345678901234567890.5},"battleinfo":{"score":"三国","iswin":1,"note":"`+"\u202e\u009b"+`"},"userdefined":{"a/b~c":{"value":1}}}`)},
		"long.txt":       {Entry: *checked(t, long)},
		"truncated.txt":  {Entry: *checked(t, `{"baseinfo":{"openid":"o1","platid":1,"gamename":"ロイヤルバトル","partitionid":"13"},"battleinfo":{"score":1`)},
		"control.txt":    {Entry: *checked(t, "{\"baseinfo\":\n{\"openid\":\"\x1b[31m\"")},
		"rejected.txt": {
			Entry: *triagetest.Letter(triagetest.Refuse, func(e *deadletter.Entry) {
				e.State, e.Letter.Replays, e.Letter.Delivery = deadletter.Replayed, 2, deadletter.Uncertain
				e.Letter.Previous = deadletter.Name{Topic: "battle-reports.dlq", Partition: 3, Offset: 77}
				e.Letter.Headers = append(e.Letter.Headers, consumer.Header{Key: "trace\x07", Value: []byte("\xff\n")})
			}),
			BaseURL: "https://msdk.tencent-cloud.net",
			History: []deadletter.Resolution{
				{State: deadletter.Discarded, Time: triagetest.Noon.Add(-time.Hour), By: "ada@ops", Run: "r1", Because: "a test\x1b"},
				{State: deadletter.Replayed, Time: triagetest.Noon.Add(-time.Second), By: "ada@ops", Run: "r2", Topic: "battle-reports.replay", Repaired: true},
			},
		},
		"foreign.txt": {Entry: *triagetest.Letter(triagetest.Foreign, triagetest.Value("hello\x00"))},
		"omitted.txt": {Entry: *triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Value, e.Letter.Omitted.Value = nil, true })},
		"null.txt":    {Entry: *triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Value, e.Letter.Key, e.Letter.Headers = nil, nil, nil })},
	}
	for name, l := range tests {
		triagetest.Golden(t, name, shownLetter(t, l, Style{Now: triagetest.Noon, Width: 80}, false))
	}
}

func TestATimeIsShownWithHowLongAgoItWasIfSomebodyCanHaveMeantIt(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"came from  battle-reports/3/99000, no time\n":                                            {},
		"came from  battle-reports/3/99000, 1970-01-22 01:34:23.200 CST (nobody can mean that)\n": time.UnixMilli(1791263200),
		"came from  battle-reports/3/99000, 2026-11-22 11:00:00.000 CST (1h ago)\n":               triagetest.Noon.Add(-time.Hour),
		"came from  battle-reports/3/99000, 2026-11-22 13:00:00.000 CST (in 1h)\n":                triagetest.Noon.Add(time.Hour),
	} {
		text := shownLetter(t, triage.Letter{Entry: *triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Source.Time = at })}, Style{Now: triagetest.Noon}, false)
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant in it\n%s", text, want)
		}
	}
	text := shownLetter(t, triage.Letter{Entry: *triagetest.Letter(triagetest.Foreign, triagetest.At(time.Time{}))}, Style{Now: triagetest.Noon}, false)
	if want := "written    no time\n"; !strings.Contains(text, want) {
		t.Errorf("%s\nwant in it\n%s", text, want)
	}
}

func TestALongValueIsShownInFullIfAsked(t *testing.T) {
	t.Parallel()
	l := triage.Letter{Entry: *triagetest.Letter(triagetest.Value("[" + strings.Repeat("1,", 5000) + "2]"))}
	if short := strings.Count(shownLetter(t, l, Style{Now: triagetest.Noon, Width: 80}, false), "\n"); short > shownLines {
		t.Errorf("%d lines", short)
	}
	if full := strings.Count(shownLetter(t, l, Style{Now: triagetest.Noon, Width: 80}, true), "\n"); full < 5000 {
		t.Errorf("%d lines of more than 5000", full)
	}
}

// Whatever JSON Pointer a value has, its place holds the part it leads to.
func TestPlacesAreThoseOfTheParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := jsonValue(3).Draw(t, "value")
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		laid := indented(text)
		parts := map[string]any{}
		flatten(v, "", parts)
		var pointers []string
		for p := range parts {
			pointers = append(pointers, p, p+"/none/at/all")
		}
		found := places(laid, pointers)
		for p, part := range parts {
			at, ok := found[p]
			if !ok || found[p+"/none/at/all"] != at {
				t.Fatalf("%q of %s is at %v, what is missing in it at %v", p, laid, at, found[p+"/none/at/all"])
			}
			want, _ := json.Marshal(part)
			if want[0] == '{' || want[0] == '[' {
				want = want[:1]
			}
			if got := string(laid[at.from:at.to]); got != string(want) {
				t.Fatalf("at %q of %s is %s, want %s", p, laid, got, want)
			}
		}
	})
}

func jsonValue(depth int) *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.IntRange(-5, 5), func(n int) any { return n }), rapid.Map(rapid.String(), func(s string) any { return s }),
	)
	if depth == 0 {
		return scalar
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return jsonValue(depth - 1) })
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "", "a/b", "~", "ö\n", "0"}), inner, 0, 3), func(m map[string]any) any { return m }),
	)
}

func flatten(v any, pointer string, out map[string]any) {
	out[pointer] = v
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			flatten(item, fmt.Sprintf("%s/%d", pointer, i), out)
		}
	case map[string]any:
		for key, item := range v {
			flatten(item, pointer+"/"+escaped.Replace(key), out)
		}
	}
}

// Whatever lies in a topic: showing it ends, keeps to the width, and writes nothing that a terminal takes for more than
// text.
func FuzzShow(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}]}`), []byte("o1"), "/a/1/b", "is wrong", 80)
	f.Add([]byte("{\"a\":\x1b"), []byte("\x9b31m"), "a", "\x1b, at byte 5", 20)
	f.Add([]byte("三国\xe6\x88"), []byte(nil), "/0", "not a JSON value, at byte 4", 17)
	f.Fuzz(func(t *testing.T, value, key []byte, pointer, message string, width int) {
		width = 30 + int(uint(width)%200)
		e := triagetest.Letter(triagetest.Violating(pointer, pointer, message))
		e.Letter.Key, e.Letter.Value, e.Letter.Detail, e.Letter.Route = key, value, message, message
		e.Letter.Headers = []consumer.Header{{Key: message, Value: value}}
		for _, reason := range []deadletter.Reason{deadletter.SchemaViolation, deadletter.InvalidJSON} {
			e.Letter.Reason = reason
			style := Style{Now: triagetest.Noon, Width: width}
			text := shownLetter(t, triage.Letter{Entry: *e}, style, false)
			var b strings.Builder
			table := NewTable(&b, style)
			_ = table.Add(e)
			_ = table.Close()
			replay := resolve.Replay{Entry: *e, Value: key, Repaired: true}
			_ = Diff(&b, style, &replay)
			for _, r := range text + b.String() {
				if r != '\n' && words.Visible(string(r)) != string(r) {
					t.Fatalf("%q in %q", r, text+b.String())
				}
			}
		}
	})
}
