package kafkatest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is a record as it lies in a topic. A nil Key or Value is Kafka's null, which is another thing than an
// empty one.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // in milliseconds
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header is one header of a record. A name may occur more than once.
type Header struct {
	Key   string
	Value []byte
}

// Produce writes the records, each to the topic and partition it names, and returns them with the offsets they
// got when all in-sync replicas have them. Records of one partition keep their order. Without a timestamp a
// record gets the present.
func (b *Broker) Produce(tb testing.TB, records ...Record) []Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	out := make([]*kgo.Record, len(records))
	for i, r := range records {
		out[i] = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			out[i].Headers = append(out[i].Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	err := b.with(func(client *kgo.Client) error {
		return client.ProduceSync(ctx, out...).FirstErr()
	}, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64<<20)) // the topic decides what is too large
	if err != nil {
		tb.Fatalf("produce %d records: %v", len(records), err)
	}
	written := make([]Record, len(out))
	for i, r := range out {
		written[i] = record(r)
	}
	return written
}

// ReadAll returns what lies in the topic at this moment: partition by partition, up to the high watermark, by
// rising offset.
func (b *Broker) ReadAll(tb testing.TB, topic string) []Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var records []Record
	err := b.with(func(client *kgo.Client) error {
		var begins, ends map[int32]int64
		err := persist(ctx, func() (err error) {
			if begins, err = listOffsets(ctx, client, topic, -2, uncommitted); err != nil {
				return err
			}
			ends, err = listOffsets(ctx, client, topic, -1, uncommitted)
			return err
		})
		if err != nil {
			return err
		}
		records, err = readUntil(ctx, client, topic, begins, ends)
		return err
	}, kgo.KeepControlRecords()) // they are not shown, but one may be the last before the high watermark
	if err != nil {
		tb.Fatalf("read topic %s: %v", topic, err)
	}
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(a.Partition, b.Partition) })
	return records
}

// AwaitTransactions waits until all transactions in a topic are over for those who read what is committed: a broker
// answers their end before the partitions have heard of it. A topic that does not exist has none.
func (b *Broker) AwaitTransactions(tb testing.TB, topic string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if len(b.Topics(tb, topic)) == 0 {
		return
	}
	err := b.with(func(client *kgo.Client) error {
		return persist(ctx, func() error {
			stable, err := listOffsets(ctx, client, topic, -1, committedOnly)
			if err != nil {
				return err
			}
			ends, err := listOffsets(ctx, client, topic, -1, uncommitted)
			if err == nil && !maps.Equal(stable, ends) {
				err = errNotYet
			}
			return err
		})
	})
	if err != nil {
		tb.Fatalf("await the transactions in topic %s: %v", topic, err)
	}
}

// Which records a reader may see.
const (
	uncommitted   = 0
	committedOnly = 1
)

// listOffsets returns the offset of each partition at the timestamp, of which -2 means the first and -1 the one
// after the last that consumers may read.
func listOffsets(ctx context.Context, client *kgo.Client, topic string, timestamp int64, isolation int8) (map[int32]int64, error) {
	known, err := leaders(ctx, client, topic)
	if err != nil {
		return nil, err
	}
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for _, partition := range known.Partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = partition.Partition, timestamp
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	offsets := make(map[int32]int64)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list the offsets of partition %d: %w", p.Partition, err)
			}
			offsets[p.Partition] = p.Offset
		}
	}
	return offsets, nil
}

// readUntil reads each partition from its begin up to its end.
func readUntil(
	ctx context.Context, client *kgo.Client, topic string, begins, ends map[int32]int64,
) (records []Record, err error) {
	unread := make(map[int32]kgo.Offset)
	for p, end := range ends {
		if begins[p] < end {
			unread[p] = kgo.NewOffset().At(begins[p])
		}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: unread})
	for len(unread) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < ends[r.Partition] && !r.Attrs.IsControl() {
				records = append(records, record(r))
			}
			if r.Offset+1 >= ends[r.Partition] {
				delete(unread, r.Partition)
			}
		})
	}
	return records, nil
}

func record(r *kgo.Record) Record {
	out := Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Timestamp: r.Timestamp.UTC().Truncate(time.Millisecond), Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, Header(h))
	}
	return out
}
