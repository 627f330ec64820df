package topic_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings are those of a topic, in Kafka's words.
type settings map[string]string

func newClient(t *testing.T, b *kafkatest.Broker) *kgo.Client {
	t.Helper()
	client, err := topic.NewClient(consumer.Connection{Brokers: b.Addrs(), Dial: b.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestEnsureCreatesItLikeItsSource(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 5)
	name := source + ".dlq"
	client := newClient(t, b)
	created, err := topic.Ensure(t.Context(), client, name, source, deadletter.LetterSettings()...)
	if !created || err != nil {
		t.Fatalf("created %v, error %v", created, err)
	}
	b.AwaitTopic(t, name)
	if n := partitions(t, b, name); n != 5 {
		t.Errorf("it has %d partitions", n)
	}
	for key, want := range map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000", "max.message.bytes": "2097152"} {
		if got := setting(t, client, name, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	// Once it is there, it is left alone, whoever asks.
	for _, client := range []*kgo.Client{client, newClient(t, b)} {
		if created, err := topic.Ensure(t.Context(), client, name, b.Topic(t, 1)); created || err != nil {
			t.Errorf("created %v, error %v", created, err)
		}
	}
	if n := partitions(t, b, name); n != 5 {
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
	asked := kmsg.NewCreateTopicsRequestTopic()
	asked.Topic, asked.NumPartitions, asked.ReplicationFactor = kafkatest.Name(t), 2, int16(replicas)
	for name, value := range set {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = name, &value
		asked.Configs = append(asked.Configs, config)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, asked)
	res, err := req.RequestWith(t.Context(), newClient(t, b))
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.AwaitTopic(t, asked.Topic)
	return asked.Topic
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
				for kind, set := range map[string][]topic.Setting{"letters": deadletter.LetterSettings(), "resolutions": deadletter.ResolutionSettings()} {
					name := kafkatest.Name(t) + kind
					if created, err := topic.Ensure(t.Context(), client, name, source, set...); !created || err != nil {
						t.Fatalf("created %v, error %v", created, err)
					}
					b.AwaitTopic(t, name)
					got := fmt.Sprintf("%d replicas, %s must have it", len(describe(t, b, name).Partitions[0].Replicas), setting(t, client, name, "min.insync.replicas"))
					if got != want {
						t.Errorf("%s: %s, want %s", name, got, want)
					}
					if found, err := topic.Mismatches(t.Context(), client, name, set); len(found) > 0 || err != nil {
						t.Errorf("what was created is %v, error %v", found, err)
					}
				}
			})
		}
	}
}

// describe asks with a client that knows nothing from before.
func describe(t *testing.T, b *kafkatest.Broker, name string) kmsg.MetadataResponseTopic {
	t.Helper()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &name
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, asked)
	res, err := req.RequestWith(t.Context(), newClient(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return res.Topics[0]
}

func partitions(t *testing.T, b *kafkatest.Broker, name string) int {
	t.Helper()
	return len(describe(t, b, name).Partitions)
}

func setting(t *testing.T, client *kgo.Client, name, key string) string {
	t.Helper()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kmsg.ConfigResourceTypeTopic, name, []string{key}
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	res, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return *res.Resources[0].Configs[0].Value
}

func TestEnsureWithoutASourceTakesTheBrokersDefaults(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	name := kafkatest.Name(t)
	if created, err := topic.Ensure(t.Context(), newClient(t, b), name, name+"-missing"); !created || err != nil {
		t.Fatalf("created %v, error %v", created, err)
	}
	if n := partitions(t, b, name); n < 1 {
		t.Errorf("it has %d partitions", n)
	}
}

func TestEnsureByManyAtOnceCreatesItOnce(t *testing.T) {
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
			did, err := topic.Ensure(t.Context(), client, source+".dlq", source)
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

func TestEnsureSaysWhatToCreateWhereItMayNot(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	fake := b.RequireKfake(t)
	source := b.Topic(t, 3)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	for want, like := range map[string]string{
		"create topic letters (partitions 3, replicas 1, cleanup.policy=delete, retention.ms=2592000000, max.message.bytes=2097152): ": source,
		"create topic letters (replicas 1, cleanup.policy=delete, retention.ms=2592000000, max.message.bytes=2097152): ":               "missing",
	} {
		created, err := topic.Ensure(t.Context(), newClient(t, b), "letters", like, deadletter.LetterSettings()...)
		if created || !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("created %v, error %v, want %s", created, err, want)
		}
	}
	if _, err := topic.Ensure(t.Context(), newClient(t, b), "letters", "missing"); err == nil || !strings.HasPrefix(err.Error(), "create topic letters (replicas 1): ") {
		t.Errorf("got error %v", err)
	}
}

func TestEnsureSaysHowSafeToCreateIt(t *testing.T) {
	t.Parallel()
	b := cluster(t, 4)
	client := newClient(t, b)
	source := topicOf(t, b, 1, nil)
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, err := topic.Ensure(t.Context(), client, "resolutions", source, deadletter.ResolutionSettings()...)
	if want := "create topic resolutions (partitions 2, replicas 3, cleanup.policy=compact, segment.ms=86400000, segment.bytes=33554432, min.insync.replicas=2): "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestEnsureReturnsWhenAllBrokersKnowTheTopic(t *testing.T) {
	for rule, code := range map[string]*kerr.Error{"has not heard of it": kerr.UnknownTopicOrPartition, "knows no leaders": kerr.LeaderNotAvailable} {
		t.Run("while one "+rule, func(t *testing.T) {
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				source := b.Topic(t, 2)
				for node := range int32(3) {
					name := fmt.Sprint(source, node)
					fault := b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Nodes: []int32{node}, Topic: name, Err: code, Count: -1})
					time.AfterFunc(3*time.Second, fault.Remove)
					began, client := time.Now(), newClient(t, b)
					created, err := topic.Ensure(t.Context(), client, name, source)
					if took := time.Since(began); !created || err != nil || took < 3*time.Second || took > 4*time.Second {
						t.Errorf("broker %d: created %v, error %v, after %s", node, created, err, took)
					}
				}
			})
		})
	}
}

func TestEnsureReturnsWithItsContext(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	b.Sever()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if created, err := topic.Ensure(ctx, newClient(t, b), "letters", "missing"); created || err == nil || !strings.HasPrefix(err.Error(), "look for topic letters: ") {
		t.Errorf("created %v, error %v", created, err)
	}
}

// What a client may not see it may not create either: that says what is wrong, and what to create.
func TestATopicThatIsNotSeenIsNoneAndIsNotMadeByAsking(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	fake, client, hidden := b.RequireKfake(t), newClient(t, b), b.Topic(t, 1)
	missing := kafkatest.Name(t) + "-missing"
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata, kmsg.CreateTopics}, Topic: hidden, Err: kerr.TopicAuthorizationFailed, Count: -1})
	for _, name := range []string{hidden, missing} {
		if exists, err := topic.Exists(t.Context(), client, name); exists || err != nil {
			t.Errorf("%s: exists %v, error %v", name, exists, err)
		}
	}
	if created, err := topic.Ensure(t.Context(), client, hidden, missing); created || !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), "create topic "+hidden+" (replicas 1): ") {
		t.Errorf("created %v, error %v", created, err)
	}
	if topics := b.Topics(t, missing); len(topics) > 0 {
		t.Errorf("there are the topics %q", topics)
	}
}
