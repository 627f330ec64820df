package main

import (
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestForeignRecordsAreSelectedByTheReasonThatStatsGivesThem(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 6, func(i int, l *deadletter.Letter) {
		if i == 5 {
			l.Reason = deadletter.Rejected
		}
	})
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("user-1"), Value: []byte(`{"by":"hand"}`)}, kafkatest.Record{Topic: p.dlq, Value: []byte("x")})
	for rule, test := range map[string]struct {
		args []string
		want string // the offsets, newest first
	}{
		"alone":                            {[]string{"--reason", "foreign"}, "7 6"},
		"beside another":                   {[]string{"--reason", "rejected,foreign"}, "7 6 5"},
		"what all have in common":          {[]string{"--reason", "foreign", "--openid", "user-1"}, "6"},
		"a condition":                      {[]string{"--reason", "foreign,rejected", "--where", `.value.by == "hand"`}, "6"},
		"what only letters have":           {[]string{"--reason", "foreign,rejected", "--app", "wx1"}, "5"},
		"other reasons do not select them": {[]string{"--reason", "rejected"}, "5"},
		"a condition only fails on what the reasons select": {[]string{"--reason", "foreign", "--where", `if .letter.reason then error("asked of others") else true end`}, "7 6"},
	} {
		got := p.invoke(t, "", "list", append(test.args, "-o", "jsonl")...)
		var offsets []string
		for line := range strings.Lines(got.stdout) {
			_, rest, _ := strings.Cut(line, `"name":"TOPIC.dlq/0/`)
			offsets = append(offsets, rest[:1])
		}
		if strings.Join(offsets, " ") != test.want || got.code != exitDone || got.stderr != "" {
			t.Errorf("%s: %v, want %s: %+v", rule, offsets, test.want, got)
		}
	}
	if got := p.invoke(t, "", "list", "--reason", "foreign", "--where", `error("no")`); got.code != exitNone || !strings.Contains(got.stderr, "--where failed on 2 letters") {
		t.Errorf("a condition that fails: %+v", got)
	}
	if got := p.invoke(t, "", "stats", "--reason", "foreign"); got.code != exitDone || !strings.HasPrefix(got.stdout, "2 letters are pending") {
		t.Errorf("stats: %+v", got)
	}
	if got := p.invoke(t, "", "export", "--reason", "foreign"); got.code != exitDone || strings.Count(got.stdout, `"foreign":"`) != 2 {
		t.Errorf("export: %+v", got)
	}
	got := p.invoke(t, "", "replay", "--reason", "foreign", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitNo || r.Planned != 0 || len(r.Left) != 1 || r.Left[0].Kind != "foreign" || r.Left[0].Letters != 2 {
		t.Errorf("replay: %+v", got)
	}
	got = p.invoke(t, "", "discard", "--reason", "foreign", "--because", "by hand", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 2 {
		t.Errorf("discard: %+v", got)
	}
	if names := p.names(t, "pending"); len(names) != 6 {
		t.Errorf("pending are %v", names)
	}
}
