package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// Table prints reports for people: one by itself as a table, those of a sweep as its rows.
type Table struct {
	Out   io.Writer
	sweep string // whose head has been printed
}

// Print prints the report on a point.
func (t *Table) Print(r Report, p workload.Point) error {
	var b strings.Builder
	switch {
	case r.Delay != nil:
		r.head(&b)
		fmt.Fprintf(&b, "\n%s", r.Delay)
	case p.Sweep != "":
		if t.sweep != p.Sweep {
			t.sweep = p.Sweep
			r.head(&b)
			fmt.Fprintf(&b, "\n%s", rowHead(p.Sweep))
		}
		b.WriteString(r.row(p.Value))
	default:
		r.head(&b)
		b.WriteString("\n")
		r.table(&b)
	}
	_, err := io.WriteString(t.Out, b.String())
	return err
}

// head says what was measured, and where.
func (r Report) head(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s\n%s, %d CPUs, %s %s/%s", r.Workload, r.Broker, r.Host.CPUs, r.Host.Go, r.Host.OS, r.Host.Arch)
	if n := len(r.Rounds); n > 1 {
		fmt.Fprintf(b, "; %d rounds, median (lowest … highest)", n)
	}
	b.WriteString("\n")
}

// shown are the quantities as people read them.
var shown = []struct {
	Quantity
	name  string
	scale float64
	form  func(v float64) string
}{
	{EventsPerSecond, "events per second", 1, words.PerSecond},
	{CPUPerEvent, "CPU, µs per event", 1, decimals(2)},
	{PeakMemory, "peak memory, MiB", 1 << 20, decimals(1)},
	{AllocsPerEvent, "allocations per event", 1, decimals(2)},
	{BytesPerEvent, "bytes allocated per event", 1, decimals(0)},
}

func decimals(n int) func(v float64) string {
	return func(v float64) string { return fmt.Sprintf("%.*f", n, v) }
}

// show writes a spread as one number, or as three that differ.
func (s Spread) show(scale float64, form func(v float64) string) string {
	switch {
	case s == Spread{}:
		return "-"
	case s.Min == s.Max:
		return form(s.Median / scale)
	}
	return fmt.Sprintf("%s (%s … %s)", form(s.Median/scale), form(s.Min/scale), form(s.Max/scale))
}

// table has a line for each quantity, and below them one for each of their ratios: side by side they would be too wide.
func (r Report) table(b *strings.Builder) {
	var lines strings.Builder
	tabs := tabwriter.NewWriter(&lines, 0, 0, 3, ' ', 0)
	fmt.Fprintf(tabs, "\trun\treader\tceiling\n")
	for _, q := range shown {
		fmt.Fprintf(tabs, "%s\t%s\t%s\t%s\n", q.name, r.Run[q.Quantity].show(q.scale, q.form),
			r.Reader[q.Quantity].show(q.scale, q.form), r.Ceiling[q.Quantity].show(q.scale, q.form))
	}
	fmt.Fprintf(tabs, "\t\t\n\trun/reader\trun/ceiling\n")
	for _, q := range shown {
		fmt.Fprintf(tabs, "%s\t%s\t%s\n", q.name, r.ReaderRatio[q.Quantity].show(1, decimals(3)), r.Ratio[q.Quantity].show(1, decimals(3)))
	}
	_ = tabs.Flush()
	for line := range strings.Lines(lines.String()) {
		b.WriteString(trimmed(line))
	}
	if r.Bound > 0 {
		fmt.Fprintf(b, "\nWith that latency %s events per second are the most; the run reached %.1f %% of them.\n", words.PerSecond(r.Bound), 100*r.Reached)
	}
}

// A row of a sweep: its value, events per second, their ratio, CPU and memory of the run, and what the latency allows.
const rowForm = "%-12s  %-29s  %-29s  %-23s  %8s  %8s  %s\n"

func rowHead(sweep string) string {
	bound := ""
	if sweep == "latency" {
		bound = "bound, reached"
	}
	return trimmed(fmt.Sprintf(rowForm, sweep, "run, events/s", "ceiling, events/s", "run/ceiling", "run, µs", "run, MiB", bound))
}

func (r Report) row(value string) string {
	bound := ""
	if r.Bound > 0 {
		bound = fmt.Sprintf("%s/s, %.1f %%", words.PerSecond(r.Bound), 100*r.Reached)
	}
	return trimmed(fmt.Sprintf(rowForm, value,
		r.Run[EventsPerSecond].show(1, words.PerSecond), r.Ceiling[EventsPerSecond].show(1, words.PerSecond), r.Ratio[EventsPerSecond].show(1, decimals(3)),
		decimals(2)(r.Run[CPUPerEvent].Median), decimals(1)(r.Run[PeakMemory].Median/(1<<20)), bound))
}

func trimmed(line string) string { return strings.TrimRight(line, " \n") + "\n" }
