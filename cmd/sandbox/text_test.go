package main

import (
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
)

func TestTheLastLineSaysHowItCameOut(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]result{
		"Every event is accounted for.": {},
		"Every event is accounted for, those included that nobody wanted to wait for.": {
			Verdict: audit.Verdict{Counts: audit.Counts{Published: 2, Pending: 2}}, hurried: true,
		},
		"1,200 events were still under way when --settle 30s was over.": {
			Verdict: audit.Verdict{Counts: audit.Counts{Published: 1200, Pending: 1200}},
		},
		"1 event was still under way when --settle 30s was over.": {
			Verdict: audit.Verdict{Counts: audit.Counts{Published: 2, Delivered: 1, Pending: 1}},
		},
		"No event is lost.": {
			Verdict:  audit.Verdict{Counts: audit.Counts{Published: 2, Delivered: 2}, Violations: map[audit.Violation]int{audit.Duplicated: 1}},
			replayed: true,
		},
		"NOT every event is accounted for.": {
			Verdict: audit.Verdict{
				Counts:     audit.Counts{Published: 2, Lost: 1, Pending: 1},
				Violations: map[audit.Violation]int{audit.Lost: 1},
			},
		},
	} {
		r.took, r.settle = time.Second, 30*time.Second
		if got := summary(r); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("got\n%s\nwant at its end\n%s", got, want)
		}
	}
}
