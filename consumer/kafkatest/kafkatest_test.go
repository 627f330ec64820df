package kafkatest_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadAllReturnsWhatProduceWrote(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 3, map[string]string{"retention.ms": "-1"}); err != nil { // or old records go
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	written := b.Produce(t,
		kafkatest.Record{Topic: topic, Partition: 2, Timestamp: at, Key: []byte("k"), Value: []byte("first of 2")},
		kafkatest.Record{Topic: topic, Partition: 0, Timestamp: at, Key: nil, Value: []byte{}},
		kafkatest.Record{Topic: topic, Partition: 2, Timestamp: at, Key: []byte{}, Value: nil},
		kafkatest.Record{Topic: topic, Partition: 2, Timestamp: at, Headers: []kafkatest.Header{
			{Key: "twice", Value: []byte("1")}, {Key: "twice", Value: []byte("2")}, {Key: "empty", Value: []byte{}},
		}},
	)
	read := b.ReadAll(t, topic)

	want := []kafkatest.Record{written[1], written[0], written[2], written[3]}
	if len(read) != len(want) {
		t.Fatalf("read %d records, want %d", len(read), len(want))
	}
	for i, offset := range []int64{0, 0, 1, 2} {
		if want[i].Offset != offset {
			t.Errorf("record %d was written at offset %d, want %d", i, want[i].Offset, offset)
		}
		if !equal(read[i], want[i]) {
			t.Errorf("record %d: read %+v, want %+v", i, read[i], want[i])
		}
		if !read[i].Timestamp.Equal(at) {
			t.Errorf("record %d: timestamp %v, want %v", i, read[i].Timestamp, at)
		}
	}
	if read[0].Key != nil || read[0].Value == nil {
		t.Errorf("a null key and an empty value came back as %#v and %#v", read[0].Key, read[0].Value)
	}
	if read[2].Key == nil || read[2].Value != nil {
		t.Errorf("an empty key and a null value came back as %#v and %#v", read[2].Key, read[2].Value)
	}
}

// equal tells nil from empty, in keys and values.
func equal(a, b kafkatest.Record) bool {
	same := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
	return a.Topic == b.Topic && a.Partition == b.Partition && a.Offset == b.Offset &&
		a.Timestamp.Equal(b.Timestamp) && same(a.Key, b.Key) && same(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(a, b kafkatest.Header) bool {
			return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
		})
}

func TestReadAllOfAnEmptyTopicReturnsNothing(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	if read := b.ReadAll(t, b.Topic(t, 3)); len(read) != 0 {
		t.Errorf("read %v", read)
	}
}

func TestCreateTopicRefusesANameThatIsTaken(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	if err := b.CreateTopic(t.Context(), b.Topic(t, 1), 1, nil); !errors.Is(err, kerr.TopicAlreadyExists) {
		t.Errorf("got error %v", err)
	}
}

func TestCreateTopicMakesTheTopicKnownToEveryBroker(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	dialer := kafka.Dialer{DialFunc: b.Dial}
	for range 10 { // brokers hear of a topic within milliseconds
		topic := b.Topic(t, 3)
		for _, addr := range b.Addrs() {
			partitions, err := dialer.LookupPartitions(t.Context(), "tcp", addr, topic)
			if err != nil {
				t.Fatal(err)
			}
			if len(partitions) != 3 {
				t.Errorf("the broker at %s knows the partitions %v", addr, partitions)
			}
		}
	}
}

func TestCreateTopicPassesSettingsOn(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: newTransport(t, b)}
	resp, err := client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"cleanup.policy"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	entries := resp.Resources[0].ConfigEntries
	if len(entries) != 1 || entries[0].ConfigValue != "compact" {
		t.Errorf("the topic's settings are %+v", entries)
	}
}

// runOnAPortOfItsOwn runs a fake broker on a port below those that the system gives away by itself: once the broker is
// closed, nobody else comes to listen there.
func runOnAPortOfItsOwn(t *testing.T, opts ...kfake.Opt) *kafkatest.Broker {
	t.Helper()
	var err error
	for range 100 {
		var b *kafkatest.Broker
		b, err = kafkatest.Run(append(opts, kfake.Ports(20_000+rand.IntN(12_000)))...)
		if err == nil {
			t.Cleanup(b.Close)
			return b
		}
	}
	t.Fatal(err)
	return nil
}

func TestAFakeBrokerRestartsWithItsDataOnItsPort(t *testing.T) {
	t.Parallel()
	dir := kfake.DataDir(t.TempDir())
	b := runOnAPortOfItsOwn(t, dir)
	topic := b.Topic(t, 1)
	written := b.Produce(t, kafkatest.Record{Topic: topic, Value: []byte("kept")})
	port := netip.MustParseAddrPort(b.Addrs()[0]).Port()
	b.Close()

	again, err := kafkatest.Run(dir, kfake.Ports(int(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	if !slices.Equal(again.Addrs(), b.Addrs()) {
		t.Errorf("the broker moved from %v to %v", b.Addrs(), again.Addrs())
	}
	read := again.ReadAll(t, topic)
	if len(read) != 1 || !equal(read[0], written[0]) {
		t.Errorf("read %v, want %v", read, written)
	}
}

func TestRequireKfakeGivesTheClusterWhoseFaultsAreFelt(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.PolicyViolation})
	if err := b.CreateTopic(t.Context(), "refused", 1, nil); !errors.Is(err, kerr.PolicyViolation) {
		t.Errorf("got error %v", err)
	}
}

func TestASeveredBrokerRefusesUntilItIsRestored(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	before, err := b.Dial(t.Context(), "tcp", b.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	b.Sever()
	if _, err := before.Write([]byte{0}); err == nil {
		t.Error("a connection from before still takes bytes")
	}
	if _, err := b.Dial(t.Context(), "tcp", b.Addrs()[0]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling gives the error %v", err)
	}
	b.Restore()
	after, err := b.Dial(t.Context(), "tcp", b.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

func TestAVirtualBrokerServesInVirtualTime(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		begin := time.Now()
		topic := b.Topic(t, 2)
		first := b.Produce(t, kafkatest.Record{Topic: topic, Partition: 1, Value: []byte("now")})
		time.Sleep(time.Hour)
		second := b.Produce(t, kafkatest.Record{Topic: topic, Partition: 1, Value: []byte("in an hour")})
		if gap := second[0].Timestamp.Sub(first[0].Timestamp); gap < time.Hour {
			t.Errorf("an hour lies between the records, their timestamps are %v apart", gap)
		}
		if first[0].Timestamp.Before(begin) {
			t.Errorf("the first record is of %v, before the start at %v", first[0].Timestamp, begin)
		}
		if read := b.ReadAll(t, topic); len(read) != 2 {
			t.Errorf("read %v", read)
		}
	})
}

func TestTransactionsThatAreNotOverAreAwaited(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := b.Topic(t, 1)
		client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.Dialer(b.Dial), kgo.TransactionalID("id"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		over := make(chan error)
		go func() {
			time.Sleep(10 * time.Second)
			over <- client.EndTransaction(t.Context(), kgo.TryCommit)
		}()
		b.AwaitTransactions(t, topic)
		if waited := time.Since(begin); waited < 10*time.Second {
			t.Errorf("it waited %v for a transaction of 10s", waited)
		}
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func TestRunServesUntilClose(t *testing.T) {
	t.Parallel()
	b := runOnAPortOfItsOwn(t)
	if err := b.CreateTopic(t.Context(), "battle-reports", 1, nil); err != nil {
		t.Error(err)
	}
	b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if c, err := b.Dial(ctx, "tcp", b.Addrs()[0]); err == nil {
		_ = c.Close()
		t.Error("the port is still open")
	}
}
