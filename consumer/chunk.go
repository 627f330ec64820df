package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"
)

// chunk is what one fetch brought.
type chunk struct {
	records []Record
	next    int64 // where to fetch next, at least after the last record
	end     int64 // high watermark
}

// fetch reads committed records from offset on: those of aborted transactions
// and the transaction markers are left out. kafka-go's own Fetch call does not
// tell which transactions were aborted, hence the request one level below.
func (c *Consumer) fetch(ctx context.Context, p *Partition, offset int64) (chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.FetchWait+10*time.Second)
	defer cancel()
	m, err := c.client.Transport.RoundTrip(ctx, c.client.Addr, &fetchAPI.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(c.cfg.FetchWait / time.Millisecond),
		MinBytes:       1,
		MaxBytes:       int32(c.cfg.FetchBytes),
		IsolationLevel: int8(kafka.ReadCommitted),
		SessionID:      -1,
		SessionEpoch:   -1,
		Topics: []fetchAPI.RequestTopic{{
			Topic: p.Topic,
			Partitions: []fetchAPI.RequestPartition{{
				Partition:          int32(p.ID),
				CurrentLeaderEpoch: -1,
				FetchOffset:        offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  int32(c.cfg.FetchBytes),
			}},
		}},
	})
	if err != nil {
		return chunk{}, err
	}
	res, ok := m.(*fetchAPI.Response)
	if ok && res.ErrorCode != 0 {
		return chunk{}, kafka.Error(res.ErrorCode)
	}
	if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return chunk{}, errors.New("the broker answered for other partitions than asked")
	}
	part := &res.Topics[0].Partitions[0]
	if part.ErrorCode != 0 {
		return chunk{}, kafka.Error(part.ErrorCode)
	}
	return readChunk(p, part, offset)
}

func readChunk(p *Partition, part *fetchAPI.ResponsePartition, offset int64) (chunk, error) {
	out := chunk{next: offset, end: part.HighWatermark}
	stream, ok := part.RecordSet.Records.(*protocol.RecordStream)
	if !ok { // nothing new
		return out, nil
	}
	aborted := newAbortedTransactions(part.AbortedTransactions)
	for _, batch := range stream.Records {
		if control, ok := batch.(*protocol.ControlBatch); ok {
			aborted.marker(control)
			out.next = max(out.next, control.BaseOffset+1)
			drop(control)
			continue
		}
		keep := true
		if b, ok := batch.(*protocol.RecordBatch); ok {
			keep = !aborted.contains(b)
			out.next = max(out.next, b.BaseOffset+1) // even if compaction has emptied it
		}
		for {
			rec, err := batch.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return chunk{}, fmt.Errorf("read record: %w", err)
			}
			// A batch is sent whole even when only its tail was asked for.
			if keep && rec.Offset >= offset {
				r, err := newRecord(p, rec)
				if err != nil {
					return chunk{}, err
				}
				out.records = append(out.records, r)
			} else {
				closeRecord(rec)
			}
			out.next = max(out.next, rec.Offset+1)
		}
	}
	if out.next == offset && len(stream.Records) > 0 {
		// Compaction has emptied the end of a batch, and the protocol library
		// does not say where that is. The offset asked for holds no record.
		out.next++
	}
	return out, nil
}

// newRecord copies a record out of the connection's pages, key and value into
// one allocation of their own: a record that waits long must not hold on to the
// whole chunk it came in.
func newRecord(p *Partition, rec *protocol.Record) (Record, error) {
	defer closeRecord(rec)
	r := Record{Partition: p, Offset: rec.Offset, Time: rec.Time, Headers: rec.Headers}
	var keySize, valueSize int
	if rec.Key != nil {
		keySize = rec.Key.Len()
	}
	if rec.Value != nil {
		valueSize = rec.Value.Len()
	}
	buf := make([]byte, keySize+valueSize)
	if rec.Key != nil {
		r.Key = buf[:keySize:keySize]
		if _, err := io.ReadFull(rec.Key, r.Key); err != nil {
			return Record{}, fmt.Errorf("read key of %s@%d: %w", p, rec.Offset, err)
		}
	}
	if rec.Value != nil {
		r.Value = buf[keySize:]
		if _, err := io.ReadFull(rec.Value, r.Value); err != nil {
			return Record{}, fmt.Errorf("read value of %s@%d: %w", p, rec.Offset, err)
		}
	}
	return r, nil
}

func closeRecord(rec *protocol.Record) {
	if rec.Key != nil {
		_ = rec.Key.Close()
	}
	if rec.Value != nil {
		_ = rec.Value.Close()
	}
}

// drop gives a batch's memory back.
func drop(batch protocol.RecordReader) {
	for {
		rec, err := batch.ReadRecord()
		if err != nil {
			return
		}
		closeRecord(rec)
	}
}
