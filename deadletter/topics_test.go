package deadletter_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
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
	b.AwaitTopic(t, topic)
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

// cluster is one of so many brokers. On a real cluster of another number the test is skipped.
func cluster(t *testing.T, brokers int) *kafkatest.Broker {
	t.Helper()
	switch real := os.Getenv(kafkatest.BrokersVariable); {
	case real == "":
		return kafkatest.Start(t, kfake.NumBrokers(brokers))
	case strings.Count(real, ",") != brokers-1:
		t.Skipf("for %d brokers", brokers)
	}
	return kafkatest.Start(t)
}

// topicOf creates a topic with so many replicas.
func topicOf(t *testing.T, b *kafkatest.Broker, replicas int, set settings) string {
	t.Helper()
	client := newClient(t, b)
	topic := kafka.TopicConfig{Topic: kafkatest.Name(t), NumPartitions: 2, ReplicationFactor: replicas}
	for name, value := range set {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err = cmp.Or(err, errors.Join(slices.Collect(maps.Values(res.Errors))...)); err != nil {
		t.Fatal(err)
	}
	b.AwaitTopic(t, topic.Topic)
	return topic.Topic
}

// A letter may be the last copy of its record, whatever its source makes do with.
func TestATopicThatIsCreatedIsAsSafeAsTheClusterAllows(t *testing.T) {
	t.Parallel()
	const none = 0 // there is no source
	for brokers, sources := range map[int]map[int]string{
		1: {none: "1 replicas, 1 must have it", 1: "1 replicas, 1 must have it"},
		2: {none: "2 replicas, 1 must have it", 1: "2 replicas, 1 must have it", 2: "2 replicas, 1 must have it"},
		3: {none: "3 replicas, 2 must have it", 1: "3 replicas, 2 must have it", 2: "3 replicas, 2 must have it", 3: "3 replicas, 2 must have it"},
		4: {none: "3 replicas, 2 must have it", 1: "3 replicas, 2 must have it", 3: "3 replicas, 2 must have it", 4: "4 replicas, 2 must have it"},
	} {
		for replicas, want := range sources {
			t.Run(fmt.Sprintf("%d brokers, a source of %d replicas", brokers, replicas), func(t *testing.T) {
				t.Parallel()
				b := cluster(t, brokers)
				client := newClient(t, b)
				source := "missing"
				if replicas > none {
					source = topicOf(t, b, replicas, nil)
				}
				for name, set := range map[string][]kafka.ConfigEntry{"letters": deadletter.LetterSettings(), "resolutions": deadletter.ResolutionSettings()} {
					topic := kafkatest.Name(t) + name
					if created, err := deadletter.EnsureTopic(t.Context(), client, topic, source, set...); !created || err != nil {
						t.Fatalf("created %v, error %v", created, err)
					}
					b.AwaitTopic(t, topic)
					meta, err := client.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{topic}})
					if err != nil {
						t.Fatal(err)
					}
					got := fmt.Sprintf("%d replicas, %s must have it", len(meta.Topics[0].Partitions[0].Replicas), setting(t, client, topic, "min.insync.replicas"))
					if got != want {
						t.Errorf("%s: %s, want %s", topic, got, want)
					}
					if found, err := deadletter.Mismatches(t.Context(), client, topic, set); len(found) > 0 || err != nil {
						t.Errorf("what was created is %v, error %v", found, err)
					}
				}
			})
		}
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
		"create topic letters (replicas 1, cleanup.policy=delete, retention.ms=2592000000, max.message.bytes=2097152): ":               "missing",
	} {
		created, err := deadletter.EnsureTopic(t.Context(), newClient(t, b), "letters", like, deadletter.LetterSettings()...)
		if created || !errors.Is(err, kafka.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("created %v, error %v, want %s", created, err, want)
		}
	}
	if _, err := deadletter.EnsureTopic(t.Context(), newClient(t, b), "letters", "missing"); err == nil || !strings.HasPrefix(err.Error(), "create topic letters (replicas 1): ") {
		t.Errorf("got error %v", err)
	}
}

func TestEnsureTopicSaysHowSafeToCreateIt(t *testing.T) {
	t.Parallel()
	b := cluster(t, 4)
	client := newClient(t, b)
	source := topicOf(t, b, 1, nil)
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, err := deadletter.EnsureTopic(t.Context(), client, "resolutions", source, deadletter.ResolutionSettings()...)
	if want := "create topic resolutions (partitions 2, replicas 3, cleanup.policy=compact, segment.ms=86400000, segment.bytes=33554432, min.insync.replicas=2): "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestEnsureTopicReturnsWhenAllBrokersKnowTheTopic(t *testing.T) {
	for rule, code := range map[string]*kerr.Error{"has not heard of it": kerr.UnknownTopicOrPartition, "knows no leaders": kerr.LeaderNotAvailable} {
		t.Run("while one "+rule, func(t *testing.T) {
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				source := b.Topic(t, 2)
				for node := range int32(3) {
					topic := fmt.Sprint(source, node)
					fault := b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Nodes: []int32{node}, Topic: topic, Err: code, Count: -1})
					time.AfterFunc(3*time.Second, fault.Remove)
					began, client := time.Now(), connection(b).Client()
					created, err := deadletter.EnsureTopic(t.Context(), client, topic, source)
					consumer.CloseClient(client)
					if took := time.Since(began); !created || err != nil || took < 3*time.Second || took > 4*time.Second {
						t.Errorf("broker %d: created %v, error %v, after %s", node, created, err, took)
					}
				}
			})
		})
	}
}

func TestLettersAreReadOnceBrokersKnowWhoLeadsTheirTopic(t *testing.T) {
	for rule, fault := range map[string]kfake.Fault{
		"the leader has not heard of it": {Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownTopicOrPartition},
		"there is no leader yet":         {Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable},
	} {
		t.Run(rule, func(t *testing.T) {
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				fault.Topic, fault.Count = b.Topic(t, 2), -1
				b.Produce(t, kafkatest.Record{Topic: fault.Topic, Value: []byte("{}")})
				time.AfterFunc(3*time.Second, b.RequireKfake(t).Fault(fault).Remove)
				store, err := deadletter.Open(connection(b), fault.Topic)
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				found, err := read(t.Context(), store, deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}})
				if len(found) != 1 || err != nil {
					t.Errorf("%d found, error %v", len(found), err)
				}
			})
		})
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
