package wire

import (
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of the Fetch API spoken here: record batches came with 4 (Kafka 0.11),
// and from 13 on it goes by the topic's id (Kafka 3.1); and those between them that
// differ in what is read, or in what it means.
const (
	OldestFetch       = 4
	firstLogStart     = 5
	firstSession      = 7
	FirstUnread       = 8 // a broker that wants no requests for a while reads none, and before waited to answer
	firstReplica      = 11
	firstFlexible     = 12
	NewestFetchByName = 12
	firstByTopicID    = 13
	NewestFetch       = 18
)

// ResponseSlack is what a response has beside its batches, and more, in bytes.
const ResponseSlack = 16 << 10

// abortedSize is what an aborted transaction takes up, in bytes.
const abortedSize = 16

// Answer reads the answer to a Fetch request as its bytes come, each partition's into
// memory of its own. Not safe for concurrent use.
type Answer struct {
	s       incoming
	version int16
	comes   func() error

	throttle time.Duration
	topic    string   // of the partition that it is at, by its name or by its id
	id       [16]byte // likewise
	part     kmsg.FetchResponseTopicPartition
}

// NewAnswer reads an answer in that version of the API. Before it waits for the batches
// of a partition it calls comes, whose error ends the reading.
func NewAnswer(r io.Reader, version int16, comes func() error) *Answer {
	return &Answer{s: incoming{r: r, compact: version >= firstFlexible}, version: version, comes: comes}
}

// Partitions goes from one partition to the next, up to the end or an error, see Err.
// Each is to be read with Read.
func (a *Answer) Partitions(yield func() bool) {
	s := &a.s
	s.begin()
	s.int32() // correlation
	s.tags(0, nil)
	a.throttle = time.Duration(s.int32()) * time.Millisecond
	if a.version >= firstSession {
		if err := kerr.ErrorForCode(s.int16()); err != nil {
			s.fail(err)
			return
		}
		s.int32() // session
	}
	for topics := s.length(); topics > 0 && s.err == nil; topics-- {
		if a.version < firstByTopicID {
			a.topic = s.text()
		} else {
			copy(a.id[:8], s.take(8))
			copy(a.id[8:], s.take(8))
		}
		for parts := s.length(); parts > 0; parts-- {
			a.part = kmsg.NewFetchResponseTopicPartition()
			a.part.Partition = s.int32()
			if s.err != nil || !yield() {
				return
			}
		}
		s.tags(0, nil)
	}
	s.tags(0, nil)
	s.skip(s.left)
}

// IsOf tells whether the partition it is at is that one.
func (a *Answer) IsOf(topic string, id [16]byte, partition int) bool {
	if int(a.part.Partition) != partition {
		return false
	}
	if a.version < firstByTopicID {
		return a.topic == topic
	}
	return a.id == id
}

// Read reads what there is of the partition it is at. Batches of more than most bytes it
// passes, and a list of aborted transactions that is longer than is expected: to wait for
// memory would keep others waiting; then not all fits. The memory is what the batches lie
// in; nil: there are none. The part is valid until the next is read, and means nothing
// where there is an error.
func (a *Answer) Read(most int) (part *kmsg.FetchResponseTopicPartition, m *Memory, fits bool) {
	s, part := &a.s, &a.part
	part.ErrorCode = s.int16()
	part.HighWatermark, part.LastStableOffset = s.int64(), s.int64()
	if a.version >= firstLogStart {
		s.int64()
	}
	n := s.length()
	fits = n <= ResponseSlack/abortedSize
	for ; n > 0 && s.err == nil; n-- {
		aborted := abortedTransaction{ProducerID: s.int64(), FirstOffset: s.int64()}
		s.tags(0, nil)
		if fits {
			part.AbortedTransactions = append(part.AbortedTransactions, aborted)
		}
	}
	if a.version >= firstReplica {
		s.int32()
	}
	size := s.length()
	if size > 0 {
		if err := a.comes(); err != nil {
			s.fail(err)
			return part, nil, false
		}
	}
	if fits = fits && size <= most; fits && size > 0 {
		m = newMemory(size)
		if err := m.read(s, size); err != nil {
			s.fail(err)
		}
		part.RecordBatches = m.bytes
	}
	if !fits {
		s.skip(size)
	}
	s.tags(0, func() { part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = s.int32(), s.int64() })
	return part, m, fits
}

// Err is the error that has ended the reading: one of the answer as a whole, which is
// kerr's, or of what it lies in. What was read before is good.
func (a *Answer) Err() error { return a.s.err }

// Throttle is for how long the broker wants no requests, as it says: from [FirstUnread]
// on from now, and else up to now.
func (a *Answer) Throttle() time.Duration { return a.throttle }
