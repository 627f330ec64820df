package bench

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

	Rounds      []turn  `json:"rounds,omitempty"`
	Run         spreads `json:"run,omitempty"`
	Reader      spreads `json:"reader,omitempty"` // none in a sweep
	Ceiling     spreads `json:"ceiling,omitempty"`
	ReaderRatio spreads `json:"reader_ratio,omitempty"` // run/reader, of each round
	Ratio       spreads `json:"ratio,omitempty"`        // run/ceiling, of each round
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

func newReport(o *options, p point) report {
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
	contests, ratios := map[string][]costs{}, map[string][]costs{}
	for _, t := range r.Rounds {
		for part, c := range t {
			contests[part] = append(contests[part], c)
			ratios[part] = append(ratios[part], t.ratio(part))
		}
	}
	r.Run, r.Reader, r.Ceiling = spreadsOf(contests[runPart]), spreadsOf(contests[readerPart]), spreadsOf(contests[ceilingPart])
	r.ReaderRatio, r.Ratio = spreadsOf(ratios[readerPart]), spreadsOf(ratios[ceilingPart])
	if r.Bound = r.Workload.bound(); r.Bound > 0 {
		r.Reached = r.Run[eventsPerSecond].Median / r.Bound
	}
}
