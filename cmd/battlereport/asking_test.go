package main

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// A cluster may have thousands of them.
func TestNoCommandAsksAboutAllTopics(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 8, goodLetters)
	missing := kafkatest.Name(t)
	lines := p.invoke(t, "", "export").stdout
	var asked atomic.Int64
	p.Overhear(t, func(_ int32, r kmsg.Request) {
		if kafkatest.OfAllTopics(r) {
			asked.Add(1)
		}
	})
	publish := publishConfig(t, p.Broker, p.source)
	for _, test := range []struct {
		stdin  string
		args   []string
		config string
		code   int
		most   int64
	}{
		{report, []string{"publish"}, publish, exitDone, 0},
		{"", []string{"deadletter", "list"}, p.config, exitDone, 0},
		{"", []string{"deadletter", "stats"}, p.config, exitDone, 0},
		{"", []string{"deadletter", "show", p.dlq + "/0/0"}, p.config, exitDone, 0},
		{"", []string{"deadletter", "export"}, p.config, exitDone, 0},
		{"", []string{"deadletter", "replay", "--yes", p.dlq + "/0/0"}, p.config, exitDone, 0},
		{"", []string{"deadletter", "discard", "--yes", "--because", "x", p.dlq + "/0/1"}, p.config, exitDone, 0},
		{strings.ReplaceAll(lines, "TOPIC", p.source), []string{"deadletter", "import", "--yes", "-"}, p.config, exitDone, 0},

		// Of a topic that is not there it is said which may be meant.
		{report, []string{"publish"}, publishConfig(t, p.Broker, missing), exitCannot, 1},
		{"", []string{"deadletter", "list"}, publishConfig(t, p.Broker, missing), exitCannot, 0},
		{"", []string{"deadletter", "show", missing + ".dlq/0/0"}, publishConfig(t, p.Broker, missing), exitCannot, 0},
		{"", []string{"deadletter", "replay", "--yes", missing + ".dlq/0/0"}, publishConfig(t, p.Broker, missing), exitCannot, 0},
	} {
		asked.Store(0)
		got := invoke(t, test.stdin, append(test.args, "-c", test.config)...)
		if got.code != test.code {
			t.Errorf("%q: %+v", test.args, got)
		}
		if n := asked.Load(); n > test.most {
			t.Errorf("%q asks %d times about all topics", test.args, n)
		}
	}
}
