package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// publishVirtual publishes lines through the connections that the broker can sever.
func publishVirtual(ctx context.Context, t *testing.T, b *kafkatest.Broker, topic string, lines []string, from int, rate float64) (stderr string, err error) {
	t.Helper()
	text := fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [%s]}]", b.Addrs()[0], topic)
	cfg, err := config.Parse([]byte(text), "", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pipeline.Connection(cfg, b.Dial)
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
		pace: newPublishPace(rate), progress: cli.NewProgress(cmd), stderr: &out,
	}
	err = p.publish(ctx, conn, false)
	return out.String(), err
}

// byUser returns each user's values in the order of the topic.
func byUser(t *testing.T, b *kafkatest.Broker, topic string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, r := range b.ReadAll(t, topic) {
		out[string(r.Key)] = append(out[string(r.Key)], string(r.Value))
	}
	return out
}

// wantByUser returns what [byUser] finds when the lines of [reports] lie in order.
func wantByUser(lines []string) map[string][]string {
	out := map[string][]string{}
	for i, text := range lines {
		user := fmt.Sprintf("user-%d", i%7)
		out[user] = append(out[user], text)
	}
	return out
}

func sameByUser(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }

func TestABrokerThatIsDownIsWaitedForButNotForEver(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		b.Sever()
		began := time.Now()
		stderr, err := publishVirtual(t.Context(), t, b, topic, reports(1), 1, 0)
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
		if _, err := publishVirtual(ctx, t, b, topic, reports(1), 1, 0); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
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
		lines := reports(1000)
		stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 100)
		if err != nil || strings.Count(stderr, "trying again") != 1 || !strings.Contains(stderr, "published 1000 records") {
			t.Errorf("%v, %q", err, stderr)
		}
		if got := byUser(t, b, topic); !sameByUser(got, wantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestWhoGoesOnWhereAnOutageStoppedItLosesNothing(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		time.AfterFunc(3*time.Second, b.Sever)
		lines := reports(1000)
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
		got := byUser(t, b, topic)
		for user, values := range got {
			seen := map[string]bool{}
			got[user] = slices.DeleteFunc(values, func(v string) bool {
				was := seen[v]
				seen[v] = true
				return was
			})
		}
		if !sameByUser(got, wantByUser(lines)) {
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
		lines := reports(1000)
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
		if got := byUser(t, b, topic); !sameByUser(got, wantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestARefusalThatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 3)
		refuseProduce(t, b, kerr.NotEnoughReplicas, 2)
		lines := reports(100)
		stderr, err := publishVirtual(t.Context(), t, b, topic, lines, 1, 0)
		if err != nil || strings.Count(stderr, "trying again") != 1 {
			t.Errorf("%v, %q", err, stderr)
		}
		if got := byUser(t, b, topic); !sameByUser(got, wantByUser(lines)) {
			t.Errorf("the topic holds %v", got)
		}
	})
}

func TestARefusalThatStaysIsNot(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		refuseProduce(t, b, kerr.TopicAuthorizationFailed, 1)
		stderr, err := publishVirtual(t.Context(), t, b, topic, reports(10), 1, 0)
		if unwritten := new(unwrittenError); !errors.As(err, &unwritten) || unwritten.line != 1 || strings.Contains(stderr, "trying again") {
			t.Errorf("%v, %q", err, stderr)
		}
	})
}

// refuseProduce makes the broker answer the next requests to produce with an error for each partition in them.
func refuseProduce(t *testing.T, b *kafkatest.Broker, with *kerr.Error, times int) {
	cluster := b.RequireKfake(t)
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if times--; times < 0 {
			return nil, nil, false
		}
		produce := req.(*kmsg.ProduceRequest)
		resp := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = partition.Partition, with.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

func TestRecordsTooLargeTogetherAreWrittenApart(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 2, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	lines := reports(100)
	path := write(t, "reports.jsonl", strings.Join(lines, "\n"))
	if got := publishTo(t, b, topic, "", path); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if got := byUser(t, b, topic); !sameByUser(got, wantByUser(lines)) {
		t.Errorf("the topic holds %v", got)
	}
}

func TestARecordThatIsTooLargeForTheTopicIsNamed(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 1, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	lines := reports(30)
	lines[20] += strings.Repeat(" ", 2000)
	got := publishTo(t, b, topic, strings.Join(lines, "\n"))
	if got.code != exitCannot || !strings.Contains(got.stderr, "battlereport: publish line 21: larger than the topic's max.message.bytes allows") {
		t.Errorf("%+v", got)
	}
	if got := values(t, b, topic); !slices.Equal(got, lines[:20]) {
		t.Errorf("the topic holds %q", got)
	}
}
