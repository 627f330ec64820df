package bench

import (
	"fmt"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// A sweep is one quantity of the workload in several values.
type sweep struct {
	name   string
	values []float64
	text   func(value float64) string
	set    func(w *workload, value float64)
}

func sweeps() []sweep {
	number := func(v float64) string { return figures.Grouped(int64(v)) }
	return []sweep{
		{"partitions", []float64{1, 8, 64, 256}, number, func(w *workload, v float64) { w.Partitions = int32(v) }},
		{"records", []float64{1e5, 1e6, 1e7}, number, func(w *workload, v float64) { w.Events = int(v) }},
		{"size", []float64{200, 350, 1 << 10, 4 << 10, 16 << 10}, func(v float64) string { return number(v) + " B" }, func(w *workload, v float64) {
			w.Size = int(v)
			w.Events = min(w.Events, sizeSweepBytes/w.Size) // large ones take their time, and memory
		}},
		{"latency", []float64{0, 20, 100}, func(v float64) string { return number(v) + " ms" }, func(w *workload, v float64) {
			w.Latency = millis(v * float64(time.Millisecond))
		}},
		{"bad", []float64{0, 0.01, 0.05, 0.2}, func(v float64) string { return fmt.Sprintf("%g %%", 100*v) }, func(w *workload, v float64) {
			w.Bad = v
		}},
	}
}

// sizeSweepBytes bounds the load in the sweep of sizes.
const sizeSweepBytes = 1 << 30

func sweepNames() []string {
	var names []string
	for _, s := range sweeps() {
		names = append(names, s.name)
	}
	return names
}

func sweepHelp() string {
	var b strings.Builder
	for _, s := range sweeps() {
		var values []string
		for _, v := range s.values {
			values = append(values, s.text(v))
		}
		fmt.Fprintf(&b, "  %-11s %s\n", s.name, strings.Join(values, "; "))
	}
	return b.String()
}

// point is a workload to measure.
type point struct {
	sweep string // empty: it stands alone
	value string // of the sweep
	workload
}

// contestants are the parts that take turns, in their order. The reader is not in sweeps, which take long enough.
func (p point) contestants() []string {
	if p.sweep != "" {
		return []string{runPart, ceilingPart}
	}
	return []string{runPart, readerPart, ceilingPart}
}

func sweepPoints(name string, base workload) []point {
	if name == "" {
		return []point{{workload: base}}
	}
	var points []point
	for _, s := range sweeps() {
		if name != "all" && name != s.name {
			continue
		}
		for _, v := range s.values {
			p := point{s.name, s.text(v), base}
			s.set(&p.workload, v)
			points = append(points, p)
		}
	}
	return points
}
