package deadletter

import (
	"context"
	"errors"
	"slices"

	"github.com/battlereport/battlereport/deadletter/topic"
)

// partitionWriter writes letters to a partition, batch by batch, each once. It works for one
// caller at a time.
//
// What a write that was cut off has left open keeps its numbers, and those that
// come after it are another producer's.
type partitionWriter struct {
	w *Writer
	topicPartition
	producer *topic.Producer

	turn chan struct{} // whoever writes has put something in

	// open are batches of writes that were cut off. What has become of one is not
	// known, and is found out when one of its letters is to be written again; the
	// others stay, until they are, too.
	open []*batch
}

// mostOpen bounds the batches that are remembered. Each is of another write.
const mostOpen = 4

func newPartitionWriter(w *Writer, at topicPartition) *partitionWriter {
	return &partitionWriter{w: w, topicPartition: at, producer: topic.NewProducer(w.reader, at.topic, at.partition), turn: make(chan struct{}, 1)}
}

// Kafka limits the size of a batch, by default to 1 MiB, which letters may reach
// together that are far from it alone. batchBytes keeps clear of the default.
const batchBytes = 900 << 10

// maxWhole is the size beyond which a letter is not tried whole, in bytes: no
// topic takes it, and a broker that finds a request too large for itself hangs up
// without an answer (socket.request.max.bytes, 100 MiB by default).
const maxWhole = 16 << 20

// write returns when the partition has the letters, or ctx has ended, or with an
// [topic.ErrRecreated] when there is no such partition any more.
func (s *partitionWriter) write(ctx context.Context, letters []*toWrite) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.findOut(ctx, letters); err != nil {
		return err
	}
	for letters := unwritten(letters); len(letters) > 0; {
		n, size := 1, letters[0].size()
		for n < len(letters) && size+letters[n].size() <= batchBytes {
			size += letters[n].size()
			n++
		}
		if err := s.writeTogether(ctx, letters[:n]); err != nil {
			return err
		}
		letters = letters[n:]
	}
	return nil
}

// findOut finds out about the open batches in which some of the letters are, by
// sending them again. The letters of other open batches are somebody else's by
// now: they are not sent again.
func (s *partitionWriter) findOut(ctx context.Context, letters []*toWrite) error {
	for _, b := range slices.Clone(s.open) {
		if !slices.ContainsFunc(letters, b.has) {
			continue
		}
		err := s.insist(ctx, len(letters), func(ctx context.Context) error {
			if b.written {
				return nil
			}
			err := s.producer.FindOut(ctx, b.Batch)
			b.written = err == nil
			if topic.Oversized(err) || topic.Forgotten(err) {
				return nil // it was not, or nobody can tell
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range letters {
			l.written = l.written || b.written && b.take(l)
		}
		if !b.written || len(b.letters) == 0 {
			s.open = slices.DeleteFunc(s.open, func(o *batch) bool { return o == b })
		}
	}
	return nil
}

func (s *partitionWriter) insist(ctx context.Context, letters int, try func(context.Context) error) error {
	return s.w.insist(ctx, s.topic.Topic, s.partition, letters, try)
}

// errSplit is the error of a batch of several letters that the topic refuses for
// its size.
var errSplit = errors.New("the letters do not fit into one batch")

// writeTogether writes the letters in one batch. If the topic finds it too large,
// which it says of the whole and not of any letter, each half is tried apart, down
// to the letter that does not fit by itself. That one is made smaller.
func (s *partitionWriter) writeTogether(ctx context.Context, letters []*toWrite) error {
	least, most := 0, 0
	if len(letters) == 1 {
		most = len(letters[0].bySize())
		if letters[0].size() > maxWhole {
			least = min(1, most)
		}
	}
	var sent *batch
	err := s.insist(ctx, len(letters), func(ctx context.Context) (err error) {
		for cut := least; cut <= most; cut++ {
			sent = newBatch(letters, cut)
			if err = s.producer.Send(ctx, sent.Batch); !topic.Oversized(err) {
				return err
			}
		}
		if len(letters) > 1 {
			err = errSplit
		}
		return err
	})
	switch {
	case err == nil:
		for _, l := range letters {
			l.written = true
		}
	case errors.Is(err, errSplit):
		half := len(letters) / 2
		if err := s.writeTogether(ctx, letters[:half]); err != nil {
			return err
		}
		return s.writeTogether(ctx, letters[half:])
	case sent != nil && sent.Open():
		s.producer.Abandon()
		s.open = append(s.open, sent)
		s.open = s.open[max(0, len(s.open)-mostOpen):]
	}
	return err
}
