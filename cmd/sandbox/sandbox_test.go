package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/usage"
	"github.com/battlereport/battlereport/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a run of two thousand events, as fast as they go.
func small(t *testing.T) *options {
	o := defaultOptions()
	o.Rate, o.Count, o.Players, o.Bad, o.Settle = 0, 2000, 300, 0.1, 5*time.Minute
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	return o
}

// playOut runs a sandbox to its end. meanwhile, if any, runs beside it.
func playOut(t *testing.T, o *options, meanwhile func(s *sandbox)) result {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := start(t.Context(), o, log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if meanwhile != nil {
			meanwhile(s)
		}
	}()
	r, err := s.run(t.Context(), context.Background())
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if r.Published != r.Delivered+r.DeadLettered+r.Pending+r.Lost {
		t.Errorf("it does not add up:\n%s", r)
	}
	return r
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	for rule, test := range map[string]struct {
		set  func(o *options)
		want func(r result) bool
	}{
		"with a platform at its best": {
			func(*options) {},
			func(r result) bool { return r.failed == 0 },
		},
		"with a platform that fails and is slow": {
			func(o *options) { o.Fail, o.Latency = 0.1, 5*time.Millisecond },
			func(r result) bool { return r.failed > 0 },
		},
		"with players whom the platform refuses": {
			func(o *options) { o.Poison, o.Players = 20, 2000 }, // few events each: one player is named once a second
			func(r result) bool { return r.Letters[deadletter.Rejected] > 0 },
		},
		"with a second app on the old interface": {
			func(o *options) { o.Apps, o.Count, o.Players = 2, 500, 3000 },
			func(result) bool { return true },
		},
		"with nothing but bad events": {
			func(o *options) { o.Bad = 1 },
			func(r result) bool { return r.Delivered == 0 && r.calls == 0 },
		},
	} {
		t.Run(rule, func(t *testing.T) {
			o := small(t)
			test.set(o)
			r := playOut(t, o, nil)
			if !r.ok() || r.Pending != 0 || r.Published != int(o.Count) || !test.want(r) {
				t.Errorf("%d failed calls\n%s", r.failed, r)
			}
		})
	}
}

func TestWhatAPlatformThatIsAwayLeavesPendingIsNeitherLostNorAccountedFor(t *testing.T) {
	t.Parallel() // the drain takes its time
	o := small(t)
	o.Count, o.Bad, o.Fail, o.Settle = 100, 0, 1, 200*time.Millisecond
	r := playOut(t, o, nil)
	if r.ok() || r.Pending != 100 || len(r.Breaches) > 0 {
		t.Errorf("ok is %v\n%s", r.ok(), r)
	}
}

func TestEventsOfOthersAreDeliveredAndNotCounted(t *testing.T) {
	o := small(t)
	r := playOut(t, o, func(s *sandbox) {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.DefaultProduceTopic(o.Topic))
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		for _, value := range []string{`{"baseinfo":{"openid":"me","platid":1},"battleinfo":{"score":999999}}`, `{"oops"`} {
			if err := client.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
				t.Error(err)
			}
		}
		// Before the pipeline is drained; the time only ends what would never end.
		for end := time.Now().Add(time.Minute); s.platform.foreign.Load() == 0 || s.letters.foreigners() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Error("they have not come out")
				return
			}
		}
		if score, _ := s.platform.Leaderboard.Best(gameID, "me"); score != 999999 {
			t.Errorf("the leaderboard has %d", score)
		}
	})
	if !r.ok() || r.Published != int(o.Count) || r.foreign != 1 || r.foreignLetter != 1 {
		t.Errorf("%d delivered and %d dead-lettered of others\n%s", r.foreign, r.foreignLetter, r)
	}
}

func TestTheBrokersDataAreKept(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		o := small(t)
		o.Data, o.Count = dir, 300
		if r := playOut(t, o, nil); !r.ok() || r.Published != 300 || r.foreign+r.foreignLetter != 0 {
			t.Errorf("%d delivered and %d dead-lettered of others\n%s", r.foreign, r.foreignLetter, r)
		}
	}
}

func TestABreachIsNoticed(t *testing.T) {
	o := small(t)
	o.Bad = 0
	r := playOut(t, o, func(s *sandbox) {
		s.book.Bury(audit.Letter{Number: 1 << 30, Reason: deadletter.Exhausted})
	})
	if r.ok() || r.Breaches[audit.Unknown] != 1 {
		t.Errorf("ok is %v\n%s", r.ok(), r)
	}
}

func TestOutputForAPipe(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	var stdout, stderr bytes.Buffer
	code := run([]string{"--rate", "0", "--count", "500", "--bad", "0.1", "--config-out", file}, &stdout, &stderr, nil)
	out := stdout.String()
	if code != usage.ExitDone {
		t.Errorf("exit code %d\n%s\n%s", code, out, stderr.String())
	}
	if strings.ContainsAny(out, "\x1b\r") {
		t.Errorf("escape codes in a pipe: %q", out)
	}
	for _, want := range []string{
		`kcat -b 127\.0\.0\.1:\d+ -t battle-reports -C`,
		`curl -s http://127\.0\.0\.1:\d+/metrics`,
		`battlereport run -c .*sandbox\.yaml`,
		`(?m)^ +\d:\d\d  publishing: published `,
		`(?m)^published +500$`,
		`(?m)^  pending +0$`,
		`Every event is accounted for\.\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing like %s in\n%s", want, out)
		}
	}
	commands := regexp.MustCompile(`(?m)^  battlereport (\w+)`).FindAllStringSubmatch(out, -1)
	for _, command := range commands { // it has a file for each
		if _, err := os.Stat(filepath.Join("..", "battlereport", command[1]+".go")); err != nil {
			t.Errorf("%s: %v", command[0], err)
		}
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, cfg.Kafka.Brokers[0]) || !strings.Contains(out, cfg.MSDK.BaseURL) {
		t.Errorf("the configuration written leads to %s and %s", cfg.Kafka.Brokers, cfg.MSDK.BaseURL)
	}
}

// onSight is an output that sends a signal for each of its patterns, once the one before has been seen.
type onSight struct {
	seen     bytes.Buffer
	patterns []*regexp.Regexp
	signals  chan os.Signal
}

func (w *onSight) Write(text []byte) (int, error) {
	if len(w.patterns) > 0 && w.patterns[0].Match(text) {
		w.patterns = w.patterns[1:]
		w.signals <- os.Interrupt
	}
	return w.seen.Write(text)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args      string
		interrupt []string // when
		code      int
	}{
		"0 after one Ctrl-C, when all has settled":                 {"", []string{`published [1-9]`}, usage.ExitDone},
		"0 after two, when some is pending and nothing is amiss":   {"--fail 1", []string{`published [1-9]`, `settling`}, usage.ExitDone},
		"0 after one during the start":                             {"", []string{`^Kafka`}, usage.ExitDone},
		"1 when some is pending though there was time":             {"--fail 1 --count 10 --bad 0 --rate 0 --settle 100ms", nil, usage.ExitNo},
		"2 for a flag that there is not":                           {"--speed 9", nil, usage.ExitCannot},
		"2 for a flag that makes no sense":                         {"--bad 2", nil, usage.ExitCannot},
		"2 for an argument":                                        {"fast", nil, usage.ExitCannot},
		"2 when the log cannot be written":                         {"--log /", nil, usage.ExitCannot},
		"2 when a port is no port":                                 {"--http-port 70000", nil, usage.ExitCannot},
		"2 for another Kafka without saying to which of its topic": {"--brokers 127.0.0.1:1", nil, usage.ExitCannot},
		"0 for help": {"--help", nil, usage.ExitDone},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			stdout := &onSight{signals: make(chan os.Signal, len(test.interrupt))}
			for _, when := range test.interrupt {
				stdout.patterns = append(stdout.patterns, regexp.MustCompile(when))
			}
			var stderr bytes.Buffer
			if code := run(strings.Fields(test.args), stdout, &stderr, stdout.signals); code != test.code {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, stdout.seen.String(), stderr.String())
			}
			if len(stdout.patterns) > 0 {
				t.Errorf("nothing like %s in\n%s", stdout.patterns[0], stdout.seen.String())
			}
			if stderr.Len() == 0 && test.code == usage.ExitCannot {
				t.Error("nothing on standard error")
			}
		})
	}
}
