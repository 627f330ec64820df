package workload

import (
	"fmt"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A sweep is one quantity of the workload in several values.
type sweep struct {
	name   string
	values []float64
	text   func(value float64) string
	set    func(w *Workload, value float64)
}

func sweeps() []sweep {
	number := func(v float64) string { return words.Grouped(int64(v)) }
	return []sweep{
		{"partitions", []float64{1, 8, 64, 256}, number, func(w *Workload, v float64) { w.Partitions = int32(v) }},
		{"records", []float64{1e5, 1e6, 1e7}, number, func(w *Workload, v float64) { w.Events = int(v) }},
		{"size", []float64{200, 350, 1 << 10, 4 << 10, 16 << 10}, func(v float64) string { return number(v) + " B" }, func(w *Workload, v float64) {
			w.Size = int(v)
			w.Events = min(w.Events, sizeSweepBytes/w.Size) // large ones take their time, and memory
		}},
		{"latency", []float64{0, 20, 100}, func(v float64) string { return number(v) + " ms" }, func(w *Workload, v float64) {
			w.Latency = Millis(v * float64(time.Millisecond))
		}},
		{"bad", []float64{0, 0.01, 0.05, 0.2}, func(v float64) string { return fmt.Sprintf("%g %%", 100*v) }, func(w *Workload, v float64) {
			w.Bad = v
		}},
	}
}

// sizeSweepBytes bounds the load in the sweep of sizes.
const sizeSweepBytes = 1 << 30

// SweepNames are the quantities that can be swept.
func SweepNames() []string {
	var names []string
	for _, s := range sweeps() {
		names = append(names, s.name)
	}
	return names
}

// SweepHelp is a line for each sweep, with its values.
func SweepHelp() string {
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

// Point is a workload to measure.
type Point struct {
	Sweep string // empty: it stands alone
	Value string // of the sweep
	Workload
}

// Contestants are the parts that take turns, in their order. The reader is not in sweeps, which take long enough.
func (p Point) Contestants() []string {
	if p.Sweep != "" {
		return []string{Run, Ceiling}
	}
	return []string{Run, Reader, Ceiling}
}

// Points are those of a sweep with all else as base says, of all sweeps if name is "all", and base alone if it is empty.
func Points(name string, base Workload) []Point {
	if name == "" {
		return []Point{{Workload: base}}
	}
	var points []Point
	for _, s := range sweeps() {
		if name != "all" && name != s.name {
			continue
		}
		for _, v := range s.values {
			p := Point{s.name, s.text(v), base}
			s.set(&p.Workload, v)
			points = append(points, p)
		}
	}
	return points
}
