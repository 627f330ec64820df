package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// An Unreadable is a record batch of Kafka's that cannot be read, or not to its end. It
// holds its partition until a person decides.
type Unreadable struct {
	Topic     string
	Partition int

	Begin       int64  // the first offset of the batch
	First, Last int64  // the offsets that cannot be read: those of it before can be, and are taken as any others
	Records     int    // that it says it has
	Bytes       []byte // the whole batch, as the broker has it
	Why         error

	Committed int64 // where the group stands
	Moved     int64 // where it is to stand; the same, if something before the batch is not settled

	place place
	was   committed
	note  note // beside Moved
}

// Why a group is not moved past a record batch. A [RefusedError] wraps these.
var (
	ErrPast     = errors.New("the group has passed it, or will")
	ErrReadable = errors.New("it can be read")
	ErrNoBatch  = errors.New("the log has no such record batch")
	ErrNotBegun = errors.New("the group has committed nothing of it")
	ErrNoEnd    = errors.New("its head does not tell where it ends")
	ErrNoRoom   = errors.New("there is no room beside the committed offset to note it")
	ErrMoved    = errors.New("the group has been moved meanwhile")
)

// A RefusedError says why a group is not moved, which will not pass by itself.
type RefusedError struct {
	Reason error // an [OccupiedError], or one of those above
	Detail string
}

func (e *RefusedError) Error() string {
	if e.Detail == "" {
		return e.Reason.Error()
	}
	return fmt.Sprintf("%v: %s", e.Reason, e.Detail)
}

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

func refuse(reason error, format string, args ...any) error {
	return &RefusedError{reason, fmt.Sprintf(format, args...)}
}

// Unreadable examines the record batch that has an offset, in a partition of one of
// Config.Topics; below 0: the first that cannot be read of those at which the group is to
// go on. It changes nothing, and tries once. The error is a [RefusedError] where there is
// nothing to be passed, or it must not be.
func (c *Consumer) Unreadable(ctx context.Context, topic string, partition int, offset int64) (*Unreadable, error) {
	if err := c.unoccupied(ctx); err != nil {
		return nil, err
	}
	s, err := c.stand(ctx, topic, partition)
	if err != nil {
		return nil, err
	}
	if offset >= 0 {
		if offset < s.log.first || offset >= s.log.end {
			return nil, refuse(ErrNoBatch, "it has the offsets from %d up to, and without, %d", s.log.first, s.log.end)
		}
		return c.examine(ctx, s, offset, true)
	}
	for _, at := range s.note.next() {
		if at = max(at, s.log.first); at >= s.log.end {
			continue
		}
		u, err := c.examine(ctx, s, at, false)
		if !errors.Is(err, ErrReadable) && !errors.Is(err, ErrPast) {
			return u, err
		}
	}
	return nil, refuse(ErrReadable, "the group stands at %d, and nothing is in its way there: name the offset, if the log of run does", s.committed.offset)
}

// stand is where the group stands in a partition.
type stand struct {
	place
	log       logBounds
	committed committed
	note      note
}

func (c *Consumer) stand(ctx context.Context, topic string, partition int) (s stand, err error) {
	l, err := c.describe(ctx, []string{topic})
	if err != nil {
		return s, err
	}
	t := l.topics[topic]
	if !t.exists {
		return s, fmt.Errorf("topic %s: %w", topic, kerr.UnknownTopicOrPartition)
	}
	if !slices.Contains(t.partitions, partition) {
		return s, refuse(ErrNoBatch, "topic %s has the partitions %v", topic, t.partitions)
	}
	log, err := c.bounds(ctx, topic, partition)
	if err != nil {
		return s, err
	}
	all, err := c.commits(ctx, map[string][]int{topic: {partition}})
	unknown := errors.Is(err, kafka.GroupIdNotFound)
	if err != nil && !unknown {
		return s, err
	}
	s = stand{place: place{l.cluster, topic, partition}, log: log[partition], committed: all[topic][partition]}
	if unknown || s.committed.offset < 0 {
		return s, refuse(ErrNotBegun, "have it taken until the log names the batch")
	}
	s.note, _ = decodeNote(s.committed.metadata, s.place, s.committed.offset) // with an error it says nothing, as it does to who takes it
	if s.note.topic.isOther(t.id) {
		return s, refuse(ErrNotBegun, "what it has committed is of a topic that was deleted, and had this name")
	}
	s.note.topic = t.id
	s.note.unsettled.horizon = max(s.note.unsettled.horizon, s.committed.offset)
	return s, nil
}

// next are the offsets at which the lists go on.
func (n note) next() (offsets []int64) {
	for _, u := range n.lists() {
		offsets = append(offsets, u.first(), u.horizon)
	}
	slices.Sort(offsets)
	return slices.Compact(offsets)
}

// examine looks at the batch that has the offset, or, unless it has to be exactly that, at
// the one behind it, and at what becomes of the group's place once that is passed.
func (c *Consumer) examine(ctx context.Context, s stand, offset int64, exactly bool) (*Unreadable, error) {
	p := &Partition{Topic: s.topic, ID: s.partition}
	o, next, end, why, err := c.tryBatch(ctx, p, s.note.topic, offset)
	if begin := max(o.Offsets.First, s.log.first); err == nil && len(o.Bytes) > 0 && begin < offset { // the broker sends all of it
		o, next, end, why, err = c.tryBatch(ctx, p, s.note.topic, begin)
	}
	switch {
	case err != nil:
		return nil, err
	case exactly && o.Offsets.First > offset:
		return nil, refuse(ErrNoBatch, "the offset was compacted away, and the next batch begins at %d", o.Offsets.First)
	case why == nil:
		return nil, refuse(ErrReadable, "its records are taken as any others: what is wrong with one of them makes it a dead letter")
	case !o.Credible(end):
		return nil, refuse(ErrNoEnd, "%v", why)
	}
	after, wanted := s.note.skip(wire.Span{First: next, Last: o.Offsets.Last})
	if !wanted {
		return nil, refuse(ErrPast, "it stands at %d", s.committed.offset)
	}
	u := &Unreadable{
		Topic: s.topic, Partition: s.partition, Begin: o.Offsets.First, First: max(next, o.Offsets.First), Last: o.Offsets.Last,
		Records: o.Records, Bytes: o.Bytes, Why: why,
		Committed: s.committed.offset, Moved: after.first(), place: s.place, was: s.committed, note: after,
	}
	u.note.skipped = after.skipped[endBefore(after.skipped, u.Moved):]
	if _, err := c.noted(u); err != nil {
		return nil, err
	}
	return u, nil
}

// noted is what is to be committed beside Moved, all of it.
func (c *Consumer) noted(u *Unreadable) (metadata string, err error) {
	const ample = 1 << 30
	metadata = c.metadata(u.note, u.place, u.Moved)
	whole := metadata == u.note.encode(u.place, u.Moved, ample)
	if metadata == "" { // as a broker has it that takes none
		whole = len(u.note.skipped)+len(u.note.deferred) == 0 && u.note.unsettled.horizon == u.Moved
	}
	if len(u.note.skipped) > maxSkipped || !whole {
		return "", refuse(ErrNoRoom, "have records settle first that were taken before it")
	}
	return metadata, nil
}

// tryBatch fetches a batch and reads it. It returns what its head says; the first offset
// that was not read, and why; and where the log ends for those who read what is committed.
func (c *Consumer) tryBatch(ctx context.Context, p *Partition, topic topicID, from int64) (o wire.Outline, next, end int64, why, err error) {
	hand := c.budget.Hand(p.Topic)
	defer hand.Empty()
	chunk, err := c.fetch(ctx, p, position{topic, from, unknownEpoch}, c.cfg.FetchBytes, hand)
	if err != nil {
		return o, 0, 0, nil, fmt.Errorf("fetch %s@%d: %w", p, from, err)
	}
	defer chunk.Close()
	if len(chunk.Rest()) == 0 {
		return o, 0, 0, nil, refuse(ErrNoBatch, "there is none at %d that may be read yet: a transaction is open before it", from)
	}
	o, whole := chunk.Outline()
	last := max(o.Offsets.First, o.Offsets.Last)
	for why == nil && !chunk.Ended() && (!whole || chunk.Next() <= last) {
		why = chunk.Read(pieceRecords, func(r *wire.Record) { r.Buffer.Release() })
	}
	if whole && chunk.Next() > last {
		why = nil // it is of one that comes later
	}
	return o, chunk.Next(), chunk.safe, why, ctx.Err()
}
