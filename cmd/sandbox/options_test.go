package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/usage"
)

func TestFlagsThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	for named, spoil := range map[string]func(o *options){
		"--bad":        func(o *options) { o.Bad = -0.1 },
		"--fail":       func(o *options) { o.Fail = 1.1 },
		"--throttle":   func(o *options) { o.Throttle = 2 },
		"--timeout":    func(o *options) { o.Timeout = -1 },
		"--rate":       func(o *options) { o.Rate = -1 },
		"--players":    func(o *options) { o.Players = 0 },
		"--poison":     func(o *options) { o.Poison = -1 },
		"--size 0":     func(o *options) { o.Size = 0 },
		"--size 60001": func(o *options) { o.Size = 60_001 },
		"--partitions": func(o *options) { o.Partitions = 0 },
		"--apps":       func(o *options) { o.Apps = 3 },
		"--kafka-port": func(o *options) { o.KafkaPort = 1 << 16 },
		"--msdk-port":  func(o *options) { o.MSDKPort = -1 },
		"--duration":   func(o *options) { o.Duration = -time.Second },
		"--data":       func(o *options) { o.Data, o.Brokers, o.Topic = "d", []string{"localhost:9092"}, "t" },
		"--topic":      func(o *options) { o.Brokers = []string{"localhost:9092"} },
	} {
		o := defaultOptions()
		spoil(o)
		if err := o.check(); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("%s: got %v", named, err)
		}
	}
	if err := defaultOptions().check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestOutageFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]outage{
		"30s:5s":  {30 * time.Second, 5 * time.Second},
		"1m:59s":  {time.Minute, 59 * time.Second},
		"":        {},
		"30s":     {},
		"5s:5s":   {},
		"30s:0s":  {},
		"often:5": {},
	} {
		var got outage
		err := got.Set(text)
		if got != want || (err == nil) != (want != outage{}) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

func TestAFlagsValueIsRefusedWithWhatIsWanted(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--rate fast":       "--rate fast: want a number",
		"--players many":    "--players many: want a whole number",
		"--count -1":        "--count -1: want a whole number, 0 or more",
		"--latency 50":      "--latency 50: want a duration such as 50ms",
		"--outage 5s":       "--outage 5s: want TIME:LENGTH, such as 30s:5s, LENGTH being shorter",
		"--verbose=loud":    "--verbose loud: want true or false",
		"--size 100000":     "--size 100000: want 1 to 60000, since events above 64 KiB are refused",
		"--speed 9":         "unknown flag: --speed",
		"--apps":            "flag needs an argument: --apps",
		"fast":              `unexpected argument "fast"`,
		"--brokers 1.2.3.4": "--brokers needs --topic, the topic to publish generated events to",
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(args), &stdout, &stderr, nil)
		if want = "sandbox: " + want + "\nSee 'sandbox --help'.\n"; code != usage.ExitCannot || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("%s: exit code %d, %s%s, want %s", args, code, stdout.String(), stderr.String(), want)
		}
	}
}
