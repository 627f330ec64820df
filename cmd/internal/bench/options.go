package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
)

// options are the flags of bench.
type options struct {
	workload.Workload

	Rounds   int
	Sweep    string
	Brokers  []string
	Data     string
	Output   string
	Profile  string
	Delay    bool
	Rate     float64
	Duration time.Duration
}

func defaultOptions() *options {
	return &options{Workload: workload.Default(), Rounds: 5, Output: "table", Rate: 100, Duration: 30 * time.Second}
}

func (o *options) flags(f *pflag.FlagSet) {
	f.IntVar(&o.Events, "events", o.Events, "`N` events to carry")
	f.Int32Var(&o.Partitions, "partitions", o.Partitions, "`N` partitions of their topic")
	f.IntVar(&o.Players, "players", o.Players, "`N` players whom they are about")
	f.IntVar(&o.Size, "size", o.Size, fmt.Sprintf("about `BYTES` of an event, 1 to %d", traffic.MaxSize))
	f.Float64Var(&o.Bad, "bad", o.Bad, "`SHARE` of events that become dead letters, 0 to 1")
	f.IntVar(&o.Batch, "batch", o.Batch, "`N` events in a call at most: batch.max_records")
	f.IntVar(&o.InFlight, "in-flight", o.InFlight, "`N` calls at once at most: delivery.max_in_flight")
	f.DurationVar((*time.Duration)(&o.Latency), "latency", 0, "`TIME` that MSDK takes for a call")
	f.StringVar(&o.Codec, "compression", o.Codec, "`CODEC` that producers compress events with: "+strings.Join(workload.CodecNames(), ", "))
	f.StringVar((*string)(&o.Traces), "traces", "", "have events tell in which span they were made, and run follow `SHARE` of them: off, 1%, 100%")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "`SEED` of the events: the same one makes the same")

	f.IntVar(&o.Rounds, "rounds", o.Rounds, "`N` rounds, besides the one that warms up")
	f.StringVar(&o.Sweep, "sweep", "", "measure several values of `WHAT`: "+strings.Join(workload.SweepNames(), ", ")+" or all")
	f.BoolVar(&o.Delay, "delay", false, "measure how long events take from being produced to being posted")
	f.Float64Var(&o.Rate, "rate", o.Rate, "with --delay: `N` events a second")
	f.DurationVar(&o.Duration, "duration", o.Duration, "with --delay: for `TIME`")

	f.StringSliceVar(&o.Brokers, "brokers", nil, "use the Kafka at `HOST:PORT[,HOST:PORT]` instead of the embedded broker")
	f.StringVar(&o.Data, "data", "", "have the embedded broker keep events in files below `DIR`, for the time being, and not in memory")
	f.StringVarP(&o.Output, "output", "o", o.Output, "`FORM` of what is found: table, or json for a line of JSON each")
	f.StringVar(&o.Profile, "profile", "", "write CPU and allocation profiles of every contest into `DIR`; that costs some CPU")
}

// points checks the flags, and returns what is to be measured.
func (o *options) points() ([]workload.Point, error) {
	atLeast := func(name string, v, least int64) error {
		if v >= least {
			return nil
		}
		return fmt.Errorf("--%s %d: want at least %d", name, v, least)
	}
	errs := []error{
		atLeast("events", int64(o.Events), 1), atLeast("partitions", int64(o.Partitions), 1), atLeast("players", int64(o.Players), 1),
		atLeast("batch", int64(o.Batch), 1), atLeast("in-flight", int64(o.InFlight), 1), atLeast("rounds", int64(o.Rounds), 1),
	}
	if o.Size < 1 || o.Size > traffic.MaxSize {
		errs = append(errs, fmt.Errorf("--size %d: want 1 to %d, since events above 64 KiB are refused", o.Size, traffic.MaxSize))
	}
	if !(o.Bad >= 0 && o.Bad < 1) {
		errs = append(errs, fmt.Errorf("--bad %v: want a share, 0 to less than 1", o.Bad))
	}
	if o.Latency < 0 {
		errs = append(errs, errors.New("--latency: want 0 or more"))
	}
	if _, known := workload.Codecs()[o.Codec]; !known {
		errs = append(errs, fmt.Errorf("--compression %s: want one of %s", o.Codec, strings.Join(workload.CodecNames(), ", ")))
	}
	if _, err := o.Traces.Share(); err != nil {
		errs = append(errs, err)
	}
	if o.Output != "table" && o.Output != "json" {
		errs = append(errs, fmt.Errorf("--output %s: want table or json", o.Output))
	}
	if o.Sweep != "" && o.Sweep != "all" && !slices.Contains(workload.SweepNames(), o.Sweep) {
		errs = append(errs, fmt.Errorf("--sweep %s: want %s or all", o.Sweep, strings.Join(workload.SweepNames(), ", ")))
	}
	if o.Delay && o.Sweep != "" {
		errs = append(errs, errors.New("--delay and --sweep: want one of them"))
	}
	if !(o.Rate > 0) || math.IsInf(o.Rate, 1) {
		errs = append(errs, fmt.Errorf("--rate %v: want more than 0", o.Rate))
	}
	if o.Duration <= 0 {
		errs = append(errs, errors.New("--duration: want more than 0"))
	}
	if len(o.Brokers) > 0 && o.Data != "" {
		errs = append(errs, errors.New("--data is about the embedded broker, and --brokers names another"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return workload.Points(o.Sweep, o.Workload), nil
}
