package letters

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWhatDoesNotPrintIsShownAsAnEscape(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"plain text stays":                      {"score=1200; win", "score=1200; win"},
		"so do other scripts and symbols":       {"ロイヤルバトル 三国战纪 é 🏆", "ロイヤルバトル 三国战纪 é 🏆"},
		"a terminal's sequences do not":         {"\x1b]0;title\x07\x1b[31m", `\u001b]0;title\u0007\u001b[31m`},
		"nor their forms of one character":      {"\u009b31m\u0085", `\u009b31m\u0085`},
		"line breaks and tabs have short names": {"a\r\n\tb", `a\r\n\tb`},
		"text that would be turned around":      {"a\u202egnp.exe\u2066", `a\u202egnp.exe\u2066`},
		"what has no width":                     {"a\u200bb\ufeff", `a\u200bb\ufeff`},
		"bytes that are no UTF-8":               {"a\xff\xe6\x88b", `a\xff\xe6\x88b`},
		"a replacement character is one":        {"\uFFFD", "\uFFFD"},
		"characters beyond the first plane":     {"\U000E0041", `\u{e0041}`},
		"no text":                               {"", ""},
	}
	for rule, test := range tests {
		if got := Visible(test.text); got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
	}
}

func TestVisibleTextPrintsAndIsCutToAWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		shown := Visible(text)
		for _, r := range shown {
			if !strconv.IsPrint(r) {
				t.Fatalf("%q has %q", shown, r)
			}
		}
		if again := Visible(shown); again != shown {
			t.Fatalf("%q becomes %q", shown, again)
		}
		width := rapid.IntRange(0, 20).Draw(t, "width")
		cut := Cut(shown, width)
		if Width(cut) > width {
			t.Fatalf("%q takes %d columns of %d", cut, Width(cut), width)
		}
		if beginning, was := strings.CutSuffix(cut, "…"); cut != shown && cut != "" && (!was || !strings.HasPrefix(shown, beginning)) {
			t.Fatalf("%q is cut to %q", shown, cut)
		}
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, test := range []struct{ got, want string }{
		{Grouped(0), "0"},
		{Grouped(999), "999"},
		{Grouped(1000), "1,000"},
		{Grouped(-1234567), "-1,234,567"},
		{Number(1, "letter"), "1 letter"},
		{Number(0, "letter"), "0 letters"},
		{Number(int64(2000), "letter"), "2,000 letters"},
		{Span(0), "0s"},
		{Span(-time.Second), "0s"},
		{Span(59*time.Second + 999*time.Millisecond), "59s"},
		{Span(2 * time.Hour), "2h"},
		{Span(2*time.Hour + 5*time.Minute + 7*time.Second), "2h 5m"},
		{Span(30*day + 5*time.Minute), "30d"},
		{Share(0, 0), "-"},
		{Share(0, 5), "0%"},
		{Share(5, 5), "100%"},
		{Share(1, 3), "33.3%"},
		{Share(1, 100_000), "<0.1%"},
		{Share(99_999, 100_000), ">99.9%"},
		{clock(noon, noon, false), "12:00"},
		{clock(noon.UTC(), noon, true), "12:00:00"},
		{clock(noon.Add(-13*time.Hour), noon, false), "Nov 21 23:00"},
		{clock(noon.AddDate(-1, 0, 0), noon, false), "2025-11-22 12:00"},
		{bar(1, 2, 4), "██"},
		{bar(1, 1_000_000, 4), "▏"},
		{bar(1, 2, 0), ""},
		{strings.Join(wrap("one two three  four", 9), "|"), "one two|three|four"},
		{strings.Join(wrap("", 9), "|"), ""},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
