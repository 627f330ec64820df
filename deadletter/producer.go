package deadletter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter/topic"
)

// producer is a Kafka producer id with its epoch.
type producer struct {
	id    int64
	epoch int16
}

// send sends a batch once, with the next numbers, and waits until all in-sync
// replicas have it. Sent again, it has the same numbers: only a batch that is written
// takes them up.
func (s *sequence) send(ctx context.Context, b *batch) error {
	for {
		begin := s.next < 0
		if begin {
			if err := s.begin(ctx); err != nil {
				return err
			}
		}
		b.producer, b.number = s.producer, s.next
		err := s.produce(ctx, b)
		switch {
		case err == nil:
			s.next = (b.number + int32(len(b.letters))) & math.MaxInt32
			return nil
		case topic.Oversized(err):
			b.number = -1
		case forgotten(err):
			s.next = -1
			if !begin {
				continue
			}
		}
		return fmt.Errorf("write %d letters to %s/%d: %w", len(b.letters), s.topic.Topic, s.partition, err)
	}
}

// forgotten tells that the brokers do not, or no longer, know what the producer
// has written: they forget after a day, with the end of a log that they lose, and
// with the topic.
func forgotten(err error) bool {
	for _, code := range []error{
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// begin becomes a producer whose first letter is number 0.
func (s *sequence) begin(ctx context.Context) error {
	res, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, s.w.client)
	if err == nil {
		err = kerr.ErrorForCode(res.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("become a producer of Kafka: %w", err)
	}
	s.producer, s.next = producer{res.ProducerID, res.ProducerEpoch}, 0
	return nil
}

// produce sends a batch to the partition's leader. It succeeds if the partition has
// it, from this time or a former.
func (s *sequence) produce(ctx context.Context, b *batch) error {
	uuid, leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = s.partition, b.encode()
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = s.topic.Topic, uuid // brokers go by name up to Kafka 4.0, then by id
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(writeTimeout/time.Millisecond)
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, s.w.client.Broker(int(leader)))
	if err == nil && (len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1) {
		err = errors.New("the broker answers without the partition")
	}
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
	}
	if errors.Is(err, kerr.DuplicateSequenceNumber) {
		err = nil
	}
	if err != nil && !topic.Oversized(err) {
		s.w.reader.Forget(s.topic.Topic)
	}
	return err
}

// leader returns where the partition is to be written. The error is an
// [topic.ErrRecreated] if it is another topic now that has the name, or one without that
// partition.
func (s *sequence) leader(ctx context.Context) (uuid [16]byte, broker int32, err error) {
	l, known := s.w.reader.Known(s.topic.Topic)
	if !known {
		if l, err = s.w.reader.Describe(ctx, s.topic.Topic); err != nil {
			return uuid, 0, err
		}
	}
	broker, exists := l.Leaders[s.partition]
	switch {
	case l.IsOther(s.topic.ID) || !exists:
		return uuid, 0, fmt.Errorf("topic %s %w", s.topic.Topic, topic.ErrRecreated)
	case broker < 0:
		s.w.reader.Forget(s.topic.Topic)
		return uuid, 0, kerr.LeaderNotAvailable
	}
	return l.UUID, broker, nil
}
