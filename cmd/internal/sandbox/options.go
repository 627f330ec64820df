package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/battlereport/battlereport/cmd/internal/traffic"
)

// options are the flags.
type options struct {
	Rate     float64
	Count    uint64
	Duration time.Duration
	Players  int
	Bad      float64
	Size     int
	Apps     int
	Seed     uint64

	Latency                 time.Duration
	Fail, Throttle, Timeout float64
	Poison                  int
	Outage                  outage

	Brokers                       []string
	Topic                         string
	Partitions                    int32
	KafkaPort, MSDKPort, HTTPPort int
	Data                          string

	Settle    time.Duration
	ConfigOut string
	Log       string
	Verbose   bool
}

const defaultTopic = "battle-reports"

func defaultOptions() *options {
	return &options{
		Rate: 200, Players: 10_000, Bad: 0.02, Size: 350, Apps: 1, Seed: 1, Partitions: 6, Settle: 30 * time.Second,
	}
}

func (o *options) flags(f *pflag.FlagSet) {
	f.Float64Var(&o.Rate, "rate", o.Rate, "events to publish per second, `N`; 0: as many as the pipeline takes")
	f.DurationVar(&o.Duration, "duration", 0, "stop publishing after `TIME`; 0: at Ctrl-C")
	f.Uint64Var(&o.Count, "count", 0, "stop publishing after `N` events; 0: never")
	f.IntVar(&o.Players, "players", o.Players, "`N` players who play")
	f.Float64Var(&o.Bad, "bad", o.Bad, "`SHARE` of bad events, 0 to 1")
	f.IntVar(&o.Size, "size", o.Size, fmt.Sprintf("about `BYTES` of a good event, 1 to %d", traffic.MaxSize))
	f.IntVar(&o.Apps, "apps", o.Apps, "`N` apps, 1 or 2; the second is on the old score interface, with a tenth of the events")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "`SEED` of events and faults: the same one makes the same")

	f.DurationVar(&o.Latency, "latency", 0, "`TIME` that MSDK takes for a call")
	f.Float64Var(&o.Fail, "fail", 0, "`SHARE` of calls that MSDK answers with HTTP 500")
	f.Float64Var(&o.Throttle, "throttle", 0, "`SHARE` of calls that MSDK answers with a frequency limit")
	f.Float64Var(&o.Timeout, "timeout", 0, "`SHARE` of calls that MSDK never answers")
	f.IntVar(&o.Poison, "poison", 0, "MSDK refuses all reports about the first `N` players")
	f.Var(&o.Outage, "outage", "MSDK is away, HTTP 503, every `TIME:LENGTH`, such as 30s:5s")

	f.StringSliceVar(&o.Brokers, "brokers", nil, "use the Kafka at `HOST:PORT[,HOST:PORT]` instead of the embedded broker")
	f.StringVar(&o.Topic, "topic", "", "`NAME` of the topic to publish to (default "+defaultTopic+", with --brokers none)")
	f.Int32Var(&o.Partitions, "partitions", o.Partitions, "`N` partitions of the topic, if it has to be created")
	f.IntVar(&o.KafkaPort, "kafka-port", 0, "`PORT` of the embedded broker; 0: any free one")
	f.IntVar(&o.MSDKPort, "msdk-port", 0, "`PORT` of the simulated MSDK; 0: any free one")
	f.IntVar(&o.HTTPPort, "http-port", 0, "`PORT` of /metrics, /readyz and profiles; 0: any free one")
	f.StringVar(&o.Data, "data", "", "`DIR` for the embedded broker's data, to be found again by the next run")

	f.DurationVar(&o.Settle, "settle", o.Settle, "at the end, wait this `TIME` at most for events under way")
	f.StringVar(&o.ConfigOut, "config-out", "", "write the configuration to `FILE`, for battlereport -c FILE")
	f.StringVar(&o.Log, "log", "", "write the pipeline's log to `FILE`; without it warnings and errors are shown")
	f.BoolVar(&o.Verbose, "verbose", false, "log at level debug to the --log file, at level info to the terminal")
}

// check fills in the topic, and says what is wrong with the flags together or alone.
func (o *options) check() error {
	share := func(name string, v float64) error {
		if v >= 0 && v <= 1 {
			return nil
		}
		return fmt.Errorf("--%s %v: want a share, 0 to 1", name, v)
	}
	atLeast := func(name string, v, least int64) error {
		if v >= least {
			return nil
		}
		return fmt.Errorf("--%s %d: want at least %d", name, v, least)
	}
	port := func(name string, v int) error {
		if v >= 0 && v < 1<<16 {
			return nil
		}
		return fmt.Errorf("--%s %d: want a port, or 0 for any free one", name, v)
	}
	errs := []error{
		share("bad", o.Bad), share("fail", o.Fail), share("throttle", o.Throttle), share("timeout", o.Timeout),
		atLeast("players", int64(o.Players), 1), atLeast("poison", int64(o.Poison), 0),
		atLeast("partitions", int64(o.Partitions), 1),
		port("kafka-port", o.KafkaPort), port("msdk-port", o.MSDKPort), port("http-port", o.HTTPPort),
	}
	if !(o.Rate >= 0) {
		errs = append(errs, fmt.Errorf("--rate %v: want 0 or more", o.Rate))
	}
	if o.Size < 1 || o.Size > traffic.MaxSize {
		errs = append(errs, fmt.Errorf("--size %d: want 1 to %d, since events above 64 KiB are refused", o.Size, traffic.MaxSize))
	}
	if o.Apps != 1 && o.Apps != 2 {
		errs = append(errs, fmt.Errorf("--apps %d: want 1 or 2", o.Apps))
	}
	if o.Duration < 0 || o.Latency < 0 || o.Settle < 0 {
		errs = append(errs, errors.New("--duration, --latency and --settle: want 0 or more"))
	}
	switch {
	case o.Topic == "" && len(o.Brokers) > 0: // it might be a real one, where readers believe what they read
		errs = append(errs, errors.New("--brokers needs --topic, the topic to publish generated events to"))
	case o.Topic == "":
		o.Topic = defaultTopic
	}
	if len(o.Brokers) > 0 && (o.Data != "" || o.KafkaPort != 0) {
		errs = append(errs, errors.New("--data and --kafka-port are about the embedded broker, and --brokers names another"))
	}
	return errors.Join(errs...)
}

// outage is the value of a flag: away for length of every period.
type outage struct{ every, length time.Duration }

func (o *outage) String() string {
	if o.every == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%s", o.every, o.length)
}

func (o *outage) Type() string { return "TIME:LENGTH" }

func (o *outage) Set(text string) error {
	every, length, _ := strings.Cut(text, ":")
	var read outage
	var err1, err2 error
	read.every, err1 = time.ParseDuration(every)
	read.length, err2 = time.ParseDuration(length)
	if err1 != nil || err2 != nil || read.length <= 0 || read.every <= read.length {
		return errors.New("want TIME:LENGTH, such as 30s:5s, LENGTH being shorter")
	}
	*o = read
	return nil
}
