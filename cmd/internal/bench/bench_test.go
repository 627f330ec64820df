package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/cmd/internal/usage"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" { // the parts of a benchmark are processes of this program
		if err := command(os.Args[2:]...).Execute(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(usage.ExitCannot)
		}
		os.Exit(usage.ExitDone)
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
func measure(t *testing.T, args ...string) []report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(append([]string{"-o", "json"}, args...)...)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
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
	reports := measure(t, "--events", "2000", "--partitions", "3", "--players", "500", "--rounds", "1",
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
	r := measure(t, "--events", "1000", "--bad", "0.2", "--rounds", "1")[0]
	if r.Run[eventsPerSecond].Median <= 0 || r.Reader[eventsPerSecond].Median <= 0 || r.Ceiling[eventsPerSecond].Median <= 0 {
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

func TestALostOrRepeatedEventFailsTheBench(t *testing.T) {
	o := defaultOptions()
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

func TestWhatTheGeneratorMakesTheSinkCounts(t *testing.T) {
	t.Parallel()
	events, err := traffic.New(traffic.Config{Run: "r1", Apps: []traffic.App{{ID: appID}}, Players: 10, Bad: 0.3, Kinds: tame()})
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
