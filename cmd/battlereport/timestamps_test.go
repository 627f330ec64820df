package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestLettersWithoutATimeAreShownWithoutOneAndReplayedLikeOthers(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 4, goodLetters, func(i int, l *deadletter.Letter) {
		switch l.Key = []byte{'a' + byte(i)}; i {
		case 1:
			l.Source.Time = time.Time{}
		case 2:
			l.Source.Time, l.Time = time.Time{}, time.Time{}
		case 3:
			l.Source.Time = time.UnixMilli(time.Now().UnixMicro()) // which RFC 3339 cannot write
		}
	})
	none, seconds := time.UnixMilli(-1), time.UnixMilli(time.Now().Unix())
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Timestamp: none, Value: []byte("foreign")}, kafkatest.Record{Topic: p.dlq, Timestamp: seconds, Value: []byte("foreign")})
	wrong := func(text string) bool {
		return strings.Contains(text, "1969-") || strings.Contains(text, "0001-") || strings.Contains(text, "20000d") || strings.Contains(text, "1970-01-01T00:00:00")
	}
	for rule, test := range map[string]struct {
		args []string
		want []string
	}{
		"a table":  {[]string{"list"}, []string{"TOPIC.dlq/0/4  -"}},
		"JSON":     {[]string{"list", "-o", "json"}, []string{`"source":{"topic":"TOPIC","partition":0,"offset":1},`, `"timestamp":"9999-12-31T23:59:59.999Z"`}},
		"one":      {[]string{"show", "TOPIC.dlq/0/4"}, []string{"written    no time"}},
		"counts":   {[]string{"stats"}, []string{"6 letters are pending", "2 letters without a time, or with one that nobody can mean"}},
		"counted":  {[]string{"stats", "-o", "json"}, []string{`"no_time": 2,`}},
		"since":    {[]string{"stats", "--since", "2000-01-01"}, []string{"4 letters are pending"}},
		"and both": {[]string{"stats", "--since", "2000-01-01", "--until", "2100-01-01"}, []string{"4 letters are pending"}},
		"until":    {[]string{"stats", "--until", "2100-01-01"}, []string{"4 letters are pending"}},
	} {
		got := p.invoke(t, "", test.args[0], test.args[1:]...)
		for _, want := range test.want {
			if got.code != exitDone || !strings.Contains(got.stdout, want) || wrong(got.stdout) {
				t.Errorf("%s: want %q in %+v", rule, want, got)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "letters.jsonl")
	if got := p.invoke(t, "", "export", "--where", ".letter.foreign == null", "--out", path); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if text, err := os.ReadFile(path); err != nil || wrong(string(text)) || strings.Count(string(text), `"timestamp"`) != 2 {
		t.Errorf("exported is %s, error %v", text, err)
	}
	if got := p.invoke(t, "", "import", path, "--yes", "-o", "json"); got.code != exitDone || reported(t, got).Done != 4 {
		t.Errorf("%+v", got)
	}
	stamps := 0
	for _, r := range p.committed(t) {
		origin, ok := deadletter.OriginOf(r.Headers)
		if !ok {
			t.Errorf("%s is no replay: %v", r.Key, r.Headers)
		}
		if !origin.Source.Time.IsZero() {
			stamps++
		}
	}
	if stamps != 2 {
		t.Errorf("%d replays have the timestamp that they first had, want 2", stamps)
	}
}
