package topic

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Batch is records that are written together, in one batch of Kafka's. It is not
// changed but by the [Producer] that sends it.
type Batch struct {
	records []kmsg.Record
	time    time.Time

	producer producerID
	number   int32 // of the first record, among those of the producer; -1: none yet
}

// NewBatch returns a batch of records with their keys, values and headers, of now.
func NewBatch(records ...kmsg.Record) *Batch {
	return &Batch{records: records, time: time.Now(), number: -1}
}

// Open tells whether the batch was sent, and may have been written.
func (b *Batch) Open() bool { return b.number >= 0 }

// encode is the batch in Kafka's format 2.
func (b *Batch) encode() []byte {
	millis := b.time.UnixMilli()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2,
		LastOffsetDelta: int32(len(b.records) - 1), NumRecords: int32(len(b.records)),
		FirstTimestamp: millis, MaxTimestamp: millis,
		ProducerID: b.producer.id, ProducerEpoch: b.producer.epoch, FirstSequence: b.number,
	}
	for i, r := range b.records {
		r.OffsetDelta = int32(i)
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length, which is 0 yet: one byte
		batch.Records = r.AppendTo(batch.Records)
	}
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
