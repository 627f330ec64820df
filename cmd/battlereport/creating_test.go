package main

import (
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// The brokers create what is asked for in the way that allows it, as they do by default.
func TestNoCommandCreatesATopicThatDoesNotExist(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 2)
	exported := p.invoke(t, "", "export").stdout
	misspelt := kafkatest.Name(t)
	lines := strings.ReplaceAll(strings.ReplaceAll(exported, "TOPIC", misspelt), p.source, misspelt)
	config, letter := publishConfig(t, p.Broker, misspelt), misspelt+".dlq/0/0"
	for _, test := range []struct {
		stdin string
		args  []string
	}{
		{report, []string{"publish"}},
		{report, []string{"publish", "--topic", misspelt}},
		{"", []string{"deadletter", "list"}},
		{"", []string{"deadletter", "list", "--topic", misspelt}},
		{"", []string{"deadletter", "stats"}},
		{"", []string{"deadletter", "export"}},
		{"", []string{"deadletter", "show", letter}},
		{"", []string{"deadletter", "replay", "--yes", letter}},
		{"", []string{"deadletter", "replay", "--yes", "--reason", "exhausted"}},
		{"", []string{"deadletter", "discard", "--yes", "--because", "x", letter}},
		{lines, []string{"deadletter", "import", "--yes", "-"}},
	} {
		if got := invoke(t, test.stdin, append(test.args, "-c", config)...); got.code != exitCannot || !strings.Contains(got.stderr, misspelt) {
			t.Errorf("%q: %+v", test.args, got)
		}
		if topics := p.Topics(t, misspelt); len(topics) > 0 {
			t.Fatalf("%q: there are the topics %q", test.args, topics)
		}
	}
}
