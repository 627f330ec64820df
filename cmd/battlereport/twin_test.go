package main

import (
	"fmt"
	"strings"
	"testing"
)

// A letter that lies there twice is one for every command.
func TestEveryCommandTakesTwinsForOneLetter(t *testing.T) {
	t.Parallel()
	p := newPost(t, 2)
	p.letters(t, 10)
	p.Produce(t, p.ReadAll(t, p.dlq)...)
	if n := len(p.ReadAll(t, p.dlq)); n != 20 {
		t.Fatalf("%d records lie there", n)
	}
	if got := p.invoke(t, "", "stats"); !strings.HasPrefix(got.stdout, "10 letters are pending, of 7 players.\n") {
		t.Errorf("%+v", got)
	}
	if names := p.names(t, "pending"); len(names) != 10 {
		t.Errorf("pending are %q", names)
	}
	if got := p.invoke(t, "", "export", "--since", "1d"); strings.Count(got.stdout, "\n") != 10 {
		t.Errorf("%+v", got)
	}
	got := p.invoke(t, "", "replay", "--reason", "exhausted", "--yes")
	if got.code != exitDone || !strings.Contains(got.stdout, "\nreplayed 5 letters to TOPIC.replay in ") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "discard", "--since", "1d", "--yes", "--because", "a test"); got.code != exitDone || !strings.Contains(got.stdout, "\ndiscarded 5 letters in ") {
		t.Errorf("%+v", got)
	}
	if n := total(p.replayed(t)); n != 5 {
		t.Errorf("%d letters are replayed", n)
	}
	if names := p.names(t, "pending"); len(names) > 0 {
		t.Errorf("pending are %q", names)
	}
	for state, want := range map[string]int{"replayed": 5, "discarded": 5, "all": 10} {
		if names := p.names(t, state); len(names) != want {
			t.Errorf("%s are %q", state, names)
		}
	}
	var second string
	for _, r := range p.ReadAll(t, p.dlq) {
		if r.Partition == 0 {
			second = fmt.Sprintf("TOPIC.dlq/0/%d", r.Offset) // the last, and so one written the second time
		}
	}
	got = p.invoke(t, "", "show", second)
	if got.code != exitDone || !strings.Contains(got.stdout, ", the same letter written twice") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "show", "-o", "json", second); !strings.Contains(got.stdout, `"twin":"TOPIC.dlq/0/`) {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--yes", second); got.code != exitNone {
		t.Errorf("%+v", got)
	}
}
