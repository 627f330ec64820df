package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// balancer assigns each topic's partitions in ranges, as kafka-go does, with two
// differences. A topic that does not exist leaves the others assigned, where
// kafka-go then assigns nothing at all. And it remembers what it has assigned:
// only the group's leader need watch for partitions that are added, and it has
// to compare with what it knew when it assigned them. (kafka-go's watch, run by
// every member, ends every generation at once for want of a topic.)
type balancer struct {
	kafka.RangeGroupBalancer
	conn Connection

	mu       sync.Mutex
	assigned map[string]int // partitions by topic; nil: another member leads
}

// UserData is asked for at the begin of every join.
func (b *balancer) UserData() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.assigned = nil
	return b.RangeGroupBalancer.UserData()
}

// AssignGroups is called on the leader only.
func (b *balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	if len(partitions) == 0 {
		partitions = b.existing(members)
	}
	assigned := map[string]int{}
	for _, p := range partitions {
		assigned[p.Topic]++
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.assigned = assigned
	return b.RangeGroupBalancer.AssignGroups(members, partitions)
}

// leads returns the number of partitions assigned of each topic, or nil when
// another member has assigned them.
func (b *balancer) leads() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.assigned
}

// existing are the partitions of those topics that there are. Members may want
// different ones while a new configuration is rolled out. An error is left to
// the watch: what it sees differs then from what was assigned.
func (b *balancer) existing(members []kafka.GroupMember) []kafka.Partition {
	var topics []string
	for _, m := range members {
		topics = append(topics, m.Topics...)
	}
	slices.Sort(topics)
	client := b.conn.client(slices.Compact(topics))
	defer CloseClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil
	}
	var partitions []kafka.Partition
	for _, t := range meta.Topics {
		partitions = append(partitions, t.Partitions...)
	}
	return partitions
}

// watchInterval is how often the leader looks for partitions added.
const watchInterval = 30 * time.Second

// watchPartitions returns, which ends the generation, once a topic has not as
// many partitions as were assigned.
func (c *Consumer) watchPartitions(ctx context.Context, assigned map[string]int) {
	for sleep(ctx, watchInterval) == nil {
		switch topic, n, changed := c.partitionsChanged(ctx, assigned); {
		case changed && n == 0:
			c.log.Warn("topic is gone: rebalancing, and waiting for it beside the others", "topic", topic, "assigned", assigned[topic])
			return
		case changed:
			c.log.Info("partitions added or removed: rebalancing", "topic", topic, "partitions", n, "assigned", assigned[topic])
			return
		}
	}
}

func (c *Consumer) partitionsChanged(ctx context.Context, assigned map[string]int) (topic string, n int, changed bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: c.cfg.Topics})
	if err != nil {
		return "", 0, false // whether the broker answers is the heartbeat's business
	}
	for _, t := range meta.Topics {
		unknown := errors.Is(t.Error, kafka.UnknownTopicOrPartition)
		if (t.Error == nil || unknown) && len(t.Partitions) != assigned[t.Name] {
			return t.Name, len(t.Partitions), true
		}
	}
	return "", 0, false
}
