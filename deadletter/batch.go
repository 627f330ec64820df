package deadletter

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// batch is letters that are written together, in one batch of Kafka's.
type batch struct {
	letters []*Letter
	cut     int // see [Letter.record]
	time    time.Time

	producer producer
	number   int32 // of the first letter, among those of the producer; -1: none yet

	written bool
}

func newBatch(letters []*toWrite, cut int) *batch {
	b := &batch{cut: cut, time: time.Now(), number: -1}
	for _, l := range letters {
		b.letters = append(b.letters, l.Letter)
	}
	return b
}

// has tells whether a letter is in the batch, perhaps explained in other words.
func (b *batch) has(l *toWrite) bool {
	return b.index(l) >= 0
}

// take takes a letter out, if it is in.
func (b *batch) take(l *toWrite) bool {
	i := b.index(l)
	if i >= 0 {
		b.letters = slices.Delete(b.letters, i, i+1)
	}
	return i >= 0
}

func (b *batch) index(l *toWrite) int {
	return slices.IndexFunc(b.letters, func(other *Letter) bool { return other.Identity() == l.Identity() })
}

// encode is the batch in Kafka's format 2.
func (b *batch) encode() []byte {
	millis := b.time.UnixMilli()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2,
		LastOffsetDelta: int32(len(b.letters) - 1), NumRecords: int32(len(b.letters)),
		FirstTimestamp: millis, MaxTimestamp: millis,
		ProducerID: b.producer.id, ProducerEpoch: b.producer.epoch, FirstSequence: b.number,
	}
	for i, l := range b.letters {
		r := l.record(b.cut)
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
