package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAHintIsBrokenBetweenWordsOnATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &Progress{stderr: &out, columns: 80}
	p.Print("these are the newest 50; more match, of 60 records: --limit 0 lists all, stats counts them")
	want := "these are the newest 50; more match, of 60 records: --limit 0 lists all, stats\ncounts them\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestProgressIsShownToAPersonAndKeepsOffOtherLines(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		shown bool
		task  Task
		done  int64
		want  []string // on the screen
	}{
		"of a file, by bytes":         {true, Task{Name: "publishing", Total: 4 << 10}, 1 << 10, []string{"publishing", "25%", "(1.0/4.0 KiB"}},
		"of anything else, a count":   {true, Task{Name: "publishing", Unit: "records", Total: -1}, 3, []string{"publishing", "(3/-", "records/s"}},
		"of an empty file, nothing":   {true, Task{Name: "publishing"}, 0, nil},
		"not before it takes a while": {true, Task{Name: "reading", Unit: "letters", Delay: time.Hour}, 1, nil},
		"for a pipe, nothing":         {false, Task{Name: "publishing", Total: 4 << 10}, 1 << 10, nil},
	} {
		var screen bytes.Buffer
		p := &Progress{stderr: &screen, shown: test.shown}
		p.Begin(test.task)
		p.Add(test.done)
		shown := screen.String()
		for _, want := range test.want {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: %q, want %q", rule, shown, want)
			}
		}
		fmt.Fprintln(p.Over(&screen), "stdin:1: bad")
		rest := strings.TrimPrefix(screen.String(), shown)
		if test.want == nil && screen.String() != "stdin:1: bad\n" || test.want != nil && !strings.HasSuffix(rest, " \rstdin:1: bad\n") {
			t.Errorf("%s: %q", rule, screen.String())
		}
	}
}
