package sandbox

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/audit"
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
