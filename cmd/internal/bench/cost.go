package bench

import "slices"

// quantity is something that is measured of a contest.
type quantity string

const (
	eventsPerSecond quantity = "events_per_second"
	cpuPerEvent     quantity = "cpu_us_per_event" // user mode and kernel, the process from start to end
	peakMemory      quantity = "peak_memory_bytes"
	allocsPerEvent  quantity = "allocs_per_event"
	bytesPerEvent   quantity = "alloc_bytes_per_event"
)

// costs are what was measured of one contest.
type costs map[quantity]float64

// spread is where the values of several contests lie.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return spread{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1]}
}

// spreads is the spread of each quantity.
type spreads map[quantity]spread

// spreadsOf is nil for no contests.
func spreadsOf(contests []costs) spreads {
	if len(contests) == 0 {
		return nil
	}
	s := spreads{}
	for q := range contests[0] {
		values := make([]float64, len(contests))
		for i, c := range contests {
			values[i] = c[q]
		}
		s[q] = spreadOf(values)
	}
	return s
}

// turn is a contest of each contestant, by its part, one right after the other, so that whatever else the host does
// meets all of them.
type turn map[string]costs

// ratio is what the run has of another contestant's.
func (t turn) ratio(part string) costs {
	ratio := costs{}
	for q, of := range t[part] {
		if of > 0 {
			ratio[q] = t[runPart][q] / of
		}
	}
	return ratio
}
