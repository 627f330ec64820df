// Package report is what a benchmark finds out: costs, their spread over the rounds, and delays, for people and as JSON.
// The names in the JSON are a contract with those who draw it. It measures nothing.
package report

import (
	"runtime"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
)

// Report is what a benchmark finds out about one workload, and a line of its JSON.
type Report struct {
	Time     time.Time         `json:"time"`
	Host     Host              `json:"host"`
	Broker   string            `json:"broker"` // kfake: the embedded one; kafka: another
	Sweep    string            `json:"sweep,omitempty"`
	Workload workload.Workload `json:"workload"`

	Rounds      []Round `json:"rounds,omitempty"`
	Run         Spreads `json:"run,omitempty"`
	Reader      Spreads `json:"reader,omitempty"` // none in a sweep
	Ceiling     Spreads `json:"ceiling,omitempty"`
	ReaderRatio Spreads `json:"reader_ratio,omitempty"` // run/reader, of each round
	Ratio       Spreads `json:"ratio,omitempty"`        // run/ceiling, of each round
	// Bound is how many events a second the sink's latency allows at most, and Reached the part of it that the run's
	// median is. Both are 0 without a latency.
	Bound   float64 `json:"bound_events_per_second,omitempty"`
	Reached float64 `json:"bound_reached,omitempty"`

	Delay *Delay `json:"delay,omitempty"`
}

// Host is where a benchmark ran.
type Host struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// New is an empty report on a point, measured here and now.
func New(broker string, p workload.Point) Report {
	return Report{
		Time:     time.Now().UTC().Truncate(time.Second),
		Host:     Host{runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH},
		Broker:   broker,
		Sweep:    p.Sweep,
		Workload: p.Workload,
	}
}

// Summarise fills in what follows from the rounds.
func (r *Report) Summarise() {
	contests, ratios := map[string][]Costs{}, map[string][]Costs{}
	for _, round := range r.Rounds {
		for contestant, c := range round {
			contests[contestant] = append(contests[contestant], c)
			ratios[contestant] = append(ratios[contestant], round.Ratio(contestant))
		}
	}
	r.Run, r.Reader, r.Ceiling = spreadsOf(contests[workload.Run]), spreadsOf(contests[workload.Reader]), spreadsOf(contests[workload.Ceiling])
	r.ReaderRatio, r.Ratio = spreadsOf(ratios[workload.Reader]), spreadsOf(ratios[workload.Ceiling])
	if r.Bound = r.Workload.Bound(); r.Bound > 0 {
		r.Reached = r.Run[EventsPerSecond].Median / r.Bound
	}
}
