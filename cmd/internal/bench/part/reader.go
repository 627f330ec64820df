package part

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// readMessages is the reading of the reader, the baseline that is written as people usually write it with kafka-go: a
// Reader, from whose channel messages come one at a time. It has one for each partition, without a group, and what it
// does not set is as kafka-go has it.
func readMessages(ctx context.Context, b *baseline, partition int32, end int64, join *joiner) error {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: b.task.Brokers, Topic: b.task.Topic, Partition: int(partition),
		MinBytes: 1, MaxBytes: baselineFetch, MaxWait: baselineWait,
	})
	defer r.Close()
	for offset := int64(0); offset < end; {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return fmt.Errorf("fetch %s/%d@%d: %w", b.task.Topic, partition, offset, err)
		}
		join.next(ctx, len(m.Value)).addMessage(m)
		offset = m.Offset + 1
	}
	return nil
}

func (s *shipment) addMessage(m kafka.Message) {
	if len(s.ends) == 0 {
		s.user = string(m.Key)
	}
	copy(s.add(len(m.Value)), m.Value)
}
