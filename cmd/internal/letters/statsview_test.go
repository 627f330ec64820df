package letters

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

func shownStats(t *testing.T, s Stats, v View) string {
	t.Helper()
	var b strings.Builder
	if err := s.Write(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// incident is three days of a trickle, and two hours of a wave of something else.
func incident() *Counter {
	c := NewCounter()
	for i := range 216 {
		e := letter(player(fmt.Sprint("o", i)), at(noon.Add(-72*time.Hour+time.Duration(i)*20*time.Minute)))
		switch i % 3 {
		case 0:
			platid(e)
		case 1:
			violating("/battleinfo/rounds/3/score", "/properties/battleinfo/score", "expected integer, but got string")(e)
			violating("/battleinfo/rounds/7/score", "/properties/battleinfo/score", "expected integer, but got null")(e)
		default:
			foreign(e)
		}
		c.Add(e)
	}
	for i := range 4000 {
		e := letter(player(fmt.Sprint("p", i%1500)), refuse, at(noon.Add(-125*time.Minute+time.Duration(i)*1800*time.Millisecond)))
		if i%100 == 0 {
			e.Letter.AppID, e.Letter.Delivery = "wx4ba1a8d1c8b2b0e5", deadletter.Uncertain
		}
		c.Add(e)
	}
	return c
}

func TestStatsAreShown(t *testing.T) {
	t.Parallel()
	s := incident().Stats(noon)
	golden(t, "stats-80.txt", shownStats(t, s, View{Now: noon, Width: 80}))
	golden(t, "stats-120.txt", shownStats(t, s, View{Now: noon, Width: 120}))
	golden(t, "stats-pipe.txt", shownStats(t, s, View{Now: noon}))
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "stats.json", string(text))
}

func TestStatsFitAnyTerminal(t *testing.T) {
	t.Parallel()
	s := incident().Stats(noon)
	for width := 40; width < 250; width += 7 {
		if text := shownStats(t, s, View{Now: noon, Width: width}); widest(text) > width {
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
			[]*deadletter.Entry{letter(refuse)},
			"1 letter is pending, of 1 player.\nIt came at 11:59:00 (1m ago); it is rejected, ret -1011, app " + testApp + ".",
		},
		"several at once, and none since": {
			[]*deadletter.Entry{letter(refuse, at(noon.Add(-25*time.Hour))), letter(refuse, at(noon.Add(-25*time.Hour)))},
			"2 letters are pending, of 1 player.\nThey came from Nov 21 11:00 to Nov 21 11:00, the last 1d 1h ago; all are rejected, ret -1011, app " + testApp + ".",
		},
		"letters of several states": {
			[]*deadletter.Entry{letter(state(deadletter.Discarded)), letter(), letter()},
			"3 letters: 2 pending, 1 discarded, of 1 player.\nThey have been coming since 11:59:00 (1m ago); all are exhausted, app " + testApp + ".",
		},
		"records that are none": {
			[]*deadletter.Entry{letter(foreign)},
			"1 letter is pending, of 0 players.\nIt came at 11:59:00 (1m ago); it is foreign.",
		},
		"what a record says cannot steer the terminal": {
			[]*deadletter.Entry{letter(violating("/\x1b[2J", "/k", "\u202egnorw"), func(e *deadletter.Entry) { e.Letter.AppID = "\x07" })},
			"1 letter is pending, of 1 player.\nIt came at 11:59:00 (1m ago); it is schema_violation /\\u001b[2J: \\u202egnorw, app \\u0007.",
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := NewCounter()
			for _, e := range test.letters {
				c.Add(e)
			}
			s := c.Stats(noon)
			if got := strings.Join(s.Verdict(View{Now: noon, Width: 400}), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestALetterCountsOnceForAViolationThatItHasTwice(t *testing.T) {
	t.Parallel()
	c := NewCounter()
	c.Add(letter(violating("/rounds/1/score", "/k", "a"), violating("/rounds/22/score", "/k", "b"), violating("/rounds/1x", "/k", "c")))
	want := []ViolationCount{{Violation{"/rounds/*/score", "/k", "a"}, 1}, {Violation{"/rounds/1x", "/k", "c"}, 1}}
	if got := c.Stats(noon).Violations; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}
