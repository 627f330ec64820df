package report

import (
	"slices"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
)

// Quantity is something that is measured of a contest.
type Quantity string

// The quantities.
const (
	EventsPerSecond Quantity = "events_per_second"
	CPUPerEvent     Quantity = "cpu_us_per_event" // user mode and kernel, the process from start to end
	PeakMemory      Quantity = "peak_memory_bytes"
	AllocsPerEvent  Quantity = "allocs_per_event"
	BytesPerEvent   Quantity = "alloc_bytes_per_event"
)

// Costs are what was measured of one contest.
type Costs map[Quantity]float64

// Spread is where the values of several contests lie.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) Spread {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return Spread{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1]}
}

// Spreads is the spread of each quantity.
type Spreads map[Quantity]Spread

// spreadsOf is nil for no contests.
func spreadsOf(contests []Costs) Spreads {
	if len(contests) == 0 {
		return nil
	}
	s := Spreads{}
	for q := range contests[0] {
		values := make([]float64, len(contests))
		for i, c := range contests {
			values[i] = c[q]
		}
		s[q] = spreadOf(values)
	}
	return s
}

// Round is a contest of each contestant, by its name, one right after the other, so that whatever else the host does
// meets all of them.
type Round map[string]Costs

// Ratio is what the run has of another contestant's.
func (r Round) Ratio(contestant string) Costs {
	ratio := Costs{}
	for q, of := range r[contestant] {
		if of > 0 {
			ratio[q] = r[workload.Run][q] / of
		}
	}
	return ratio
}
