package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/bench/memory"
	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" { // the parts of a benchmark are processes of this program
		if err := command(os.Args[2:]...).Execute(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(cli.ExitCannot)
		}
		os.Exit(cli.ExitDone)
	}
	goleak.VerifyTestMain(m)
}

// command is bench with arguments. What goes wrong it returns, as it does below its parent.
func command(args ...string) *cobra.Command {
	cmd := Command(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	return cmd
}

// measure runs a benchmark, and returns the reports that it wrote as JSON.
func measure(t *testing.T, args ...string) []report.Report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(append([]string{"-o", "json"}, args...)...)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var reports []report.Report
	for line := range strings.Lines(stdout.String()) {
		var r report.Report
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
	reports := measure(t, "--events", "2000", "--partitions", "3", "--players", "500", "--rounds", "1",
		"--latency", "1ms", "--compression", "lz4", "--data", data, "--profile", profiles)
	if len(reports) != 1 || len(reports[0].Rounds) != 1 {
		t.Fatalf("got %d reports, want one of a round: %+v", len(reports), reports)
	}
	r := reports[0]
	for _, q := range []report.Quantity{report.EventsPerSecond, report.CPUPerEvent, report.PeakMemory, report.AllocsPerEvent, report.BytesPerEvent} {
		if q == report.PeakMemory && memory.Peak() == 0 {
			continue // not known here
		}
		run := r.Run[q].Median
		for contestant, beside := range map[string]struct{ costs, ratio report.Spreads }{
			workload.Reader: {r.Reader, r.ReaderRatio}, workload.Ceiling: {r.Ceiling, r.Ratio},
		} {
			costs, ratio := beside.costs[q].Median, beside.ratio[q].Median
			if run <= 0 || costs <= 0 || ratio != run/costs {
				t.Errorf("%s: run %v, %s %v, ratio %v", q, run, contestant, costs, ratio)
			}
		}
	}
	if r.Bound != 32*100*1000 || r.Reached != r.Run[report.EventsPerSecond].Median/r.Bound {
		t.Errorf("with a latency of 1 ms the bound is %v and %v of it reached", r.Bound, r.Reached)
	}
	want := workload.Workload{Events: 2000, Partitions: 3, Players: 500, Size: 350, Batch: 100, InFlight: 32, Latency: workload.Millis(time.Millisecond), Codec: "lz4", Seed: 1}
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
	r := measure(t, "--events", "1000", "--bad", "0.2", "--rounds", "1")[0]
	if r.Run[report.EventsPerSecond].Median <= 0 || r.Reader[report.EventsPerSecond].Median <= 0 || r.Ceiling[report.EventsPerSecond].Median <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestBenchMeasuresDelay(t *testing.T) {
	r := measure(t, "--delay", "--rate", "50", "--duration", "400ms")[0]
	d := r.Delay
	if d == nil || d.Events != 20 || r.Workload.Events != 20 || r.Rounds != nil {
		t.Fatalf("got %+v, want 20 events", r)
	}
	if !(0 < d.P50 && d.P50 <= d.P90 && d.P90 <= d.P99 && d.P99 <= d.Max) {
		t.Errorf("the delays are %+v", d)
	}
}

func isMismatch(err error) bool {
	var m *mismatch
	return errors.As(err, &m) && errors.Is(err, cli.ErrNo)
}

// sumOf is the sum of one event.
func sumOf(number uint64) uint64 {
	var one part.Checksum
	one.Add(number)
	return one.Sum
}

func TestALostOrRepeatedEventFailsTheBench(t *testing.T) {
	o := defaultOptions()
	o.Events, o.Partitions, o.Rounds = 200, 1, 1
	s, err := setUp(t.Context(), o, o.Workload, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.tearDown()
	if err := s.load.fill(t.Context(), s.brokers, o.Workload, func(int) {}); err != nil {
		t.Fatal(err)
	}
	full := *s.load
	for rule, spoil := range map[string]func(l *load){
		"one more than there should be": func(l *load) { l.all.Count-- },
		"another in the place of one":   func(l *load) { l.all.Sum += sumOf(777) - sumOf(1) },
	} {
		*s.load = full
		spoil(s.load)
		for _, contestant := range []string{workload.Reader, workload.Ceiling} {
			if _, err := s.measure(t.Context(), contestant, rule+contestant, func(int64) {}); !isMismatch(err) {
				t.Errorf("%s, the %s: got %v", rule, contestant, err)
			}
		}
	}
	*s.load = full
	s.load.events++ // one that should have become a dead letter
	if _, err := s.measure(t.Context(), workload.Run, "letter", func(int64) {}); !isMismatch(err) {
		t.Errorf("a dead letter that is missing: got %v", err)
	}
}

func TestWhatTheGeneratorMakesTheSinkCounts(t *testing.T) {
	t.Parallel()
	events, err := traffic.New(traffic.Config{Run: "r1", Apps: []traffic.App{{ID: workload.AppID}}, Players: 10, Bad: 0.3, Kinds: tame()})
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	var want, got part.Checksum
	for range 500 {
		ev := events.Next()
		body = append(append(body, ev.Value...), ',')
		if number, ok := traffic.ReportNumber(ev.Value, "r1"); ok {
			want.Add(number)
		}
	}
	part.EachNumber(body, part.IDPrefix("r1"), got.Add)
	if got != want || got.Count < 350 {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}
