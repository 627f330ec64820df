package publishcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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
				var lost atomic.Int32
				lost.Store(5)
				stderr, err := publishOver(t.Context(), t, b, losing(b.Dial, &lost), topic, lines, 1, 0)
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

// Of two partitions, whose leaders are two brokers, what goes to the one is written and its acknowledgement lost, and what
// goes to the other is too large together: only that may be sent in halves.
func TestOnlyWhatIsTooLargeIsSentInHalves(t *testing.T) {
	t.Parallel()
	keys := kgo.StickyKeyPartitioner(nil).ForTopic("")
	player := func(partition int) string {
		for i := 0; ; i++ {
			name := fmt.Sprint("player-", i)
			if keys.Partition(&kgo.Record{Key: []byte(name)}, 2) == partition {
				return name
			}
		}
	}
	few, many := player(0), player(1)
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := kafkatest.Name(t)
		if err := b.CreateTopic(t.Context(), topic, 2, map[string]string{"max.message.bytes": "1000"}); err != nil {
			t.Fatal(err)
		}
		cluster := b.RequireKfake(t)
		for partition := range int32(2) {
			if err := cluster.MoveTopicPartition(topic, partition, partition); err != nil {
				t.Fatal(err)
			}
		}
		var lost atomic.Int32
		lost.Store(1 << 20)
		time.AfterFunc(8*time.Second, func() { lost.Store(0) })
		lossy := losing(b.Dial, &lost)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == b.Addrs()[0] {
				return lossy(ctx, network, address)
			}
			return b.Dial(ctx, network, address)
		}
		var lines []string
		for i := range 40 {
			who := many
			if i%8 == 0 {
				who = few
			}
			lines = append(lines, publishtest.Report(who, i))
		}
		stderr, err := publishOver(t.Context(), t, b, dial, topic, lines, 1, 0)
		if err != nil || !strings.Contains(stderr, "published 40 records") || !strings.Contains(stderr, "trying again") {
			t.Errorf("%v, %q", err, stderr)
		}
		got := publishtest.ByUser(t, b, topic)
		if len(got[few]) != 5 || len(got[many]) != 35 {
			t.Errorf("%d of 5 records are there, and %d of 35", len(got[few]), len(got[many]))
		}
	}, kfake.NumBrokers(2))
}

// A topic gets a third partition between two attempts at one portion: of the first, player a's record was refused and player
// b's written, whose acknowledgement was lost. The partition of b's is a's now.
func TestPartitionsThatAreAddedBetweenTwoAttemptsLoseNothing(t *testing.T) {
	t.Parallel()
	keys := kgo.StickyKeyPartitioner(nil).ForTopic("")
	player := func(of2, of3 int) string {
		for i := 0; ; i++ {
			name := fmt.Sprint("player-", i)
			if r := (&kgo.Record{Key: []byte(name)}); keys.Partition(r, 2) == of2 && keys.Partition(r, 3) == of3 {
				return name
			}
		}
	}
	a, b := player(0, 1), player(1, 2)
	kafkatest.Virtual(t, func(t *testing.T, broker *kafkatest.Broker) {
		topic := broker.Topic(t, 2)
		cluster := broker.RequireKfake(t)
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(r kmsg.Request) bool {
			return r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Partition == 0
		}})
		var lost atomic.Int32
		lost.Store(1 << 20)
		time.AfterFunc(8*time.Second, func() {
			client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...), kgo.Dialer(broker.Dial))
			if err != nil {
				t.Error(err)
				return
			}
			defer client.Close()
			more := kmsg.NewCreatePartitionsRequestTopic()
			more.Topic, more.Count = topic, 3
			req := kmsg.NewPtrCreatePartitionsRequest()
			req.Topics = append(req.Topics, more)
			if _, err := req.RequestWith(t.Context(), client); err != nil {
				t.Error(err)
			}
			lost.Store(0)
		})
		lines := []string{publishtest.Report(a, 1), publishtest.Report(b, 2)}
		stderr, err := publishOver(t.Context(), t, broker, losing(broker.Dial, &lost), topic, lines, 1, 0)
		if err != nil || !strings.Contains(stderr, "published 2 records") {
			t.Errorf("%v, %q", err, stderr)
		}
		got := publishtest.ByUser(t, broker, topic)
		if !slices.Equal(got[a], lines[:1]) || !slices.Contains(got[b], lines[1]) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestNothingToPublishNeedsNoBroker(t *testing.T) {
	t.Parallel()
	for rule, lines := range map[string][]string{
		"the input ends after a while": {publishtest.Report("a", 1)},
		"so it does with a bad line":   {publishtest.Report("a", 1), "{"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				topic := b.Topic(t, 1)
				time.AfterFunc(5*time.Second, b.Sever)
				stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 0.1) // the second is looked at after ten seconds
				if err != nil && !errors.Is(err, cli.ErrNo) || !strings.Contains(stderr, "published 1 record ") || strings.Contains(stderr, "trying again") {
					t.Errorf("%v, %q", err, stderr)
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
	for code, times := range map[*kerr.Error]int{
		kerr.NotEnoughReplicas:        2,
		kerr.OutOfOrderSequenceNumber: 6, // twice to each of three partitions: the first has it be another producer
	} {
		t.Run(code.Message, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				topic := b.Topic(t, 3)
				publishtest.RefuseProduce(t, b, code, times)
				lines := publishtest.Reports(100)
				stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 0)
				if err != nil || strings.Count(stderr, "trying again") != 1 {
					t.Errorf("%v, %q", err, stderr)
				}
				if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
					t.Errorf("the topic holds %v", got)
				}
			})
		})
	}
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
