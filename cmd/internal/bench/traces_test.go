package bench

import (
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/bench/report"
)

// TestBenchHasTheRunFollowed relies on the benchmark itself, which fails if nothing is exported, or anything where nobody
// follows.
func TestBenchHasTheRunFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("its contests take seconds")
	}
	for _, traces := range []string{"off", "100%"} {
		r := measure(t, "--events", "1000", "--rounds", "1", "--traces", traces)[0]
		if string(r.Workload.Traces) != traces || r.Run[report.EventsPerSecond].Median <= 0 {
			t.Errorf("%s: %+v", traces, r)
		}
	}
}
