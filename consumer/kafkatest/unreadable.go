package kafkatest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ProduceUnreadable writes a record batch that cannot be read: it begins with a record for each of the values, and
// has n more, whose bytes mean nothing. It returns the first offset of the batch. A real broker takes no such batch:
// there the bytes go bad on its disk.
func (b *Broker) ProduceUnreadable(tb testing.TB, topic string, partition int32, n int, values ...string) (first int64) {
	tb.Helper()
	b.RequireKfake(tb)
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	err := b.with(func(client *kgo.Client) (err error) {
		first, err = ProduceUnreadableBy(ctx, client, topic, partition, n, values...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return first
}

// ProduceUnreadableBy does so by a client of the caller's.
func ProduceUnreadableBy(ctx context.Context, client *kgo.Client, topic string, partition int32, n int, values ...string) (first int64, err error) {
	known, err := leaders(ctx, client, topic)
	if err != nil {
		return 0, fmt.Errorf("find the leader of %s/%d: %w", topic, partition, err)
	}
	is := func(p kmsg.MetadataResponseTopicPartition) bool { return p.Partition == partition }
	leader := known.Partitions[slices.IndexFunc(known.Partitions, is)].Leader
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, unreadable(n, values)
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID, t.Partitions = topic, known.TopicID, append(t.Partitions, p)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 10_000, append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client.Broker(int(leader)))
	if err == nil {
		first, err = resp.Topics[0].Partitions[0].BaseOffset, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("produce a batch that cannot be read: %w", err)
	}
	return first, nil
}

// unreadable is such a batch, with the right checksum, which brokers look at.
func unreadable(n int, values []string) []byte {
	records := int32(len(values) + n)
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: records - 1, NumRecords: records,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
	}
	for i, value := range values {
		r := kmsg.Record{OffsetDelta: int32(i), Value: []byte(value)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length, which is 0 yet: one byte
		batch.Records = r.AppendTo(batch.Records)
	}
	batch.Records = append(batch.Records, 0xff, 0xff, 0xff) // a length that has no end
	text := batch.AppendTo(nil)
	const (
		afterLength = 8 + 4 // the first offset and the length itself
		crc         = 8 + 4 + 4 + 1
		afterCRC    = crc + 4
	)
	binary.BigEndian.PutUint32(text[8:], uint32(len(text)-afterLength))
	binary.BigEndian.PutUint32(text[crc:], crc32.Checksum(text[afterCRC:], crc32.MakeTable(crc32.Castagnoli)))
	return text
}
