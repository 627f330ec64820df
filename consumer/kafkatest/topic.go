package kafkatest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is how long this package waits for a broker to answer. It only ends what would never end.
const patience = time.Minute

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

// CreateTopic creates a topic with one replica and waits until each of its partitions has a leader. The settings
// are those of the Kafka documentation, for example "cleanup.policy": "compact"; nil takes the broker's defaults.
func (b *Broker) CreateTopic(ctx context.Context, topic string, partitions int32, settings map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.with(func(client *kgo.Client) error {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = topic, partitions, 1
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
		if err := awaitLeaders(ctx, client, topic, partitions); err != nil {
			return fmt.Errorf("await the leaders of topic %s: %w", topic, err)
		}
		return nil
	})
}

// awaitLeaders asks until the broker, which hears of a new topic from the controller, knows it whole.
func awaitLeaders(ctx context.Context, client *kgo.Client, topic string, partitions int32) error {
	for {
		found, err := leaders(ctx, client, topic)
		if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.LeaderNotAvailable) {
			return err
		}
		if err == nil && found == partitions {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// leaders returns how many partitions of the topic have a leader.
func leaders(ctx context.Context, client *kgo.Client, topic string) (int32, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return 0, err
	}
	var found int32
	for _, p := range resp.Topics[0].Partitions {
		if p.ErrorCode == 0 && p.Leader >= 0 {
			found++
		}
	}
	return found, nil
}

// Committed returns the offsets that the group has committed for the topic, by partition. A partition without one
// is not in the map, and neither is any of a group that does not exist.
func (b *Broker) Committed(tb testing.TB, group, topic string) map[int32]int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var offsets map[int32]int64
	err := b.with(func(client *kgo.Client) (err error) {
		for {
			offsets, err = committed(ctx, client, group, topic)
			if !kerr.IsRetriable(err) { // as it is while the cluster finds the group a coordinator
				return err
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
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

// pause waits for what the broker does not announce.
func pause(ctx context.Context) error {
	select {
	case <-time.After(10 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// with runs f with a client that ends with it. A client for each call knows nothing of topics from before, which
// it would have to be told to forget, and leaves no goroutine behind.
func (b *Broker) with(f func(*kgo.Client) error, opts ...kgo.Opt) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.addrs...), kgo.Dialer(b.dial)}, opts...)...)
	if err != nil {
		return fmt.Errorf("make a Kafka client: %w", err)
	}
	defer client.Close()
	return f(client)
}
