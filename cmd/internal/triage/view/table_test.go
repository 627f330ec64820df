package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter"
)

func shownTable(t *testing.T, style Style, letters ...*deadletter.Entry) string {
	t.Helper()
	var b strings.Builder
	table := NewTable(&b, style)
	for _, e := range letters {
		if err := table.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func various() []*deadletter.Entry {
	return []*deadletter.Entry{
		triagetest.Letter(triagetest.Refuse),
		triagetest.Letter(triagetest.Platid, triagetest.At(triagetest.Noon.Add(-25*time.Hour)), triagetest.Player("三国战纪"), func(e *deadletter.Entry) { e.Letter.AppID = "wx4ba1a8d1c8b2b0e5" }),
		triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Delivery, e.Letter.Attempts = deadletter.Uncertain, 7 }),
		triagetest.Letter(triagetest.Foreign, triagetest.Player("\x1b[2J")),
		triagetest.Letter(triagetest.Player("")),
		triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Omitted.Key = true }),
	}
}

func TestATableIsShown(t *testing.T) {
	t.Parallel()
	triagetest.Golden(t, "table-80.txt", shownTable(t, Style{Now: triagetest.Noon, Width: 80}, various()...))
	triagetest.Golden(t, "table-120.txt", shownTable(t, Style{Now: triagetest.Noon, Width: 120}, various()...))
	triagetest.Golden(t, "table-pipe.txt", shownTable(t, Style{Now: triagetest.Noon}, various()...))
}

func TestALetterWithoutATimeHasNoneInATable(t *testing.T) {
	t.Parallel()
	none := triagetest.Letter(triagetest.At(time.Time{}))
	for _, width := range []int{0, 120} {
		_, row, _ := strings.Cut(shownTable(t, Style{Now: triagetest.Noon, Width: width}, none), "\n")
		if got := strings.Fields(row); got[1] != "-" {
			t.Errorf("its time is %q", got[1])
		}
	}
}

func TestATableFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for width := 40; width < 250; width += 7 {
		if text := shownTable(t, Style{Now: triagetest.Noon, Width: width}, various()...); widest(text) > width {
			t.Errorf("%d columns on %d:\n%s", widest(text), width, text)
		}
	}
}

func TestATableLeavesOutColumnsThatSayNothingButOnlyOfAllItsRows(t *testing.T) {
	t.Parallel()
	discarded := triagetest.Letter(func(e *deadletter.Entry) { e.State = deadletter.Discarded })
	heading := func(text string) string {
		first, _, _ := strings.Cut(text, "\n")
		return strings.Join(strings.Fields(first), " ")
	}
	wide := Style{Now: triagetest.Noon, Width: 200}
	same := make([]*deadletter.Entry, tableRows)
	for i := range same {
		same[i] = triagetest.Letter()
	}
	for rule, test := range map[string]struct {
		style   Style
		letters []*deadletter.Entry
		want    string
	}{
		"no letters, no table":                   {wide, nil, ""},
		"letters alike":                          {wide, []*deadletter.Entry{triagetest.Letter(), triagetest.Letter()}, "NAME TIME REASON DETAIL"},
		"of several players":                     {wide, []*deadletter.Entry{triagetest.Letter(), triagetest.Letter(triagetest.Player("o2"))}, "NAME TIME REASON PLAYER DETAIL"},
		"with an answer of the platform":         {wide, []*deadletter.Entry{triagetest.Letter(triagetest.Refuse)}, "NAME TIME REASON RET DETAIL"},
		"that are not pending":                   {wide, []*deadletter.Entry{discarded}, "NAME TIME STATE REASON DETAIL"},
		"of which more come than can be awaited": {wide, append(same, discarded), "NAME TIME STATE REASON APP RET PLAYER DETAIL"},
		"in a pipe":                              {Style{Now: triagetest.Noon}, []*deadletter.Entry{triagetest.Letter()}, "NAME TIME STATE REASON APP RET PLAYER DETAIL"},
	} {
		if got := heading(shownTable(t, test.style, test.letters...)); got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
	}
}

func TestARowPerLetter(t *testing.T) {
	t.Parallel()
	var many []*deadletter.Entry
	for i := range tableRows + 7 {
		many = append(many, triagetest.Letter(func(e *deadletter.Entry) { e.Name.Offset = int64(i) }))
	}
	lines := strings.Split(shownTable(t, Style{Now: triagetest.Noon, Width: 100}, many...), "\n")
	if len(lines) != len(many)+2 {
		t.Fatalf("%d lines for %d letters", len(lines), len(many))
	}
	for i := range many {
		if want := fmt.Sprintf("battle-reports.dlq/3/%d ", i); !strings.HasPrefix(lines[i+1], want) {
			t.Fatalf("line %d is %q, want %s", i, lines[i+1], want)
		}
	}
}
