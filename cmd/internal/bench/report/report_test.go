package report

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{4, 1}, Spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
	} {
		before := slices.Clone(test.values)
		if got := spreadOf(test.values); got != test.want || !slices.Equal(before, test.values) {
			t.Errorf("%v: got %+v, want %+v", before, got, test.want)
		}
	}
}

func TestDelayOfEvents(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Millisecond)
	}
	ms := func(n int) workload.Millis { return workload.Millis(time.Duration(n) * time.Millisecond) }
	if got, want := *DelayOf(took), (Delay{Events: 200, P50: ms(100), P90: ms(180), P99: ms(198), Max: ms(200)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// measured is a report with everything in it.
func measured() Report {
	r := Report{
		Time: time.Unix(1_800_000_000, 0).UTC(), Host: Host{2, "go1.26", "linux", "amd64"}, Broker: "kfake", Workload: workload.Default(),
	}
	r.Workload.Latency, r.Workload.Bad, r.Workload.Codec = workload.Millis(20*time.Millisecond), 0.05, "zstd"
	for n := range 3 {
		i := float64(n)
		r.Rounds = append(r.Rounds, Round{
			workload.Run:     Costs{EventsPerSecond: 120_000 + 1000*i, CPUPerEvent: 5.5 + i/10, PeakMemory: 100 << 20, AllocsPerEvent: 7.25, BytesPerEvent: 2400 + i},
			workload.Reader:  Costs{EventsPerSecond: 150_000 + 2000*i, CPUPerEvent: 5 - i/10, PeakMemory: 50 << 20, AllocsPerEvent: 4.5, BytesPerEvent: 3600},
			workload.Ceiling: Costs{EventsPerSecond: 400_000 - 1000*i, CPUPerEvent: 1.75, PeakMemory: 0, AllocsPerEvent: 1.25, BytesPerEvent: 1200},
		})
	}
	r.Summarise()
	return r
}

// swept is the report as it would be in a sweep.
func swept(r Report) Report {
	for _, t := range r.Rounds {
		delete(t, workload.Reader)
	}
	r.Summarise()
	return r
}

var update = flag.Bool("update", false, "rewrite the golden file")

func TestReportsForPeople(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := &Table{Out: &out}
	show := func(r Report, p workload.Point) {
		t.Helper()
		if err := table.Print(r, p); err != nil {
			t.Fatal(err)
		}
	}
	show(measured(), workload.Point{})
	slow := swept(measured())
	fast := slow
	fast.Workload = workload.Default()
	fast.Rounds = fast.Rounds[:1]
	fast.Summarise()
	show(fast, workload.Point{Sweep: "latency", Value: "0 ms"})
	show(slow, workload.Point{Sweep: "latency", Value: "20 ms"})
	show(fast, workload.Point{Sweep: "bad", Value: "0 %"})
	late := Report{Host: fast.Host, Broker: "kafka", Workload: workload.Default(), Delay: DelayOf([]time.Duration{time.Millisecond, 200 * time.Millisecond})}
	late.Delay.Rate = 100
	show(late, workload.Point{})
	const golden = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", golden, got, want)
	}
}

func TestReportsForMachines(t *testing.T) {
	t.Parallel()
	want := measured()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"rounds":[{"ceiling":{"alloc_bytes_per_event":1200,`, `"reader":{"alloc_bytes_per_event":3600,`, `"run":{"alloc_bytes_per_event":2400,`,
		`"ratio":{"alloc_bytes_per_event":{"median":2.0008333333333335,"min":2,"max":2.0016666666666665},`,
		`"reader_ratio":{"alloc_bytes_per_event":{"median":0.66694`,
		`"host":{"cpus":2,"go":"go1.26","os":"linux","arch":"amd64"},"broker":"kfake","workload":{"events":500000,"partitions":8,`,
		`"size_bytes":350,"bad":0.05,"max_records":100,"max_in_flight":32,"latency_ms":20,"compression":"zstd","seed":1}`,
		`"events_per_second":{"median":121000,"min":120000,"max":122000}`,
		`"bound_events_per_second":160000,"bound_reached":0.75625`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("nothing like %s in\n%s", part, text)
		}
	}
	var got Report
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read back: %v\n%+v, want\n%+v", err, got, want)
	}
	if text, err := json.Marshal(swept(want)); err != nil || strings.Contains(string(text), "reader") {
		t.Errorf("a sweep has a reader: %v\n%s", err, text)
	}
}
