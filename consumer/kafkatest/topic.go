package kafkatest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is how long this package waits for a broker to answer. It only ends what would never end.
const patience = 5 * time.Minute

// Name returns a name for a topic or a group that nobody else has, with the test's name in it.
func Name(tb testing.TB) string {
	legal := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-':
			return r
		default:
			return '-'
		}
	}, tb.Name())
	return legal[:min(len(legal), 100)] + "-" + rand.Text()[:10] // Kafka allows 249 bytes; people add ".dlq" and such
}

// Topic creates a topic with a name of its own and returns the name.
func (b *Broker) Topic(tb testing.TB, partitions int32) string {
	tb.Helper()
	topic := Name(tb)
	if err := b.CreateTopic(tb.Context(), topic, partitions, nil); err != nil {
		tb.Fatal(err)
	}
	return topic
}

// CreateTopic creates a topic with as many replicas as the cluster gives by itself, and waits until all its brokers
// know the leader of each partition, so that clients may ask any of them. The settings are those of the Kafka
// documentation, for example "cleanup.policy": "compact"; nil takes the broker's defaults.
func (b *Broker) CreateTopic(ctx context.Context, topic string, partitions int32, settings map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.with(func(client *kgo.Client) error {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = topic, partitions, -1
		for name, value := range settings {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = name, &value
			t.Configs = append(t.Configs, c)
		}
		req := kmsg.NewPtrCreateTopicsRequest()
		req.Topics = append(req.Topics, t)
		resp, err := req.RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		}
		if err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
		if err := awaitLeaders(ctx, client, resp.Topics[0]); err != nil {
			return fmt.Errorf("await the leaders of topic %s: %w", topic, err)
		}
		return nil
	})
}

// DeleteTopic deletes a topic, and returns when no broker of the cluster knows one of the name.
func (b *Broker) DeleteTopic(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.with(func(client *kgo.Client) error {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &topic
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.TopicNames, req.Topics = []string{topic}, append(req.Topics, t)
		resp, err := req.RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		}
		if err != nil {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
		for _, broker := range client.DiscoveredBrokers() {
			for known := true; known; {
				resp, err := metadata(ctx, broker, topic)
				if err != nil {
					return fmt.Errorf("await the end of topic %s: %w", topic, err)
				}
				if known = resp.Topics[0].ErrorCode != kerr.UnknownTopicOrPartition.Code; known {
					time.Sleep(10 * time.Millisecond)
				}
			}
		}
		return nil
	})
}

// Topics returns the names of all topics that begin so, sorted.
func (b *Broker) Topics(tb testing.TB, prefix string) (names []string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	err := b.with(func(client *kgo.Client) error {
		resp, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client) // no topics named: all
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			if strings.HasPrefix(*t.Topic, prefix) {
				names = append(names, *t.Topic)
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatalf("list the topics: %v", err)
	}
	slices.Sort(names)
	return names
}

// AwaitTopic waits until all brokers know the leaders of a topic that another client creates or has created.
func (b *Broker) AwaitTopic(tb testing.TB, topic string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	err := b.with(func(client *kgo.Client) error {
		created := kmsg.NewCreateTopicsResponseTopic()
		created.Topic = topic
		if err := persist(ctx, func() error {
			known, err := leaders(ctx, client, topic)
			created.TopicID, created.NumPartitions = known.TopicID, int32(len(known.Partitions))
			return err
		}); err != nil {
			return err
		}
		return awaitLeaders(ctx, client, created)
	})
	if err != nil {
		tb.Fatalf("await topic %s: %v", topic, err)
	}
}

// awaitLeaders asks until every broker, which hears of a new topic from the controller, knows it whole. The id tells
// it from one of the same name that was deleted.
func awaitLeaders(ctx context.Context, client *kgo.Client, created kmsg.CreateTopicsResponseTopic) error {
	resp, err := metadata(ctx, client, created.Topic)
	if err != nil {
		return err
	}
	for _, b := range resp.Brokers {
		broker := client.Broker(int(b.NodeID))
		if err := persist(ctx, func() error {
			known, err := leaders(ctx, broker, created.Topic)
			if err == nil && (known.TopicID != created.TopicID || len(known.Partitions) < int(created.NumPartitions)) {
				err = errNotYet
			}
			return err
		}); err != nil {
			return fmt.Errorf("broker %d: %w", b.NodeID, err)
		}
	}
	return nil
}

// leaders returns what a broker knows of the topic, each of whose partitions has a leader.
func leaders(ctx context.Context, r kmsg.Requestor, topic string) (kmsg.MetadataResponseTopic, error) {
	resp, err := metadata(ctx, r, topic)
	if err != nil {
		return kmsg.MetadataResponseTopic{}, err
	}
	t := resp.Topics[0]
	if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
		return t, err
	}
	for _, p := range t.Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return t, fmt.Errorf("partition %d: %w", p.Partition, err)
		}
	}
	return t, nil
}

func metadata(ctx context.Context, r kmsg.Requestor, topic string) (*kmsg.MetadataResponse, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	return req.RequestWith(ctx, r)
}

// Committed returns the offsets that the group has committed for the topic, by partition. A partition without one
// is not in the map, and neither is any of a group that does not exist.
func (b *Broker) Committed(tb testing.TB, group, topic string) map[int32]int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var offsets map[int32]int64
	err := b.with(func(client *kgo.Client) error {
		return persist(ctx, func() (err error) {
			offsets, err = committed(ctx, client, group, topic)
			return err
		})
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		tb.Fatalf("fetch the offsets of group %s: %v", group, err)
	}
	return offsets
}

func committed(ctx context.Context, client *kgo.Client, group, topic string) (map[int32]int64, error) {
	req := kmsg.NewPtrOffsetFetchRequest() // no topics named: all that the group has offsets for
	req.Group = group
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	offsets := make(map[int32]int64)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, err
			}
			if t.Topic == topic && p.Offset >= 0 {
				offsets[p.Partition] = p.Offset
			}
		}
	}
	return offsets, nil
}

// errNotYet is an answer that will be another soon.
var errNotYet = errors.New("not yet as it is to be")

// persist asks until the answer is no error that passes by itself, as it is while a broker has not heard of a topic,
// a partition has no leader, or a group no coordinator. What passes, the broker does not announce.
func persist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !kerr.IsRetriable(err) && !errors.Is(err, errNotYet) {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// with runs f with a client that ends with it. A client for each call knows nothing of topics from before, which
// it would have to be told to forget, and leaves no goroutine behind. It does not send metrics as it closes, which
// would cost tests a good part of their time.
func (b *Broker) with(f func(*kgo.Client) error, opts ...kgo.Opt) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.addrs...), kgo.Dialer(b.dial), kgo.DisableClientMetrics()}, opts...)...)
	if err != nil {
		return fmt.Errorf("make a Kafka client: %w", err)
	}
	defer client.Close()
	return f(client)
}
