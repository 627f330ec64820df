package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
)

// A post is a broker in virtual time, with the dead letters of a source topic.
type post struct {
	*kafkatest.Broker
	cfg    *config.Config
	conn   consumer.Connection // which the broker can sever
	source string

	written int64 // letters, after those of newPost
}

// newPost returns a post with n letters of a few players, which can be replayed as they are.
func newPost(t *testing.T, b *kafkatest.Broker, partitions int32, n int) *post {
	t.Helper()
	p := &post{Broker: b, source: b.Topic(t, partitions)}
	text := fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [%s]}]", b.Addrs()[0], p.source)
	var err error
	if p.cfg, err = config.Parse([]byte(text), "", os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	if p.conn, err = p.cfg.Kafka.Connection(b.Dial); err != nil {
		t.Fatal(err)
	}
	dlq := p.cfg.DeadLetter.TopicFor(p.source)
	if err := b.CreateTopic(t.Context(), dlq, partitions, nil); err != nil {
		t.Fatal(err)
	}
	w, err := deadletter.NewWriter(p.conn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	letters := make([]deadletter.Letter, n)
	for i := range letters {
		user := fmt.Sprintf("user-%d", i%7)
		letters[i] = deadletter.Letter{
			Key: []byte(user), Value: []byte(publishtest.Report(user, 1)), Reason: deadletter.Exhausted, Delivery: deadletter.None,
			Source: deadletter.Source{Topic: p.source, Offset: int64(i), Time: time.Now()}, Time: time.Now(),
		}
	}
	if _, err := w.Write(t.Context(), dlq, letters...); err != nil {
		t.Fatal(err)
	}
	return p
}

// replayed returns how many letters are in the replay topic, by transactions that were not aborted.
func (p *post) replayed(t *testing.T) (n int) {
	t.Helper()
	topic := p.cfg.DeadLetter.ReplayTopicFor(p.source)
	store, err := store.Open(p.conn, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p.AwaitTransactions(t, topic)
	for _, err := range store.Letters(t.Context(), deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// replayVirtual replays all that is pending through the connections that the broker can sever.
func replayVirtual(ctx context.Context, t *testing.T, p *post, rate float64) (stdout string, err error) {
	t.Helper()
	box, err := openLetters(p.cfg, p.conn, "")
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
	replays, err := triage.NewReplays(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	replays.MaxReplays = 5
	w.verb, w.done, w.rate = "replay", "replayed", rate
	w.take(nil, deadletter.Filter{}, newFilterFlags(cmd))
	w.judge, w.resolve = replays.Of, replayAll
	err = w.do(ctx)
	return out.String(), err
}

func TestAReplayRidesOutAShortOutage(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 2, 100)
		time.AfterFunc(3*time.Second, p.Sever)
		time.AfterFunc(10*time.Second, p.Restore)
		if stdout, err := replayVirtual(t.Context(), t, p, 10); err != nil || !strings.Contains(stdout, "replayed 100 letters to ") {
			t.Errorf("%v, %s", err, stdout)
		}
		if n := p.replayed(t); n != 100 {
			t.Errorf("%d are replayed", n)
		}
	})
}

func TestAReplayWhoseBrokerStaysAwaySaysHowFarItCameAndGoesOn(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 2, 100)
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
		if n := p.replayed(t); n != 100 {
			t.Errorf("%d are replayed", n)
		}
	})
}

func TestASignalEndsAReplayWhoseBrokerIsAway(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 100)
		ctx, signal := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, p.Sever)
		time.AfterFunc(5*time.Second, signal)
		began := time.Now()
		if stdout, err := replayVirtual(ctx, t, p, 10); !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
			t.Errorf("after %v: %v, %s", time.Since(began), err, stdout)
		}
	})
}
