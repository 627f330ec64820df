package words

import (
	"strings"
	"testing"
)

func TestALineIsBrokenBetweenWordsWhereItDoesNotFit(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":               "",
		"fits  as it is": "fits  as it is",
		"these are the newest 50: --limit 0 lists all": "these are the\nnewest 50:\n--limit 0 lists\nall",
		"a-word-that-is-longer than that":              "a-word-that-is-longer\nthan that",
	} {
		if got := Fit(line, 15); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", line, got, want)
		}
		if got := Fit(line, 0); strings.Contains(got, "\n") {
			t.Errorf("where nothing limits it: %q", got)
		}
	}
}
