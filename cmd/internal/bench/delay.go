package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// delay is how long events took from being handed to the Kafka client that produces them to having arrived at the
// sink.
type delay struct {
	Rate     float64 `json:"rate_per_second"`
	Duration millis  `json:"duration_ms"`
	Events   int     `json:"events"`
	P50      millis  `json:"p50_ms"`
	P90      millis  `json:"p90_ms"`
	P99      millis  `json:"p99_ms"`
	Max      millis  `json:"max_ms"`
}

func (d *delay) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s events, %g a second, from produced to posted:\n\n", figures.Grouped(d.Events), d.Rate)
	for _, q := range []struct {
		name string
		d    millis
	}{{"half of them within", d.P50}, {"9 of 10", d.P90}, {"99 of 100", d.P99}, {"all", d.Max}} {
		fmt.Fprintf(&b, "%-22s%8.1f ms\n", q.name, float64(q.d)/float64(time.Millisecond))
	}
	return b.String()
}

func delayOf(took []time.Duration) *delay {
	slices.Sort(took)
	within := func(part float64) millis { return millis(took[int(math.Ceil(part*float64(len(took))))-1]) }
	return &delay{Events: len(took), P50: within(0.5), P90: within(0.9), P99: within(0.99), Max: within(1)}
}
