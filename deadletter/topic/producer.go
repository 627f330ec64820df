package topic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// Producer writes batches to one partition, so that each lies there once however
// often it was sent: it numbers their records, and the broker passes over a number
// that it has had (Kafka's idempotent producer, KIP-98). Each call is one attempt;
// when to try again is for the caller to say. Not safe for concurrent use.
//
// franz-go's own producer does the like, but does not say why it is still trying,
// and what it gives up when the caller does may have been written: after an answer
// that was lost, and one that the broker is not the leader.
type Producer struct {
	reader    *Reader
	of        Incarnation
	partition int32

	id   producerID
	next int32 // number of the next record; -1: no id yet
}

// producerID is a Kafka producer id with its epoch.
type producerID struct {
	id    int64
	epoch int16
}

// sendTimeout is how long brokers wait for the replicas of what is sent.
const sendTimeout = 10 * time.Second

// NewProducer returns a producer to a partition of a topic, which it finds by the
// reader. It does not connect.
func NewProducer(r *Reader, of Incarnation, partition int32) *Producer {
	return &Producer{reader: r, of: of, partition: partition, next: -1}
}

// Send sends a batch once, with the next numbers, and waits until all in-sync
// replicas have it. Sent again after an error, it has the same numbers: only a batch
// that is written takes them up. The error is [Oversized] where the topic refuses it
// for its size; then it is certain that it is not there.
func (p *Producer) Send(ctx context.Context, b *Batch) error {
	for {
		begin := p.next < 0
		if begin {
			if err := p.begin(ctx); err != nil {
				return err
			}
		}
		b.producer, b.number = p.id, p.next
		err := p.produce(ctx, b)
		switch {
		case err == nil:
			p.next = (b.number + int32(len(b.records))) & math.MaxInt32
			return nil
		case Oversized(err):
			b.number = -1
		case Forgotten(err):
			p.next = -1
			if !begin {
				continue
			}
		}
		return fmt.Errorf("write to %s/%d: %w", p.of.Topic, p.partition, err)
	}
}

// FindOut sends a batch again with the numbers that it was sent with, whatever was
// written since: nil says that the partition has it now. [Oversized] says that it was
// not written, and [Forgotten] that nobody can tell.
func (p *Producer) FindOut(ctx context.Context, b *Batch) error { return p.produce(ctx, b) }

// Abandon has what is sent from now on be another producer's: the numbers of a batch
// that is given up may be taken, or may not.
func (p *Producer) Abandon() { p.next = -1 }

// Forgotten tells that the brokers do not, or no longer, know what the producer has
// written: they forget after a day, with the end of a log that they lose, and with
// the topic.
func Forgotten(err error) bool {
	for _, code := range []error{
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// begin becomes a producer whose first record is number 0.
func (p *Producer) begin(ctx context.Context) error {
	res, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, p.reader.client)
	if err == nil {
		err = kerr.ErrorForCode(res.ErrorCode)
	}
	if err != nil { // from Kafka 3.0 on, who may write to a topic may do this
		return fmt.Errorf("become a producer of Kafka: %w", consumer.Right{Operation: "IdempotentWrite", Resource: consumer.Cluster}.Needed(err))
	}
	p.id, p.next = producerID{res.ProducerID, res.ProducerEpoch}, 0
	return nil
}

// produce sends a batch to the partition's leader. It succeeds if the partition has
// it, from this time or a former.
func (p *Producer) produce(ctx context.Context, b *Batch) error {
	uuid, leader, err := p.leader(ctx)
	if err != nil {
		return right("Write", p.of.Topic).Needed(err)
	}
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = p.partition, b.encode()
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = p.of.Topic, uuid // brokers go by name up to Kafka 4.0, then by id
	t.Partitions = append(t.Partitions, part)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(sendTimeout/time.Millisecond)
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, p.reader.client.Broker(int(leader)))
	if err == nil && (len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1) {
		err = errors.New("the broker answers without the partition")
	}
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
	}
	if errors.Is(err, kerr.DuplicateSequenceNumber) {
		err = nil
	}
	if err != nil && !Oversized(err) {
		p.reader.Forget(p.of.Topic)
	}
	return right("Write", p.of.Topic).Needed(err)
}

// leader returns where the partition is to be written. The error is an [ErrRecreated]
// if it is another topic now that has the name, or one without that partition.
func (p *Producer) leader(ctx context.Context) (uuid [16]byte, broker int32, err error) {
	l, known := p.reader.Known(p.of.Topic)
	if !known {
		if l, err = p.reader.Describe(ctx, p.of.Topic); err != nil {
			return uuid, 0, err
		}
	}
	broker, exists := l.Leaders[p.partition]
	switch {
	case l.IsOther(p.of.ID) || !exists:
		return uuid, 0, fmt.Errorf("topic %s %w", p.of.Topic, ErrRecreated)
	case broker < 0:
		p.reader.Forget(p.of.Topic)
		return uuid, 0, kerr.LeaderNotAvailable
	}
	return l.UUID, broker, nil
}
