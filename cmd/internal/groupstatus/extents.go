package groupstatus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// What brokers list of a partition.
const (
	startOffset = -2
	endOffset   = -1

	uncommitted = 0
	committed   = 1
)

// extents asks each broker where the partitions that it leads begin and end.
func (r *Reader) extents(ctx context.Context, l *layout, s *Snapshot) error {
	for _, ask := range []struct {
		at        int64
		isolation int8
		set       func(*Partition, int64)
	}{
		{startOffset, uncommitted, func(p *Partition, at int64) { p.Start = at }},
		{endOffset, committed, func(p *Partition, at int64) { p.Stable = at }},
		{endOffset, uncommitted, func(p *Partition, at int64) { p.End = max(at, p.Stable) }},
	} {
		err := eachBroker(l, s.Partitions, func(broker int32, led []*Partition) error {
			return r.list(ctx, broker, led, ask.at, ask.isolation, ask.set)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachBroker asks all brokers at once, each of the partitions that it leads. What one answers belongs to it alone.
func eachBroker(l *layout, partitions []Partition, ask func(broker int32, led []*Partition) error) error {
	led := map[int32][]*Partition{}
	for i := range partitions {
		p := &partitions[i]
		if !p.Leaderless {
			leader := l.partition(p.Topic, p.Partition).leader
			led[leader] = append(led[leader], p)
		}
	}
	var (
		mu     sync.Mutex
		failed []error
		asking sync.WaitGroup
	)
	for broker, partitions := range led {
		asking.Go(func() {
			if err := ask(broker, partitions); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	asking.Wait()
	return errors.Join(failed...)
}

// byTopic has a request name topics once, each with its partitions.
func byTopic(partitions []*Partition, add func(topic string, of []*Partition)) {
	for from := 0; from < len(partitions); {
		to := from
		for to < len(partitions) && partitions[to].Topic == partitions[from].Topic {
			to++
		}
		add(partitions[from].Topic, partitions[from:to])
		from = to
	}
}

func (r *Reader) list(ctx context.Context, broker int32, led []*Partition, at int64, isolation int8, set func(*Partition, int64)) error {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	wanted := make(map[partitionKey]*Partition, len(led))
	byTopic(led, func(topic string, of []*Partition) {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for _, p := range of {
			wanted[partitionKey{topic, p.Partition}] = p
			asked := kmsg.NewListOffsetsRequestTopicPartition()
			asked.Partition, asked.Timestamp = p.Partition, at
			t.Partitions = append(t.Partitions, asked)
		}
		req.Topics = append(req.Topics, t)
	})
	resp, err := req.RequestWith(ctx, r.client.Broker(int(broker)))
	if err != nil {
		return fmt.Errorf("ask broker %d where partitions begin and end: %w", broker, err)
	}
	for _, t := range resp.Topics {
		for _, answer := range t.Partitions {
			if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
				right := consumer.Right{Operation: "Describe", Resource: consumer.Topic, Name: t.Topic}
				return right.Needed(fmt.Errorf("ask broker %d where %s/%d begins and ends: %w", broker, t.Topic, answer.Partition, err))
			}
			if p := wanted[partitionKey{t.Topic, answer.Partition}]; p != nil {
				set(p, answer.Offset)
				delete(wanted, partitionKey{t.Topic, answer.Partition})
			}
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("ask broker %d where partitions begin and end: it answers without %d of them", broker, len(wanted))
	}
	return nil
}
