package workload

import (
	"strings"
	"testing"
)

func TestAShareOfTheProducersSpansIsSampled(t *testing.T) {
	t.Parallel()
	for traces, test := range map[Traces]struct {
		share   float64 // -1: refused
		sampled int     // of 1,000
	}{
		"": {0, 0}, "off": {0, 0}, "1%": {0.01, 10}, "2.5%": {0.025, 25}, "100%": {1, 1000},
		"0%": {-1, 0}, "101%": {-1, 0}, "0.01": {-1, 0}, "on": {-1, 0}, "NaN%": {-1, 0},
	} {
		share, err := traces.Share()
		if (err != nil) != (test.share < 0) {
			t.Errorf("%q: %v", traces, err)
		}
		if err != nil {
			continue
		}
		sampled := 0
		for n := range uint64(1000) {
			if strings.HasSuffix(traces.Parent(n), "-01") {
				sampled++
			}
		}
		if share != test.share || sampled != test.sampled || traces.Told() != (traces != "") {
			t.Errorf("%q: share %v, %d of 1,000 spans are sampled", traces, share, sampled)
		}
	}
}
