package main

import (
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/triage/view"
)

func TestAHintIsBrokenBetweenWordsOnATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &letterProgress{stderr: &out, style: view.Style{Width: 80}}
	p.print("these are the newest 50; more match, of 60 records: --limit 0 lists all, stats counts them")
	want := "these are the newest 50; more match, of 60 records: --limit 0 lists all, stats\ncounts them\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}
