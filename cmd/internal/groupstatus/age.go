package groupstatus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// aged is a record whose timestamp is known.
type aged struct {
	topic  [16]byte // the id of its topic
	offset int64    // the position it was read at
	at     time.Time
}

// How many bytes of a partition are asked for to read one record, each time that it takes; and of all partitions together.
// A broker sends the first batch whole that it sends, however large it is.
var ageBytes = []int32{16 << 10, 128 << 10, 1 << 20, 1 << 20, 1 << 20, 1 << 20}

const (
	ageRequest = 8 << 20
	ageTime    = 5 * time.Second // in which what is not read has no age
)

// readAges reads the timestamp of the oldest record that is not settled of each partition that has one. What cannot be
// read in reasonable time has none.
func (r *Reader) readAges(ctx context.Context, l *layout, s *Snapshot) error {
	soon, cancel := context.WithTimeout(ctx, ageTime)
	defer cancel()
	known := map[partitionKey]aged{}
	left := map[*Partition]int64{} // where to go on
	var mu sync.Mutex
	for i := range s.Partitions {
		p := &s.Partitions[i]
		if p.Leaderless || p.Lag() == 0 {
			continue
		}
		key := partitionKey{p.Topic, p.Partition}
		if was, is := r.ages[key]; is && was.topic == l.topics[p.Topic].id && was.offset == p.Position && was.offset >= p.Start {
			p.Oldest, known[key] = was.at, was
			continue
		}
		left[p] = max(p.Position, p.Start)
	}
	denied := map[string]bool{}
	for _, bytes := range ageBytes {
		var wanted []Partition
		at := map[partitionKey]*Partition{}
		for i := range s.Partitions { // in order, so that topics stand together
			p := &s.Partitions[i]
			if _, is := left[p]; is && !denied[p.Topic] {
				wanted = append(wanted, *p)
				at[partitionKey{p.Topic, p.Partition}] = p
			}
		}
		if len(wanted) == 0 {
			break
		}
		err := eachBroker(l, wanted, func(broker int32, led []*Partition) error {
			mu.Lock()
			for _, p := range led {
				p.Position = left[at[partitionKey{p.Topic, p.Partition}]] // of the copy: where it is read
			}
			mu.Unlock()
			return r.fetch(soon, l, broker, led, bytes, func(topic string, fetched *kgo.FetchPartition, next int64) {
				mu.Lock()
				defer mu.Unlock()
				p := at[partitionKey{topic, fetched.Partition}]
				switch {
				case p == nil:
				case consumer.IsDenied(fetched.Err):
					denied[topic] = true
				case len(fetched.Records) > 0:
					p.Oldest = fetched.Records[0].Timestamp
					if fetched.Records[0].Timestamp.UnixMilli() < 0 {
						p.Oldest = time.Time{}
					}
					known[partitionKey{topic, p.Partition}] = aged{l.topics[topic].id, p.Position, p.Oldest}
					delete(left, p)
				case next > left[p]:
					left[p] = next
				}
			})
		})
		if err != nil && ctx.Err() != nil {
			return err
		}
		if soon.Err() != nil {
			break
		}
	}
	r.ages = known
	for i := range s.Topics {
		s.Topics[i].Unread = denied[s.Topics[i].Name]
	}
	return nil
}

// fetch asks a broker for the first record of each partition from its position on. What is held up by an open transaction
// is read all the same: its age is what matters.
func (r *Reader) fetch(ctx context.Context, l *layout, broker int32, led []*Partition, bytes int32, take func(topic string, fetched *kgo.FetchPartition, next int64)) error {
	for _, isolation := range []int8{committed, uncommitted} {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 100, 1, ageRequest, isolation
		from := map[partitionKey]int64{}
		names := map[[16]byte]string{}
		byTopic(led, func(topic string, of []*Partition) {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = topic, l.topics[topic].id
			names[t.TopicID] = topic
			for _, p := range of {
				if p.Position >= p.Stable != (isolation == uncommitted) {
					continue
				}
				from[partitionKey{topic, p.Partition}] = p.Position
				asked := kmsg.NewFetchRequestTopicPartition()
				asked.Partition, asked.FetchOffset, asked.PartitionMaxBytes = p.Partition, p.Position, bytes
				t.Partitions = append(t.Partitions, asked)
			}
			if len(t.Partitions) > 0 {
				req.Topics = append(req.Topics, t)
			}
		})
		if len(from) == 0 {
			continue
		}
		resp, err := req.RequestWith(ctx, r.client.Broker(int(broker)))
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return fmt.Errorf("read the oldest records from broker %d: %w", broker, err)
		}
		level := kgo.ReadCommitted()
		if isolation == uncommitted {
			level = kgo.ReadUncommitted()
		}
		for i := range resp.Topics {
			t := &resp.Topics[i]
			topic := t.Topic
			if resp.Version >= 13 { // by id
				topic = names[t.TopicID]
			}
			for j := range t.Partitions {
				answer := &t.Partitions[j]
				offset, is := from[partitionKey{topic, answer.Partition}]
				if !is {
					continue
				}
				if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
					take(topic, &kgo.FetchPartition{Partition: answer.Partition, Err: err}, offset)
					continue
				}
				fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
					Offset: offset, IsolationLevel: level, Topic: topic, Partition: answer.Partition,
				}, answer, kgo.DefaultDecompressor(), nil)
				if fetched.Err != nil && !errors.Is(fetched.Err, kerr.TopicAuthorizationFailed) {
					next = offset // such as a batch that cannot be read: its age is not known
				}
				take(topic, &fetched, next)
			}
		}
	}
	return nil
}
