package main

import (
	"runtime"
	"time"
)

// report is what a benchmark finds out about one workload, and a line of its JSON.
type report struct {
	Time     time.Time `json:"time"`
	Host     host      `json:"host"`
	Broker   string    `json:"broker"` // kfake: the embedded one; kafka: another
	Sweep    string    `json:"sweep,omitempty"`
	Workload workload  `json:"workload"`

	Rounds  []pair  `json:"rounds,omitempty"`
	Run     spreads `json:"run,omitempty"`
	Ceiling spreads `json:"ceiling,omitempty"`
	Ratio   spreads `json:"ratio,omitempty"` // run/ceiling, of the pairs
	// Bound is how many events a second the sink's latency allows at most, and Reached the part of it that the run's
	// median is. Both are 0 without a latency.
	Bound   float64 `json:"bound_events_per_second,omitempty"`
	Reached float64 `json:"bound_reached,omitempty"`

	Delay *delay `json:"delay,omitempty"`
}

// host is where a benchmark ran.
type host struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

func newReport(o *benchOptions, p point) report {
	r := report{
		Time:     time.Now().UTC().Truncate(time.Second),
		Host:     host{runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH},
		Broker:   "kfake",
		Sweep:    p.sweep,
		Workload: p.workload,
	}
	if len(o.Brokers) > 0 {
		r.Broker = "kafka"
	}
	return r
}

// sum fills in what follows from the rounds.
func (r *report) sum() {
	var runs, ceilings, ratios []costs
	for _, p := range r.Rounds {
		runs, ceilings, ratios = append(runs, p.Run), append(ceilings, p.Ceiling), append(ratios, p.ratio())
	}
	r.Run, r.Ceiling, r.Ratio = spreadsOf(runs), spreadsOf(ceilings), spreadsOf(ratios)
	if r.Bound = r.Workload.bound(); r.Bound > 0 {
		r.Reached = r.Run[eventsPerSecond].Median / r.Bound
	}
}
