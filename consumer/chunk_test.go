package consumer

import (
	"io"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"
)

// batch holds records at the offsets, the first of which need not be its base.
func batch(base int64, producer int64, transactional bool, offsets ...int64) *protocol.RecordBatch {
	records := make([]protocol.Record, len(offsets))
	for i, o := range offsets {
		records[i] = protocol.Record{Offset: o, Value: protocol.NewBytes([]byte("v"))}
	}
	b := &protocol.RecordBatch{BaseOffset: base, ProducerID: producer, Records: protocol.NewRecordReader(records...)}
	if transactional {
		b.Attributes = protocol.Transactional
	}
	return b
}

func marker(offset, producer int64, kind int16) *protocol.ControlBatch {
	record := protocol.ControlRecord{Offset: offset, Type: kind}
	b := protocol.NewControlBatch(record)
	b.BaseOffset, b.ProducerID = offset, producer
	return b
}

const (
	abort  = 0
	commit = 1
)

func TestReadChunk(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		offset  int64
		batches []protocol.RecordReader
		aborted []fetchAPI.ResponseTransaction
		want    []int64
		next    int64
	}{
		"nothing new leaves the position": {offset: 5, next: 5},
		"records follow each other":       {offset: 5, batches: []protocol.RecordReader{batch(5, -1, false, 5, 6)}, want: []int64{5, 6}, next: 7},
		"the head of a batch is known already": {
			offset: 7, batches: []protocol.RecordReader{batch(5, -1, false, 5, 6, 7, 8)}, want: []int64{7, 8}, next: 9,
		},
		"compaction leaves gaps": {
			offset: 5, batches: []protocol.RecordReader{batch(5, -1, false, 8), batch(20, -1, false, 23)}, want: []int64{8, 23}, next: 24,
		},
		"a batch that compaction has emptied is passed step by step": {
			offset: 5, batches: []protocol.RecordReader{batch(3, -1, false)}, next: 6,
		},
		"or at once up to one after it": {
			offset: 5, batches: []protocol.RecordReader{batch(3, -1, false), batch(900, -1, false)}, next: 901,
		},
		"the end of a batch that compaction has removed is passed": {
			offset: 7, batches: []protocol.RecordReader{batch(5, -1, false, 5, 6)}, next: 8,
		},
		"a transaction committed": {
			offset: 5, batches: []protocol.RecordReader{batch(5, 1, true, 5, 6), marker(7, 1, commit)}, want: []int64{5, 6}, next: 8,
		},
		"a transaction aborted": {
			offset: 5, batches: []protocol.RecordReader{batch(5, 1, true, 5, 6), marker(7, 1, abort)},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 5}}, next: 8,
		},
		"one aborted that began before this chunk": {
			offset: 5, batches: []protocol.RecordReader{batch(5, 1, true, 5, 6), marker(7, 1, abort), batch(8, 1, true, 8)},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 2}}, want: []int64{8}, next: 9,
		},
		"two of one producer, the second aborted": {
			offset: 5, batches: []protocol.RecordReader{
				batch(5, 1, true, 5), marker(6, 1, commit), batch(7, 1, true, 7), marker(8, 1, abort),
			},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 7}}, want: []int64{5}, next: 9,
		},
		"two interleaved, one aborted": {
			offset: 5, batches: []protocol.RecordReader{
				batch(5, 1, true, 5), batch(6, 2, true, 6), marker(7, 2, commit), batch(8, 1, true, 8), marker(9, 1, abort), batch(10, 1, true, 10),
			},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{6, 10}, next: 11,
		},
		"two aborted, named in whatever order": {
			offset: 5, batches: []protocol.RecordReader{
				batch(5, 1, true, 5), marker(6, 1, abort), batch(7, 1, true, 7), marker(8, 1, commit), batch(9, 1, true, 9), marker(10, 1, abort),
			},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 9}, {ProducerID: 1, FirstOffset: 5}}, want: []int64{7}, next: 11,
		},
		"what the same producer writes outside of transactions": {
			offset: 5, batches: []protocol.RecordReader{batch(5, 1, false, 5), batch(6, 1, true, 6)},
			aborted: []fetchAPI.ResponseTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{5}, next: 7,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			part := &fetchAPI.ResponsePartition{HighWatermark: 1000, AbortedTransactions: test.aborted}
			if test.batches != nil {
				part.RecordSet.Records = &protocol.RecordStream{Records: test.batches}
			}
			c, err := readChunk(&Partition{Topic: "t"}, part, test.offset)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, r := range c.records {
				got = append(got, r.Offset)
			}
			if !slices.Equal(got, test.want) || c.next != test.next || c.end != 1000 {
				t.Errorf("read %v, next %d, end %d; want %v, next %d, end 1000", got, c.next, c.end, test.want, test.next)
			}
		})
	}
}

// broken fails after its first record.
type broken struct{ read bool }

func (b *broken) ReadRecord() (*protocol.Record, error) {
	if b.read {
		return nil, io.ErrUnexpectedEOF
	}
	b.read = true
	return &protocol.Record{Offset: 5}, nil
}

func TestReadChunkGivesNothingOfABrokenBatch(t *testing.T) {
	t.Parallel()
	part := &fetchAPI.ResponsePartition{}
	part.RecordSet.Records = &protocol.RecordStream{Records: []protocol.RecordReader{&broken{}}}
	if c, err := readChunk(&Partition{}, part, 5); err == nil || len(c.records) > 0 {
		t.Errorf("read %v, error %v", c.records, err)
	}
}
