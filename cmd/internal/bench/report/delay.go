package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// Delay is how long events took from being handed to the Kafka client that produces them to having arrived at the
// sink.
type Delay struct {
	Rate     float64         `json:"rate_per_second"`
	Duration workload.Millis `json:"duration_ms"`
	Events   int             `json:"events"`
	P50      workload.Millis `json:"p50_ms"`
	P90      workload.Millis `json:"p90_ms"`
	P99      workload.Millis `json:"p99_ms"`
	Max      workload.Millis `json:"max_ms"`
}

func (d *Delay) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s events, %g a second, from produced to posted:\n\n", words.Grouped(d.Events), d.Rate)
	for _, q := range []struct {
		name string
		d    workload.Millis
	}{{"half of them within", d.P50}, {"9 of 10", d.P90}, {"99 of 100", d.P99}, {"all", d.Max}} {
		fmt.Fprintf(&b, "%-22s%8.1f ms\n", q.name, float64(q.d)/float64(time.Millisecond))
	}
	return b.String()
}

// DelayOf is the delay of events that took so long, at least one. It sorts them.
func DelayOf(took []time.Duration) *Delay {
	slices.Sort(took)
	within := func(part float64) workload.Millis {
		return workload.Millis(took[int(math.Ceil(part*float64(len(took))))-1])
	}
	return &Delay{Events: len(took), P50: within(0.5), P90: within(0.9), P99: within(0.99), Max: within(1)}
}
