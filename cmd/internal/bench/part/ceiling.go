package part

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
)

// fetchChunks is the reading of the ceiling, the baseline that does the least there is to do with the same libraries, and
// so shows what this host has to give: it fetches in large chunks, and copies values from there right into a body.
func fetchChunks(ctx context.Context, b *baseline, partition int32, end int64, join *joiner) error {
	for offset := int64(0); offset < end; {
		res, err := b.kafka.Fetch(ctx, &kafka.FetchRequest{
			Topic: b.task.Topic, Partition: int(partition), Offset: offset,
			MinBytes: 1, MaxBytes: baselineFetch, MaxWait: baselineWait,
		})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return fmt.Errorf("fetch %s/%d@%d: %w", b.task.Topic, partition, offset, err)
		}
		for {
			rec, err := res.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read records of %s/%d: %w", b.task.Topic, partition, err)
			}
			if rec.Offset >= offset { // a batch is sent whole even when only its tail was asked for
				if err := join.next(ctx, valueSize(rec)).addRecord(rec); err != nil {
					return fmt.Errorf("read %s/%d@%d: %w", b.task.Topic, partition, rec.Offset, err)
				}
				offset = rec.Offset + 1
			}
			release(rec)
		}
	}
	return nil
}

func valueSize(rec *kafka.Record) int {
	if rec.Value == nil {
		return 0
	}
	return rec.Value.Len()
}

func (s *shipment) addRecord(rec *kafka.Record) error {
	if len(s.ends) == 0 && rec.Key != nil {
		key, err := kafka.ReadAll(rec.Key)
		if err != nil {
			return err
		}
		s.user = string(key)
	}
	value := s.add(valueSize(rec))
	if len(value) == 0 {
		return nil
	}
	_, err := io.ReadFull(rec.Value, value)
	return err
}

func release(rec *kafka.Record) {
	if rec.Key != nil {
		_ = rec.Key.Close()
	}
	if rec.Value != nil {
		_ = rec.Value.Close()
	}
}
