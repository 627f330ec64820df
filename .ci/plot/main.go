// Command plot draws what 'sandbox bench --sweep … -o json' has measured: for each sweep SWEEP.svg, with events per second
// of run and ceiling over the sweep's values, and SWEEP-cost.svg, with CPU time per event. Bars reach from the lowest round to the highest. From a checkout:
//
//	go run ./cmd/sandbox bench --sweep all -o json >bench.jsonl
//	go -C .ci run ./plot -o "$PWD/deploy/bench" <bench.jsonl
//
// It is in the module of the tools, since the product has no use for what it needs.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("o", ".", "`directory` for the drawings; it is made if need be")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "Draws what 'sandbox bench --sweep … -o json' has measured, from standard input.\n\nusage: plot [-o DIR] <FILE\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "plot: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(os.Stdin, *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(2)
	}
}

func run(in io.Reader, dir string, out io.Writer) error {
	sweeps, err := read(in)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make room for the drawings: %w", err)
	}
	for _, s := range sweeps {
		for _, m := range measures {
			file := filepath.Join(dir, s.name+m.file+".svg")
			if err := s.drawTo(file, m); err != nil {
				return fmt.Errorf("draw %s: %w", file, err)
			}
			fmt.Fprintln(out, file)
		}
	}
	return nil
}

// report is what is used of a line that bench writes.
type report struct {
	Host struct {
		CPUs int    `json:"cpus"`
		Go   string `json:"go"`
	} `json:"host"`
	Broker   string   `json:"broker"`
	Sweep    string   `json:"sweep"`
	Workload workload `json:"workload"`
	Rounds   []any    `json:"rounds"`
	Run      costs    `json:"run"`
	Ceiling  costs    `json:"ceiling"`
	Bound    float64  `json:"bound_events_per_second"`
}

type workload struct {
	Events     int     `json:"events"`
	Partitions int     `json:"partitions"`
	Size       int     `json:"size_bytes"`
	Bad        float64 `json:"bad"`
	Batch      int     `json:"max_records"`
	InFlight   int     `json:"max_in_flight"`
	Latency    float64 `json:"latency_ms"`
}

type costs struct {
	Rate spread `json:"events_per_second"`
	CPU  spread `json:"cpu_us_per_event"`
}

type spread struct{ Median, Min, Max float64 }

// sweep is the reports of one sweep, in the order they came.
type sweep struct {
	name    string
	reports []report
}

// read gathers the lines by sweep. Lines without one are passed over.
func read(in io.Reader) ([]*sweep, error) {
	var all []*sweep
	byName := map[string]*sweep{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read line %d: %w", n, err)
		}
		if r.Sweep == "" {
			continue
		}
		if _, known := axes[r.Sweep]; !known {
			return nil, fmt.Errorf("read line %d: no sweep %q", n, r.Sweep)
		}
		s := byName[r.Sweep]
		if s == nil {
			s = &sweep{name: r.Sweep}
			byName[r.Sweep] = s
			all = append(all, s)
		}
		s.reports = append(s.reports, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no sweep in what was read")
	}
	return all, nil
}
