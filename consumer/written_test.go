package consumer

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// written is a record batch for tests to encode.
type written struct {
	base, last    int64
	producer      int64
	transactional bool
	codec         compress.Compression
	pack          func([]byte) []byte // nil: as the codec does
	records       []Record            // of which Time, Key, Value and Headers are written
}

func (w written) encode() []byte {
	b := wiretest.Batch{Base: w.base, Last: w.last, Producer: w.producer, Transactional: w.transactional, Codec: w.codec, Pack: w.pack}
	for _, r := range w.records {
		b.Records = append(b.Records, wiretest.Record{Offset: r.Offset, Time: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers})
	}
	return b.Encode()
}

// with is the batch of n records like the one given.
func (w written) with(n int, r Record) []byte {
	w.last, w.producer = int64(n)-1, -1
	for i := range n {
		r.Offset, r.Time = int64(i), time.UnixMilli(start)
		w.records = append(w.records, r)
	}
	return w.encode()
}

// start is the time of the first record, in milliseconds.
const start = wiretest.Start

var codecs = []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}

// batchOf holds records at the offsets, the first of which need not be its base.
func batchOf(base, last, producer int64, transactional bool, offsets ...int64) written {
	w := written{base: base, last: last, producer: producer, transactional: transactional}
	for _, o := range offsets {
		w.records = append(w.records, Record{Offset: o, Time: time.UnixMilli(start), Value: []byte("v")})
	}
	return w
}

// batchWith is a batch of n records like the one given.
func batchWith(n int, codec compress.Compression, r Record) []byte {
	return written{codec: codec}.with(n, r)
}

// packedWith is batchWith, compressed by pack, which is zstd.
func packedWith(n int, r Record, pack func([]byte) []byte) []byte {
	return written{codec: compress.Zstd, pack: pack}.with(n, r)
}

type abortedTransaction = kmsg.FetchResponseTopicPartitionAbortedTransaction

func chunkOf(offset int64, aborted []abortedTransaction, batches ...[]byte) *chunk {
	part := kmsg.NewFetchResponseTopicPartition()
	part.HighWatermark, part.AbortedTransactions, part.RecordBatches = 1000, aborted, slices.Concat(batches...)
	c, err := newChunk(&Partition{Topic: "t"}, position{offset: offset, epoch: unknownEpoch}, &kmsg.FetchResponse{
		Version: wire.NewestFetchByName, Topics: []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{part}}},
	}, nil)
	if err != nil {
		panic(err)
	}
	c.With(context.Background(), boundless.Lease(nil), boundless.Hand("t"), math.MaxInt)
	return c
}

var boundless = wire.NewBudget(math.MaxInt, recordSize)

// readAll reads a chunk in pieces of n.
func readAll(c *chunk, n int) (records []Record, err error) {
	for {
		records, err = c.read(records, n)
		if err != nil || c.Ended() {
			return records, err
		}
	}
}
