package main

import (
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/ledger"
)

func TestTheLastLineSaysHowItCameOut(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]result{
		"Every event is accounted for.": {},
		"Every event is accounted for, those included that nobody wanted to wait for.": {
			Verdict: ledger.Verdict{Counts: ledger.Counts{Published: 2, Pending: 2}}, hurried: true,
		},
		"1,200 events were still under way when --settle 30s was over.": {
			Verdict: ledger.Verdict{Counts: ledger.Counts{Published: 1200, Pending: 1200}},
		},
		"1 event was still under way when --settle 30s was over.": {
			Verdict: ledger.Verdict{Counts: ledger.Counts{Published: 2, Delivered: 1, Pending: 1}},
		},
		"No event is lost.": {
			Verdict:  ledger.Verdict{Counts: ledger.Counts{Published: 2, Delivered: 2}, Violations: map[ledger.Violation]int{ledger.Duplicated: 1}},
			replayed: true,
		},
		"NOT every event is accounted for.": {
			Verdict: ledger.Verdict{
				Counts:     ledger.Counts{Published: 2, Lost: 1, Pending: 1},
				Violations: map[ledger.Violation]int{ledger.Lost: 1},
			},
		},
	} {
		r.took, r.settle = time.Second, 30*time.Second
		if got := summary(r); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("got\n%s\nwant at its end\n%s", got, want)
		}
	}
}
