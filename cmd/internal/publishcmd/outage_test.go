package publishcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// publishVirtual publishes lines through the connections that the broker can sever.
func publishVirtual(ctx context.Context, t *testing.T, b *kafkatest.Broker, topic string, lines []string, from int, rate float64) (stderr string, err error) {
	t.Helper()
	return publishOver(ctx, t, b, b.Dial, topic, lines, from, rate)
}

// publishOver publishes lines through connections of one's own.
func publishOver(ctx context.Context, t *testing.T, b *kafkatest.Broker, dial dialer, topic string, lines []string, from int, rate float64) (stderr string, err error) {
	t.Helper()
	text := fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [%s]}]", b.Addrs()[0], topic)
	cfg, err := config.Parse([]byte(text), "", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := cfg.Kafka.Connection(dial)
	if err != nil {
		t.Fatal(err)
	}
	dest, err := newDestination(cfg, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd := &cobra.Command{}
	cmd.SetErr(&out)
	p := &publication{
		name: "stdin", in: io.NopCloser(strings.NewReader(strings.Join(lines, "\n"))), from: from, dest: dest, failFast: true,
		pace: pace.New(rate, portionRecords), progress: cli.NewProgress(cmd), stderr: &out,
	}
	err = p.publish(ctx, conn, false)
	return out.String(), err
}

func TestABrokerThatIsDownIsWaitedForButNotForEver(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		b.Sever()
		began := time.Now()
		stderr, err := publishVirtual(t.Context(), t, b, topic, publishtest.Reports(1), 1, 0)
		if waited := time.Since(began); waited < patience/2 || waited > 2*patience {
			t.Errorf("gave up after %v", waited)
		}
		if err == nil || strings.Count(stderr, "trying again for 30s") != 1 || strings.Contains(stderr, "published") {
			t.Errorf("%v, %q", err, stderr)
		}
		if want := "look for topic " + topic + " at " + b.Addrs()[0] + ": "; err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestASignalEndsTheWaitForABroker(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		b.Sever()
		ctx, signal := context.WithTimeout(t.Context(), 3*time.Second)
		defer signal()
		began := time.Now()
		if _, err := publishVirtual(ctx, t, b, topic, publishtest.Reports(1), 1, 0); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestAnOutageInTheMiddleLosesNothingAndTurnsNothingAround(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		time.AfterFunc(3*time.Second, b.Sever)
		time.AfterFunc(8*time.Second, b.Restore)
		lines := publishtest.Reports(1000)
		stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 100)
		if err != nil || strings.Count(stderr, "trying again") != 1 || !strings.Contains(stderr, "published 1000 records") {
			t.Errorf("%v, %q", err, stderr)
		}
		if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestARecordWhoseAcknowledgementIsLostIsInTheTopicOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"as large as may be", "too large together"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				topic := kafkatest.Name(t)
				settings := map[string]string{}
				if size != "as large as may be" {
					settings["max.message.bytes"] = "1000"
				}
				if err := b.CreateTopic(t.Context(), topic, 3, settings); err != nil {
					t.Fatal(err)
				}
				lines := publishtest.Reports(300)
				stderr, err := publishOver(t.Context(), t, b, losing(b.Dial, 5), topic, lines, 1, 0)
				if err != nil || !strings.Contains(stderr, "published 300 records") {
					t.Errorf("%v, %q", err, stderr)
				}
				if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
					t.Errorf("the topic holds %v", got)
				}
			})
		})
	}
}

func TestWhoGoesOnWhereAnOutageStoppedItLosesNothing(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		time.AfterFunc(3*time.Second, b.Sever)
		lines := publishtest.Reports(1000)
		stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 100)
		var unwritten *unwrittenError
		if !errors.As(err, &unwritten) || !strings.Contains(stderr, fmt.Sprintf("--from-line %d (of the lines after it", unwritten.line)) {
			t.Fatalf("%v, %q", err, stderr)
		}
		if done := len(b.ReadAll(t, topic)); done < 250 || done > 350 || unwritten.line > done+1 {
			t.Errorf("%d records are published, and one is to go on with line %d", done, unwritten.line)
		}
		b.Restore()
		if stderr, err = publishVirtual(t.Context(), t, b, topic, lines, unwritten.line, 0); err != nil {
			t.Fatalf("%v, %q", err, stderr)
		}
		// What was written beyond the line may be there twice, so the order is that of the first time each is there.
		got := publishtest.ByUser(t, b, topic)
		for user, values := range got {
			seen := map[string]bool{}
			got[user] = slices.DeleteFunc(values, func(v string) bool {
				was := seen[v]
				seen[v] = true
				return was
			})
		}
		if !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestAfterASignalAllBeforeTheLineNamedIsPublishedAndNothingElse(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		ctx, signal := context.WithCancel(t.Context())
		time.AfterFunc(3500*time.Millisecond, signal)
		lines := publishtest.Reports(1000)
		stderr, err := publishVirtual(ctx, t, b, topic, lines, 1, 100)
		if !errors.Is(err, context.Canceled) || errors.As(err, new(*unwrittenError)) {
			t.Fatal(err)
		}
		done := len(b.ReadAll(t, topic))
		if done < 300 || done > 400 || !strings.HasSuffix(stderr, fmt.Sprintf("to go on there: --from-line %d\n", done+1)) {
			t.Errorf("%d records, %q", done, stderr)
		}
		if stderr, err = publishVirtual(t.Context(), t, b, topic, lines, done+1, 0); err != nil {
			t.Fatalf("%v, %q", err, stderr)
		}
		if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestARefusalThatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		publishtest.RefuseProduce(t, b, kerr.NotEnoughReplicas, 2)
		lines := publishtest.Reports(100)
		stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 0)
		if err != nil || strings.Count(stderr, "trying again") != 1 {
			t.Errorf("%v, %q", err, stderr)
		}
		if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestARefusalThatStaysIsNot(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		publishtest.RefuseProduce(t, b, kerr.TopicAuthorizationFailed, 1)
		stderr, err := publishVirtual(t.Context(), t, b, topic, publishtest.Reports(10), 1, 0)
		if unwritten := new(unwrittenError); !errors.As(err, &unwritten) || unwritten.line != 1 || strings.Contains(stderr, "trying again") {
			t.Errorf("%v, %q", err, stderr)
		}
	})
}
