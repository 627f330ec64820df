package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// line is a report as bench writes it.
func line(sweep, workload string, run, ceiling float64) string {
	rate := func(v float64) string {
		return fmt.Sprintf(`{"events_per_second":{"median":%g,"min":%g,"max":%g},"cpu_us_per_event":{"median":4,"min":3,"max":5}}`, v, v*0.9, v*1.1)
	}
	return fmt.Sprintf(`{"host":{"cpus":2,"go":"go1.26"},"broker":"kfake","sweep":%q,"workload":{%s},"rounds":[{},{},{}],`+
		`"run":%s,"ceiling":%s,"bound_events_per_second":0}`+"\n", sweep, workload, rate(run), rate(ceiling))
}

func TestEverySweepIsDrawn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	in := line("", `"partitions":8`, 1, 2) +
		line("partitions", `"partitions":1,"size_bytes":350`, 100_000, 300_000) +
		line("size", `"size_bytes":200`, 150_000, 400_000) +
		line("partitions", `"partitions":256,"size_bytes":350`, 120_000, 250_000) +
		line("size", `"size_bytes":16384`, 9_000, 20_000)
	var out bytes.Buffer
	if err := run(strings.NewReader(in), dir, &out); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, file := range []string{"partitions.svg", "partitions-cost.svg", "size.svg", "size-cost.svg"} {
		want += filepath.Join(dir, file) + "\n"
	}
	if out.String() != want {
		t.Errorf("drew\n%swant\n%s", out.String(), want)
	}
	for file, wants := range map[string][]string{
		"partitions.svg":      {"Events per second by number of partitions", "350 bytes each", "median of 3", ">256<", ">300,000<", ">ceiling<", ">run<"},
		"partitions-cost.svg": {"CPU time per event by number of partitions", "CPU time per event, µs"},
		"size.svg":            {"bytes of an event, about", ">16,384<", ">10,000<"},
	} {
		svg, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !bytes.Contains(svg, []byte(want)) {
				t.Errorf("%s has no %q", file, want)
			}
		}
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
}

func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	for rule, in := range map[string]string{
		"nothing":                     "",
		"no sweep":                    line("", `"partitions":8`, 1, 2),
		"a sweep that is not known":   line("colours", `"partitions":8`, 1, 2),
		"a line that is not of bench": "events per second: many\n",
	} {
		if err := run(strings.NewReader(in), t.TempDir(), io.Discard); err == nil {
			t.Errorf("%s: drawn", rule)
		}
	}
}

func TestTicksAreAtRoundValues(t *testing.T) {
	for want, ticks := range map[string][]plot.Tick{
		"0 100,000 200,000 300,000 400,000 500,000": thousands{}.Ticks(0, 560_000),
		"0 50,000 100,000 150,000 200,000":          thousands{}.Ticks(0, 240_000),
		"0 2,000 4,000 6,000 8,000 10,000":          thousands{}.Ticks(0, 11_000),
		"1,000 10,000 100,000":                      powers{}.Ticks(1000, 400_000),
	} {
		var labels []string
		for _, tick := range ticks {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
