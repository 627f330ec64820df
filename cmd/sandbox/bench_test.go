package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/cmd/internal/usage"
)

// The parts of a benchmark are processes of this test's program, which is the sandbox when it is called as bench.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		main()
	}
}

// invokeBench runs a benchmark, and returns the reports that it wrote as JSON.
func invokeBench(t *testing.T, args ...string) []report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(append([]string{"bench", "-o", "json"}, args...), &stdout, &stderr, nil); code != usage.ExitDone {
		t.Fatalf("exit code %d\n%s", code, stderr.String())
	}
	var reports []report
	for line := range strings.Lines(stdout.String()) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("read %s: %v", line, err)
		}
		reports = append(reports, r)
	}
	return reports
}

func TestBenchMeasuresEveryRoundOfAll(t *testing.T) {
	profiles := t.TempDir()
	data := t.TempDir()
	reports := invokeBench(t, "--events", "2000", "--partitions", "3", "--players", "500", "--rounds", "1",
		"--latency", "1ms", "--compression", "lz4", "--data", data, "--profile", profiles)
	if len(reports) != 1 || len(reports[0].Rounds) != 1 {
		t.Fatalf("got %d reports, want one of a round: %+v", len(reports), reports)
	}
	r := reports[0]
	for _, q := range shown {
		if q.quantity == peakMemory && residentPeak() == 0 {
			continue // not known here
		}
		run := r.Run[q.quantity].Median
		for part, beside := range map[string]struct{ costs, ratio spreads }{
			readerPart: {r.Reader, r.ReaderRatio}, ceilingPart: {r.Ceiling, r.Ratio},
		} {
			costs, ratio := beside.costs[q.quantity].Median, beside.ratio[q.quantity].Median
			if run <= 0 || costs <= 0 || ratio != run/costs {
				t.Errorf("%s: run %v, %s %v, ratio %v", q.name, run, part, costs, ratio)
			}
		}
	}
	if r.Bound != 32*100*1000 || r.Reached != r.Run[eventsPerSecond].Median/r.Bound {
		t.Errorf("with a latency of 1 ms the bound is %v and %v of it reached", r.Bound, r.Reached)
	}
	want := workload{Events: 2000, Partitions: 3, Players: 500, Size: 350, Batch: 100, InFlight: 32, Latency: millis(time.Millisecond), Codec: "lz4", Seed: 1}
	if r.Workload != want || r.Broker != "kfake" || r.Sweep != "" {
		t.Errorf("%+v on %s of sweep %q, want %+v", r.Workload, r.Broker, r.Sweep, want)
	}
	for _, name := range []string{"run-0", "reader-0", "ceiling-0", "run-1", "reader-1", "ceiling-1"} {
		for _, kind := range []string{".cpu.pprof", ".allocs.pprof"} {
			if info, err := os.Stat(filepath.Join(profiles, name+kind)); err != nil || info.Size() == 0 {
				t.Errorf("the profile %s%s is not there: %v", name, kind, err)
			}
		}
	}
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("the broker has left %v, %v", left, err)
	}
}

func TestBenchCarriesBadEventsToo(t *testing.T) {
	r := invokeBench(t, "--events", "1000", "--bad", "0.2", "--rounds", "1")[0]
	if r.Run[eventsPerSecond].Median <= 0 || r.Reader[eventsPerSecond].Median <= 0 || r.Ceiling[eventsPerSecond].Median <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestBenchMeasuresDelay(t *testing.T) {
	r := invokeBench(t, "--delay", "--rate", "50", "--duration", "400ms")[0]
	d := r.Delay
	if d == nil || d.Events != 20 || r.Workload.Events != 20 || r.Rounds != nil {
		t.Fatalf("got %+v, want 20 events", r)
	}
	if !(0 < d.P50 && d.P50 <= d.P90 && d.P90 <= d.P99 && d.P99 <= d.Max) {
		t.Errorf("the delays are %+v", d)
	}
}

func TestABenchThatIsBrokenOffSaysSo(t *testing.T) {
	signals := make(chan os.Signal, 1)
	stderr := &onSight{patterns: []*regexp.Regexp{regexp.MustCompile("warming up")}, signals: signals}
	var stdout bytes.Buffer
	code := run([]string{"bench", "--events", "1000", "--rounds", "1000"}, &stdout, stderr, signals)
	if said := stderr.seen.String(); code != usage.ExitCannot || stdout.Len() > 0 || !strings.HasSuffix(said, "sandbox: interrupted\n") {
		t.Errorf("exit code %d, %s\n%s", code, stdout.String(), said)
	}
}

func TestALostOrRepeatedEventFailsTheBench(t *testing.T) {
	o := defaultBenchOptions()
	o.Events, o.Partitions, o.Rounds = 200, 1, 1
	s, err := setUp(t.Context(), o, o.workload, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.tearDown()
	if err := s.load.fill(t.Context(), s.brokers, o.workload, func(int) {}); err != nil {
		t.Fatal(err)
	}
	full := *s.load
	for rule, spoil := range map[string]func(l *load){
		"one more than there should be": func(l *load) { l.all.Count-- },
		"another in the place of one":   func(l *load) { l.all.Sum += scatter(777) - scatter(1) },
	} {
		*s.load = full
		spoil(s.load)
		for _, part := range []string{readerPart, ceilingPart} {
			if _, err := s.measure(t.Context(), part, rule+part, func(int64) {}); !isMismatch(err) {
				t.Errorf("%s, the %s: got %v", rule, part, err)
			}
		}
	}
	*s.load = full
	s.load.events++ // one that should have become a dead letter
	if _, err := s.measure(t.Context(), runPart, "letter", func(int64) {}); !isMismatch(err) {
		t.Errorf("a dead letter that is missing: got %v", err)
	}
}

func TestFlagsOfBenchThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--events 0":                 "--events 0: want at least 1",
		"--partitions 0":             "--partitions 0: want at least 1",
		"--players 0":                "--players 0: want at least 1",
		"--batch 0":                  "--batch 0: want at least 1",
		"--in-flight 0":              "--in-flight 0: want at least 1",
		"--rounds 0":                 "--rounds 0: want at least 1",
		"--size 60001":               "--size 60001: want 1 to 60000",
		"--bad 1":                    "--bad 1: want a share",
		"--latency -1s":              "--latency: want 0 or more",
		"--compression best":         "--compression best: want one of gzip, lz4, none, snappy, zstd",
		"-o yaml":                    "--output yaml: want table or json",
		"--sweep colours":            "--sweep colours: want partitions, records, size, latency, bad or all",
		"--delay --sweep all":        "--delay and --sweep: want one of them",
		"--rate 0":                   "--rate 0: want more than 0",
		"--duration 0s":              "--duration: want more than 0",
		"--brokers h:1 --data /tmp":  "--data is about the embedded broker",
		"--events 1000000000000":     "MiB of memory in the embedded broker",
		"fast":                       `unexpected argument "fast"`,
		"--data /nowhere --events 1": "make a directory for the broker",
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"bench"}, strings.Fields(args)...), &stdout, &stderr, nil)
		if code != usage.ExitCannot || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s%s, want %s", args, code, stdout.String(), stderr.String(), want)
		}
	}
}

func TestSweepsChangeOneThing(t *testing.T) {
	t.Parallel()
	base := defaultWorkload()
	points := sweepPoints("all", base)
	values := map[string][]string{}
	for _, p := range points {
		values[p.sweep] = append(values[p.sweep], p.value)
		w := p.workload
		switch p.sweep {
		case "partitions":
			w.Partitions = base.Partitions
		case "records":
			w.Events = base.Events
		case "size":
			w.Size, w.Events = base.Size, base.Events
		case "latency":
			w.Latency = base.Latency
		case "bad":
			w.Bad = base.Bad
		}
		if w != base {
			t.Errorf("%s %s changes more than that: %+v", p.sweep, p.value, p.workload)
		}
		if want := []string{runPart, ceilingPart}; !slices.Equal(p.contestants(), want) {
			t.Errorf("%s %s is a matter of %q, want %q", p.sweep, p.value, p.contestants(), want)
		}
		if p.bytes() > 5<<30 {
			t.Errorf("%s %s needs %d bytes in the broker", p.sweep, p.value, p.bytes())
		}
	}
	if want := []string{"0 ms", "20 ms", "100 ms"}; !slices.Equal(values["latency"], want) || len(values) != len(sweepNames()) {
		t.Errorf("got the values %q", values)
	}
	alone := sweepPoints("", base)
	if len(alone) != 1 || alone[0].workload != base {
		t.Fatalf("without a sweep: %+v", alone)
	}
	if want := []string{runPart, readerPart, ceilingPart}; !slices.Equal(alone[0].contestants(), want) {
		t.Errorf("without a sweep %q take turns, want %q", alone[0].contestants(), want)
	}
}

func TestTheBoundIsWhatTheCallsInFlightCarry(t *testing.T) {
	t.Parallel()
	w := defaultWorkload()
	for rule, test := range map[string]struct {
		set  func()
		want float64
	}{
		"none without a latency":                     {func() {}, 0},
		"32 calls of 100 every 100 ms":               {func() { w.Latency = millis(100 * time.Millisecond) }, 32_000},
		"calls are full at 512 KiB, here 32 records": {func() { w.Latency, w.Size = millis(100*time.Millisecond), 16<<10 }, 32 * 32 * 10},
	} {
		w = defaultWorkload()
		test.set()
		if got := w.bound(); got != test.want {
			t.Errorf("%s: got %v, want %v", rule, got, test.want)
		}
	}
}

func TestWhatTheGeneratorMakesTheSinkCounts(t *testing.T) {
	t.Parallel()
	events, err := traffic.New(traffic.Config{Run: "r1", Apps: []traffic.App{{ID: gameID}}, Players: 10, Bad: 0.3, Kinds: tame()})
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	var want, got ids
	for range 500 {
		ev := events.Next()
		body = append(append(body, ev.Value...), ',')
		if number, ok := traffic.ReportNumber(ev.Value, "r1"); ok {
			want.add(number)
		}
	}
	eachNumber(body, idMarker("r1"), got.add)
	if got != want || got.Count < 350 {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}
