package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/triage"
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
	replays, err := triage.NewReplays(cfg)
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
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPostAt(t, b, 2)
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
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPostAt(t, b, 2)
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

func TestKafkaThatCannotBeReachedIsSaidFirst(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	path := write(t, "battlereport.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [t]}]", address))
	export := write(t, "letters.jsonl", `{"name":"t.dlq/0/0","state":"pending","written":"2026-11-22T00:00:00Z","foreign":"x","key":null,"headers":[],"value":""}`)
	for _, args := range [][]string{
		{"stats"},
		{"list"},
		{"export"},
		{"show", "t.dlq/0/0"},
		{"replay", "t.dlq/0/0", "--yes"},
		{"discard", "--reason", "rejected", "--because", "x"},
		{"import", export, "--yes"},
	} {
		want := outcome{exitCannot, "", "battlereport: Kafka at " + address + " cannot be reached: dial tcp " + address + ": connect: connection refused\n"}
		if got := invoke(t, "", append(append([]string{"deadletter"}, args...), "-c", path)...); got != want {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestASignalEndsAReplayWhoseBrokerIsAway(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPostAt(t, b, 1)
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
