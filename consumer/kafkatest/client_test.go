package kafkatest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// The client that the product uses must understand the broker, fake or real: these tests tell a change of either
// that separates them.

func TestKafkaGoWritesAndFetches(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	writesAndFetches(t, b)
}

func TestKafkaGoWritesAndFetchesInVirtualTime(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, writesAndFetches)
}

func writesAndFetches(t *testing.T, b *kafkatest.Broker) {
	topic := b.Topic(t, 2)
	transport := newTransport(t, b)
	w := &kafka.Writer{
		Addr: kafka.TCP(b.Addrs()...), Topic: topic, Transport: transport,
		RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{}, BatchTimeout: time.Millisecond,
	}
	sent := kafka.Message{Key: []byte("openid"), Value: nil, Headers: []kafka.Header{{Key: "appid", Value: []byte("wx")}}}
	if err := w.WriteMessages(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}

	lies := b.ReadAll(t, topic)
	if len(lies) != 1 {
		t.Fatalf("the topic holds %v", lies)
	}
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: transport}
	resp, err := client.Fetch(t.Context(), &kafka.FetchRequest{
		Topic: topic, Partition: int(lies[0].Partition), MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Error != nil {
		t.Fatal(resp.Error)
	}
	r, err := resp.Records.ReadRecord()
	if err != nil {
		t.Fatal(err)
	}
	key, err := io.ReadAll(r.Key)
	if err != nil || string(key) != "openid" {
		t.Errorf("fetched the key %q, error %v", key, err)
	}
	if r.Value != nil {
		t.Errorf("fetched the value %v for a null", r.Value)
	}
	if len(r.Headers) != 1 || r.Headers[0].Key != "appid" || string(r.Headers[0].Value) != "wx" {
		t.Errorf("fetched the headers %v", r.Headers)
	}
	if _, err := resp.Records.ReadRecord(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last record: %v", err)
	}
}

func TestKafkaGoJoinsAGroupRebalancesAndCommits(t *testing.T) {
	t.Parallel()
	joinsRebalancesAndCommits(t, kafkatest.Start(t))
}

func TestKafkaGoJoinsAGroupRebalancesAndCommitsInVirtualTime(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, joinsRebalancesAndCommits)
}

func joinsRebalancesAndCommits(t *testing.T, b *kafkatest.Broker) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	topic, group := b.Topic(t, 4), kafkatest.Name(t)
	if got := b.Committed(t, group, topic); len(got) != 0 {
		t.Errorf("a group that does not exist has committed %v", got)
	}

	first := newMember(t, b, group, topic)
	gen, err := first.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(gen.Assignments[topic]); got != 4 {
		t.Errorf("alone in the group, a member got %d of 4 partitions", got)
	}
	if err := gen.CommitOffsets(map[string]map[int]int64{topic: {1: 42, 3: 0}}); err != nil {
		t.Error(err)
	}
	want := map[int32]int64{1: 42, 3: 0}
	if got := b.Committed(t, group, topic); !maps.Equal(got, want) {
		t.Errorf("committed %v, want %v", got, want)
	}

	ended := make(chan struct{})
	gen.Start(func(ctx context.Context) {
		<-ctx.Done()
		// Told to leave, not yet rejoined: the moment for the last commit.
		if err := gen.CommitOffsets(map[string]map[int]int64{topic: {1: 43}}); err != nil {
			t.Errorf("commit after the end of the generation: %v", err)
		}
		close(ended)
	})
	second := newMember(t, b, group, topic)
	others, err := second.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	mine, err := first.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	offsets := make(map[int]int64)
	for _, p := range slices.Concat(mine.Assignments[topic], others.Assignments[topic]) {
		offsets[p.ID] = p.Offset
	}
	if a, b := len(mine.Assignments[topic]), len(others.Assignments[topic]); a != 2 || b != 2 {
		t.Errorf("of 4 partitions one member got %d, the other %d", a, b)
	}
	if want := (map[int]int64{0: -2, 1: 43, 2: -2, 3: 0}); !maps.Equal(offsets, want) {
		t.Errorf("the new generation begins at %v, want %v", offsets, want)
	}
}

func newMember(t *testing.T, b *kafkatest.Broker, group, topic string) *kafka.ConsumerGroup {
	t.Helper()
	member, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: b.Addrs(), Topics: []string{topic}, Dialer: &kafka.Dialer{DialFunc: b.Dial},
		HeartbeatInterval: 100 * time.Millisecond, StartOffset: kafka.FirstOffset,
		RebalanceTimeout: 10 * time.Second, SessionTimeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := member.Close(); err != nil {
			t.Error(err)
		}
	})
	return member
}

func newTransport(t *testing.T, b *kafkatest.Broker) *kafka.Transport {
	t.Helper()
	transport := &kafka.Transport{Dial: b.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}
