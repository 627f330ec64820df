package deadletter_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func newClient(t *testing.T, b *kafkatest.Broker) *kafka.Client {
	t.Helper()
	client := connection(b).Client()
	t.Cleanup(func() { consumer.CloseClient(client) })
	return client
}

func TestEnsureTopicCreatesItLikeItsSource(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 5)
	topic := source + ".dlq"
	client := newClient(t, b)
	created, err := deadletter.EnsureTopic(t.Context(), client, topic, source, deadletter.LetterSettings()...)
	if !created || err != nil {
		t.Fatalf("created %v, error %v", created, err)
	}
	if n := partitions(t, b, topic); n != 5 {
		t.Errorf("it has %d partitions", n)
	}
	for name, want := range map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000", "max.message.bytes": "2097152"} {
		if got := setting(t, client, topic, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	// Once it is there, it is left alone, whoever asks.
	for _, client := range []*kafka.Client{client, newClient(t, b)} {
		if created, err := deadletter.EnsureTopic(t.Context(), client, topic, b.Topic(t, 1)); created || err != nil {
			t.Errorf("created %v, error %v", created, err)
		}
	}
	if n := partitions(t, b, topic); n != 5 {
		t.Errorf("it has %d partitions", n)
	}
}

// partitions asks with a client that knows nothing from before.
func partitions(t *testing.T, b *kafkatest.Broker, topic string) int {
	t.Helper()
	meta, err := newClient(t, b).Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	return len(meta.Topics[0].Partitions)
}

func setting(t *testing.T, client *kafka.Client, topic, name string) string {
	t.Helper()
	res, err := client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Resources[0].ConfigEntries[0].ConfigValue
}

func TestEnsureTopicWithoutASourceTakesTheBrokersDefaults(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if created, err := deadletter.EnsureTopic(t.Context(), newClient(t, b), topic, topic+"-missing"); !created || err != nil {
		t.Fatalf("created %v, error %v", created, err)
	}
	if n := partitions(t, b, topic); n < 1 {
		t.Errorf("it has %d partitions", n)
	}
}

func TestEnsureTopicByManyAtOnceCreatesItOnce(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 3)
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		created int
	)
	for range 8 {
		client := newClient(t, b)
		wg.Go(func() {
			did, err := deadletter.EnsureTopic(t.Context(), client, source+".dlq", source)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if did {
				created++
			}
		})
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("%d have created it", created)
	}
}

func TestEnsureTopicSaysWhatToCreateWhereItMayNot(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	fake := b.RequireKfake(t)
	source := b.Topic(t, 3)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	for want, like := range map[string]string{
		"create topic letters (partitions 3, replicas 1, cleanup.policy=delete, retention.ms=2592000000, max.message.bytes=2097152): ": source,
		"create topic letters (cleanup.policy=delete, retention.ms=2592000000, max.message.bytes=2097152): ":                           "missing",
	} {
		created, err := deadletter.EnsureTopic(t.Context(), newClient(t, b), "letters", like, deadletter.LetterSettings()...)
		if created || !errors.Is(err, kafka.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("created %v, error %v, want %s", created, err, want)
		}
	}
	if _, err := deadletter.EnsureTopic(t.Context(), newClient(t, b), "letters", "missing"); err == nil || !strings.HasPrefix(err.Error(), "create topic letters: ") {
		t.Errorf("got error %v", err)
	}
}

func TestEnsureTopicReturnsWithItsContext(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	b.Sever()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if created, err := deadletter.EnsureTopic(ctx, newClient(t, b), "letters", "missing"); created || err == nil || !strings.HasPrefix(err.Error(), "look for topic letters: ") {
		t.Errorf("created %v, error %v", created, err)
	}
}
