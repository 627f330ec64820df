package letters

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

func shownTable(t *testing.T, v View, letters ...*deadletter.Entry) string {
	t.Helper()
	var b strings.Builder
	table := NewTable(&b, v)
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
		letter(refuse),
		letter(platid, at(noon.Add(-25*time.Hour)), player("三国战纪"), func(e *deadletter.Entry) { e.Letter.AppID = "wx4ba1a8d1c8b2b0e5" }),
		letter(func(e *deadletter.Entry) { e.Letter.Delivery, e.Letter.Attempts = deadletter.Uncertain, 7 }),
		letter(foreign, player("\x1b[2J")),
		letter(player("")),
		letter(func(e *deadletter.Entry) { e.Letter.Omitted.Key = true }),
	}
}

func TestATableIsShown(t *testing.T) {
	t.Parallel()
	golden(t, "table-80.txt", shownTable(t, View{Now: noon, Width: 80}, various()...))
	golden(t, "table-120.txt", shownTable(t, View{Now: noon, Width: 120}, various()...))
	golden(t, "table-pipe.txt", shownTable(t, View{Now: noon}, various()...))
}

func TestATableFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for width := 40; width < 250; width += 7 {
		if text := shownTable(t, View{Now: noon, Width: width}, various()...); widest(text) > width {
			t.Errorf("%d columns on %d:\n%s", widest(text), width, text)
		}
	}
}

func TestATableLeavesOutColumnsThatSayNothingButOnlyOfAllItsRows(t *testing.T) {
	t.Parallel()
	discarded := letter(func(e *deadletter.Entry) { e.State = deadletter.Discarded })
	heading := func(text string) string {
		first, _, _ := strings.Cut(text, "\n")
		return strings.Join(strings.Fields(first), " ")
	}
	wide := View{Now: noon, Width: 200}
	same := make([]*deadletter.Entry, tableRows)
	for i := range same {
		same[i] = letter()
	}
	for rule, test := range map[string]struct {
		view    View
		letters []*deadletter.Entry
		want    string
	}{
		"no letters, no table":                   {wide, nil, ""},
		"letters alike":                          {wide, []*deadletter.Entry{letter(), letter()}, "NAME TIME REASON DETAIL"},
		"of several players":                     {wide, []*deadletter.Entry{letter(), letter(player("o2"))}, "NAME TIME REASON PLAYER DETAIL"},
		"with an answer of the platform":         {wide, []*deadletter.Entry{letter(refuse)}, "NAME TIME REASON RET DETAIL"},
		"that are not pending":                   {wide, []*deadletter.Entry{discarded}, "NAME TIME STATE REASON DETAIL"},
		"of which more come than can be awaited": {wide, append(same, discarded), "NAME TIME STATE REASON APP RET PLAYER DETAIL"},
		"in a pipe":                              {View{Now: noon}, []*deadletter.Entry{letter()}, "NAME TIME STATE REASON APP RET PLAYER DETAIL"},
	} {
		if got := heading(shownTable(t, test.view, test.letters...)); got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
	}
}

func TestARowPerLetter(t *testing.T) {
	t.Parallel()
	var many []*deadletter.Entry
	for i := range tableRows + 7 {
		many = append(many, letter(func(e *deadletter.Entry) { e.Name.Offset = int64(i) }))
	}
	lines := strings.Split(shownTable(t, View{Now: noon, Width: 100}, many...), "\n")
	if len(lines) != len(many)+2 {
		t.Fatalf("%d lines for %d letters", len(lines), len(many))
	}
	for i := range many {
		if want := fmt.Sprintf("battle-reports.dlq/3/%d ", i); !strings.HasPrefix(lines[i+1], want) {
			t.Fatalf("line %d is %q, want %s", i, lines[i+1], want)
		}
	}
}
