package consumer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of the Fetch API spoken here: record batches came with 4 (Kafka 0.11),
// and from 13 on it goes by the topic's id (Kafka 3.1); and those between them that
// differ in what is read.
const (
	oldestFetch     = 4
	firstLogStart   = 5
	firstSession    = 7
	firstReplica    = 11
	firstFlexible   = 12
	newestFetchName = 12
	firstByTopicID  = 13
	newestFetch     = 18
)

// newestFetchOf is the newest version in which to ask for a topic: without an id it
// goes by its name.
func newestFetchOf(topic topicID) int16 {
	if topic == (topicID{}) {
		return newestFetchName
	}
	return newestFetch
}

// tooOldError is of a broker that speaks no newer version than that.
func tooOldError(version int16) error {
	return fmt.Errorf("the broker speaks version %d of the Fetch API: Kafka 0.11 or newer is needed", version)
}

// abortedSize is what an aborted transaction takes up, in bytes.
const abortedSize = 16

// read reads the answer, and tells what it says.
func (r *request) read(s *incoming, version int16) error {
	s.begin()
	s.int32() // correlation
	s.tags(0, nil)
	r.throttled = min(time.Duration(s.int32())*time.Millisecond, maxThrottle)
	if version >= firstSession {
		if err := kerr.ErrorForCode(s.int16()); err != nil {
			return err
		}
		s.int32() // session
	}
	for topics := s.length(); topics > 0 && s.err == nil; topics-- {
		var name string
		var id topicID
		if version < firstByTopicID {
			name = s.text()
		} else {
			copy(id[:8], s.take(8))
			copy(id[8:], s.take(8))
		}
		for parts := s.length(); parts > 0 && s.err == nil; parts-- {
			if err := r.readPart(s, version, name, id); err != nil {
				return err
			}
		}
		s.tags(0, nil)
	}
	s.tags(0, nil)
	s.skip(s.left)
	return s.err
}

// readPart reads what there is of a partition. What is larger than its share it passes:
// to wait for memory would keep the others waiting.
func (r *request) readPart(s *incoming, version int16, topic string, id topicID) error {
	part := &r.part
	*part = kmsg.NewFetchResponseTopicPartition()
	part.Partition = s.int32()
	at := slices.IndexFunc(r.wishes, func(w *wish) bool {
		return w != nil && w.p.ID == int(part.Partition) && (version >= firstByTopicID && w.from.topic == id || version < firstByTopicID && w.p.Topic == topic)
	})
	if at < 0 {
		return cmp.Or(s.err, errOtherPartition)
	}
	w := r.wishes[at]
	part.ErrorCode = s.int16()
	part.HighWatermark, part.LastStableOffset = s.int64(), s.int64()
	if version >= firstLogStart {
		s.int64()
	}
	n := s.length()
	fits := n <= responseSlack/abortedSize
	for ; n > 0 && s.err == nil; n-- {
		aborted := abortedTransaction{ProducerID: s.int64(), FirstOffset: s.int64()}
		s.tags(0, nil)
		if fits {
			part.AbortedTransactions = append(part.AbortedTransactions, aborted)
		}
	}
	if version >= firstReplica {
		s.int32()
	}
	var m *memory
	size := s.length()
	if size > 0 {
		if err := r.within(askTimeout); err != nil {
			return err
		}
	}
	if fits = fits && size <= w.maxBytes; fits && size > 0 {
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
	if s.err != nil {
		return s.err
	}
	r.wishes[at] = nil
	r.tell(w, m, fits)
	return nil
}

// tell answers a wish, or has it stay.
func (r *request) tell(w *wish, m *memory, fits bool) {
	part := &r.part
	good := part.ErrorCode == 0 && part.DivergingEpoch.EndOffset < 0
	switch {
	case good && (!fits || m == nil && part.LastStableOffset > w.from.offset):
		w.answer <- fetched{err: errAlone}
		return
	case good && m == nil && !w.told:
		w.p.confirm(part.HighWatermark)
		r.empty = append(r.empty, w)
		return
	}
	chunk, err := newChunkOf(w.p, w.from, part)
	switch {
	case m == nil:
	case err != nil:
		m.release()
	default:
		chunk.memory, r.brought = m, true
	}
	w.answer <- fetched{chunk, err}
}
