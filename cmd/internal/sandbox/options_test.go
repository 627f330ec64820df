package sandbox

import (
	"strings"
	"testing"
	"time"
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
