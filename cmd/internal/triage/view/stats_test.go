package view

import (
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

func shownStats(t *testing.T, s triage.Stats, style Style) string {
	t.Helper()
	var b strings.Builder
	if err := Stats(&b, style, &s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func counted(letters ...*deadletter.Entry) triage.Stats {
	c := triage.NewCounter()
	for _, e := range letters {
		c.Add(e)
	}
	return c.Stats(triagetest.Noon)
}

func TestStatsAreShown(t *testing.T) {
	t.Parallel()
	s := counted(triagetest.Incident()...)
	triagetest.Golden(t, "stats-80.txt", shownStats(t, s, Style{Now: triagetest.Noon, Width: 80}))
	triagetest.Golden(t, "stats-120.txt", shownStats(t, s, Style{Now: triagetest.Noon, Width: 120}))
	triagetest.Golden(t, "stats-pipe.txt", shownStats(t, s, Style{Now: triagetest.Noon}))
}

func TestStatsFitAnyTerminal(t *testing.T) {
	t.Parallel()
	s := counted(triagetest.Incident()...)
	for width := 40; width < 250; width += 7 {
		if text := shownStats(t, s, Style{Now: triagetest.Noon, Width: width}); widest(text) > width {
			t.Errorf("%d columns on %d:\n%s", widest(text), width, text)
		}
	}
}

func TestTheVerdictIsWhatToKnowFirst(t *testing.T) {
	t.Parallel()
	state := func(s deadletter.State) func(*deadletter.Entry) { return func(e *deadletter.Entry) { e.State = s } }
	tests := map[string]struct {
		letters []*deadletter.Entry
		want    string
	}{
		"none": {nil, "No letters."},
		"one": {
			[]*deadletter.Entry{triagetest.Letter(triagetest.Refuse)},
			"1 letter is pending, of 1 player.\nIt came at 11:59:00 (1m ago); it is rejected, ret -1011, app " + triagetest.App + ".",
		},
		"several at once, and none since": {
			[]*deadletter.Entry{triagetest.Letter(triagetest.Refuse, triagetest.At(triagetest.Noon.Add(-25*time.Hour))), triagetest.Letter(triagetest.Refuse, triagetest.At(triagetest.Noon.Add(-25*time.Hour)))},
			"2 letters are pending, of 1 player.\nThey came from Nov 21 11:00 to Nov 21 11:00, the last 1d 1h ago; all are rejected, ret -1011, app " + triagetest.App + ".",
		},
		"letters of several states": {
			[]*deadletter.Entry{triagetest.Letter(state(deadletter.Discarded)), triagetest.Letter(), triagetest.Letter()},
			"3 letters: 2 pending, 1 discarded, of 1 player.\nThey have been coming since 11:59:00 (1m ago); all are exhausted, app " + triagetest.App + ".",
		},
		"records that are none": {
			[]*deadletter.Entry{triagetest.Letter(triagetest.Foreign)},
			"1 letter is pending, of 0 players.\nIt came at 11:59:00 (1m ago); it is foreign.",
		},
		"what a record says cannot steer the terminal": {
			[]*deadletter.Entry{triagetest.Letter(triagetest.Violating("/\x1b[2J", "/k", "\u202egnorw"), func(e *deadletter.Entry) { e.Letter.AppID = "\x07" })},
			"1 letter is pending, of 1 player.\nIt came at 11:59:00 (1m ago); it is schema_violation /\\u001b[2J: \\u202egnorw, app \\u0007.",
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := counted(test.letters...)
			if got := strings.Join(verdict(&s, Style{Now: triagetest.Noon, Width: 400}), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestABarIsAsLongAsItsPart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ got, want string }{
		{bar(1, 2, 4), "██"},
		{bar(1, 1_000_000, 4), "▏"},
		{bar(1, 2, 0), ""},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestTimesThatNobodyCanMeanFitATerminal(t *testing.T) {
	t.Parallel()
	var letters []*deadletter.Entry
	for _, when := range []time.Time{time.Unix(0, 0), triagetest.Noon, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		letters = append(letters, triagetest.Letter(triagetest.At(when)))
	}
	if text := shownStats(t, counted(letters...), Style{Now: triagetest.Noon, Width: 80}); widest(text) > 80 {
		t.Errorf("%d columns:\n%s", widest(text), text)
	}
}

func TestLettersWithoutATimeAreCountedAndNotDrawn(t *testing.T) {
	t.Parallel()
	none := triagetest.Letter(triagetest.At(time.Time{}))
	for want, letters := range map[string][]*deadletter.Entry{
		"1 letter is pending, of 1 player.\nWhen they came is not known.\n":         {none},
		"OVER TIME\n  2 letters without a time, or with one that nobody can mean\n": {none, none},
		"  1 letter without a time, or with one that nobody can mean\n":             {none, triagetest.Letter()},
	} {
		text := shownStats(t, counted(letters...), Style{Now: triagetest.Noon, Width: 80})
		if !strings.Contains(text, want) || strings.Contains(text, "19") || strings.Contains(text, "0001") {
			t.Errorf("%s\nwant in it\n%s", text, want)
		}
	}
}

// widest returns the width of the widest line.
func widest(text string) (most int) {
	for line := range strings.Lines(text) {
		most = max(most, words.Width(strings.TrimSuffix(line, "\n")))
	}
	return most
}
