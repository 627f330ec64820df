// Package cluster is the Kafka of the sandbox and of its benchmark: an embedded broker, and what they ask of that one
// or of another, each time with a client of the caller's.
//
// The requests are made by hand: kadm lists offsets by what the client has heard of topics, be it some seconds ago,
// and so does not find the dead letters of a topic made a moment ago. Each question is given [Patience], and may be asked
// by several goroutines at once. Nothing here produces or consumes.
package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// Start starts an embedded broker, and returns its addresses. Port 0 is any free one. It keeps its records in files
// below dir, to be found again by the next one there, or in memory if that is empty.
func Start(port int, dir string) (addrs []string, stop func(), err error) {
	var opts []kfake.Opt
	if port != 0 {
		opts = append(opts, kfake.Ports(port))
	}
	if dir != "" {
		opts = append(opts, kfake.DataDir(dir))
	}
	broker, err := kafkatest.Run(opts...)
	if err != nil {
		return nil, nil, err
	}
	return broker.Addrs(), broker.Close, nil
}

// Patience is how long a broker's answer to one question is waited for.
const Patience = 10 * time.Second

// CreateTopic creates a topic, unless it is there, and waits until all brokers know it. partitions -1 is their default.
func CreateTopic(ctx context.Context, client *kgo.Client, topic string, partitions int32) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, partitions, -1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for _, broker := range client.DiscoveredBrokers() {
		for {
			err := known(ctx, broker, topic)
			if err == nil {
				break
			}
			if !kerr.IsRetriable(err) {
				return fmt.Errorf("await topic %s: %w", topic, err)
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("await topic %s: %w", topic, err)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// known asks a broker for a topic, and is an error unless it knows it and its leaders.
func known(ctx context.Context, broker *kgo.Broker, topic string) error {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return err
	}
	err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	for _, p := range resp.Topics[0].Partitions {
		err = cmp.Or(err, kerr.ErrorForCode(p.ErrorCode))
	}
	return err
}

// Ends returns the offset behind the last record of each partition of a topic. The error is [kerr.UnknownTopicOrPartition]
// if there is no such topic.
func Ends(ctx context.Context, client *kgo.Client, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	meta := kmsg.NewPtrMetadataRequest()
	meta.Topics = append(meta.Topics, t)
	found, err := meta.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(found.Topics[0].ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	list := kmsg.NewListOffsetsRequestTopic()
	list.Topic = topic
	for _, known := range found.Topics[0].Partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = known.Partition, -1 // the end
		list.Partitions = append(list.Partitions, p)
	}
	for {
		offsets, err := listed(ctx, client, list)
		if err == nil || !kerr.IsRetriable(err) {
			return offsets, err
		}
		select { // all brokers may know a leader before it does itself
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// listed asks once for offsets of a topic.
func listed(ctx context.Context, client *kgo.Client, list kmsg.ListOffsetsRequestTopic) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Topics = append(req.Topics, list)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("list the offsets of topic %s: %w", list.Topic, err)
	}
	offsets := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list the offsets of topic %s/%d: %w", list.Topic, p.Partition, err)
			}
			offsets[p.Partition] = p.Offset
		}
	}
	return offsets, nil
}

// Committed returns the offsets that a group has committed, by topic and partition: none if there is no such group yet.
// The map is the caller's.
func Committed(ctx context.Context, client *kgo.Client, group string) (map[string]map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	req := kmsg.NewPtrOffsetFetchRequest() // no topics named: all that the group has offsets for
	req.Group = group
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	offsets := map[string]map[int32]int64{}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return offsets, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fetch the offsets of group %s: %w", group, err)
	}
	for _, t := range resp.Topics {
		offsets[t.Topic] = map[int32]int64{}
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 && p.Offset >= 0 {
				offsets[t.Topic][p.Partition] = p.Offset
			}
		}
	}
	return offsets, nil
}

// Trim has the broker forget the records of each partition, by topic, before the offset.
func Trim(ctx context.Context, client *kgo.Client, before map[string]map[int32]int64) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	req := kmsg.NewPtrDeleteRecordsRequest()
	for topic, offsets := range before {
		t := kmsg.NewDeleteRecordsRequestTopic()
		t.Topic = topic
		for partition, offset := range offsets {
			p := kmsg.NewDeleteRecordsRequestTopicPartition()
			p.Partition, p.Offset = partition, offset
			t.Partitions = append(t.Partitions, p)
		}
		if len(t.Partitions) > 0 {
			req.Topics = append(req.Topics, t)
		}
	}
	_, err := req.RequestWith(ctx, client)
	return err
}
