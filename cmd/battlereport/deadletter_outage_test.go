package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/letters"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// replayVirtual replays all that is pending through the connections that the broker can sever.
func replayVirtual(ctx context.Context, t *testing.T, p *post, rate float64) (stdout string, err error) {
	t.Helper()
	cfg, err := config.Load(p.config, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pipeline.Connection(cfg, p.Dial)
	if err != nil {
		t.Fatal(err)
	}
	box, err := openLetters(cfg, conn, "")
	if err != nil {
		t.Fatal(err)
	}
	defer box.close()
	var out strings.Builder
	cmd := &cobra.Command{}
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	w, err := newWork(cmd, box, workOptions{yes: true, by: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	replays, err := letters.NewReplays(cfg)
	if err != nil {
		t.Fatal(err)
	}
	replays.MaxReplays = 5
	w.verb, w.done, w.rate = "replay", "replayed", rate
	w.take(nil, deadletter.Filter{}, filterFlags(cmd))
	w.judge, w.resolve = replays.Of, replayAll
	err = w.do(ctx)
	return out.String(), err
}

// goodLetters are letters that can be replayed as they are.
func goodLetters(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) }

func TestAReplayRidesOutAShortOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPostAt(t, kafkatest.StartVirtual(t), 2)
		p.letters(t, 100, goodLetters)
		time.AfterFunc(3*time.Second, p.Sever)
		time.AfterFunc(10*time.Second, p.Restore)
		if stdout, err := replayVirtual(t.Context(), t, p, 10); err != nil || !strings.Contains(stdout, "replayed 100 letters to ") {
			t.Errorf("%v, %s", err, stdout)
		}
		if n := total(p.replayed(t)); n != 100 {
			t.Errorf("%d are replayed", n)
		}
	})
}

func TestAReplayWhoseBrokerStaysAwaySaysHowFarItCameAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPostAt(t, kafkatest.StartVirtual(t), 2)
		p.letters(t, 100, goodLetters)
		time.AfterFunc(3*time.Second, p.Sever)
		began := time.Now()
		stdout, err := replayVirtual(t.Context(), t, p, 10)
		if err == nil || !strings.Contains(stdout, "to go on, run the same command again") || time.Since(began) > 5*time.Minute {
			t.Errorf("after %v: %v, %s", time.Since(began), err, stdout)
		}
		p.Restore()
		if stdout, err = replayVirtual(t.Context(), t, p, 0); err != nil {
			t.Errorf("%v, %s", err, stdout)
		}
		if n := total(p.replayed(t)); n != 100 {
			t.Errorf("%d are replayed", n)
		}
	})
}

func TestASignalEndsAReplayWhoseBrokerIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPostAt(t, kafkatest.StartVirtual(t), 1)
		p.letters(t, 100, goodLetters)
		ctx, signal := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, p.Sever)
		time.AfterFunc(5*time.Second, signal)
		began := time.Now()
		if stdout, err := replayVirtual(ctx, t, p, 10); !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
			t.Errorf("after %v: %v, %s", time.Since(began), err, stdout)
		}
	})
}
