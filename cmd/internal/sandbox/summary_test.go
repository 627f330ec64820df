package sandbox

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
			Findings: audit.Findings{Counts: audit.Counts{Published: 2, Pending: 2}}, hurried: true,
		},
		"1,200 events were still under way when --settle 30s was over.": {
			Findings: audit.Findings{Counts: audit.Counts{Published: 1200, Pending: 1200}},
		},
		"1 event was still under way when --settle 30s was over.": {
			Findings: audit.Findings{Counts: audit.Counts{Published: 2, Delivered: 1, Pending: 1}},
		},
		"No event is lost.": {
			Findings: audit.Findings{Counts: audit.Counts{Published: 2, Delivered: 2}, Breaches: map[audit.Breach]int{audit.Duplicated: 1}},
			replayed: true,
		},
		"NOT every event is accounted for.": {
			Findings: audit.Findings{
				Counts:   audit.Counts{Published: 2, Lost: 1, Pending: 1},
				Breaches: map[audit.Breach]int{audit.Lost: 1},
			},
		},
	} {
		r.took, r.settle = time.Second, 30*time.Second
		if got := summary(r); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("got\n%s\nwant at its end\n%s", got, want)
		}
	}
}
