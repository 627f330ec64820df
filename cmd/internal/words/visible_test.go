package words

import (
	"strconv"
	"strings"
	"testing"

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
