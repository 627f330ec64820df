package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// A watched is the program watching, and what it has written.
type watched struct {
	text
	stop  context.CancelFunc
	ended chan outcome
}

// watch runs the program until it is stopped.
func (p *post) watch(t *testing.T, args ...string) *watched {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &watched{stop: stop, ended: make(chan outcome, 1)}
	t.Cleanup(stop)
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "TOPIC", p.source)
	}
	go func() {
		var stderr text
		code := run(ctx, append([]string{"deadletter", "watch", "-c", p.config}, args...), strings.NewReader(""), w, &stderr)
		w.ended <- outcome{code, strings.ReplaceAll(w.String(), p.source, "TOPIC"), strings.ReplaceAll(stderr.String(), p.source, "TOPIC")}
	}()
	return w
}

// awaits waits until so many lines are written, and ends the watching.
func (w *watched) awaits(t *testing.T, lines int) outcome {
	t.Helper()
	for strings.Count(w.String(), "\n") < lines {
		select {
		case got := <-w.ended:
			t.Fatalf("%+v", got)
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.stop()
	return <-w.ended
}

func TestAWatchWritesALineForEachLetterAndEndsWellBySignal(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 10)
	w := p.watch(t, "--since", "1d")
	for strings.Count(w.String(), "\n") < 10 {
		time.Sleep(10 * time.Millisecond)
	}
	p.letters(t, 3, func(i int, l *deadletter.Letter) { l.Source.Offset += 1000; l.Detail = "more" })
	p.Produce(t, p.ReadAll(t, p.dlq)[:4]...) // twins
	p.letters(t, 1, func(i int, l *deadletter.Letter) { l.Source.Offset += 2000; l.Detail = "the last" })
	got := w.awaits(t, 14)
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	if got.code != exitDone || got.stderr != "" || len(lines) != 14 || !strings.HasSuffix(lines[13], "Z  TOPIC.dlq/0/17  exhausted  wx1  the last") {
		t.Errorf("%+v", got)
	}
	for i := range 10 {
		if want := []string{"  exhausted  wx1  no call succeeded", "  schema_violation  wx1  /baseinfo/platid: expected integer, but got string"}[i%2]; !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
}

func TestAWatchAsJSONIsOfWholeLettersAsListHasThem(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 6)
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("x"), Value: []byte("<not a letter>")})
	p.invoke(t, "", "discard", "--because", "noise", "TOPIC.dlq/0/2", "--yes")
	list := p.invoke(t, "", "list", "--state", "all", "-o", "jsonl").stdout
	want := strings.SplitAfter(list, "\n")
	want = want[:len(want)-1]
	slices.Reverse(want)
	if got := p.watch(t, "--since", "1d", "-o", "json").awaits(t, 7); got.code != exitDone || got.stdout != strings.Join(want, "") {
		t.Errorf("%+v\nwant %s", got, want)
	}
}

func TestAWatchIsOfWhatTheFiltersSelect(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 10)
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("x"), Value: []byte("not a letter")})
	for rule, test := range map[string]struct {
		args []string
		want int
	}{
		"by reason":                         {[]string{"--reason", "schema_violation"}, 5},
		"by app":                            {[]string{"--app", "wx1,wx2", "--openid", "user-0", "--topic", "TOPIC"}, 2},
		"by condition":                      {[]string{"--where", ".value.battleinfo.score > 7"}, 3},
		"records that are no letters":       {[]string{"--reason", "foreign"}, 1},
		"and these with a reason of others": {[]string{"--reason", "foreign,exhausted", "--where", ".text != null"}, 6},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := p.watch(t, append(test.args, "--since", "1d")...).awaits(t, test.want)
			if got.code != exitDone || strings.Count(got.stdout, "\n") != test.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAConditionThatFailsIsToldWhenAWatchEnds(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, func(i int, l *deadletter.Letter) {
		if i < 2 {
			l.Headers = []consumer.Header{{Key: "n", Value: []byte("x")}}
		}
	})
	got := p.watch(t, "--since", "1d", "--where", ".headers.n | tonumber > 0").awaits(t, 1)
	if got.code != exitDone || !strings.Contains(got.stderr, "battlereport: --where failed on 2 letters, none of which matches; the first: ") {
		t.Errorf("%+v", got)
	}
}

func TestAWatchIsNotOfOneStateAndHasNoEnd(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}]")
	for _, flag := range []string{"--state=pending", "--until=1h"} {
		if got := invoke(t, "", "deadletter", "watch", "-c", path, flag); got.code != exitCannot || !strings.Contains(got.stderr, flag[:7]) || !strings.Contains(got.stderr, "want that of list or stats; watch shows letters as they come") {
			t.Errorf("%s: %+v", flag, got)
		}
	}
}

// A pipe whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.Join(io.ErrClosedPipe, syscall.EPIPE) }

func TestAWatchEndsWithWhoReadsIt(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3)
	var stderr strings.Builder
	if code := run(t.Context(), []string{"deadletter", "watch", "-c", p.config, "--since", "1d"}, strings.NewReader(""), brokenPipe{}, &stderr); code != exitCannot || stderr.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}

func TestAWatchTouchesNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3)
	p.watch(t, "--since", "1d").awaits(t, 3)
	topics := slices.DeleteFunc(p.Topics(t, p.source), func(name string) bool { return strings.Contains(name, ".draft-") }) // of the harness
	if len(topics) != 2 || len(p.Committed(t, "battlereport", p.dlq)) > 0 {
		t.Errorf("there are %v", topics)
	}
	var l struct{ State string }
	if err := json.Unmarshal([]byte(p.invoke(t, "", "list", "-o", "jsonl", "--limit", "1").stdout), &l); err != nil || l.State != "pending" {
		t.Errorf("%+v, %v", l, err)
	}
}
