package publishcmd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/consumer"
)

const (
	patience       = 30 * time.Second // how long Kafka may not answer before it is given up
	requestTimeout = 10 * time.Second
)

// A producer writes records to a topic. It is for one goroutine.
type producer struct {
	topic   string
	brokers []string
	client  *kafka.Client
	writer  *kafka.Writer
	warn    func(text string)
}

// newProducer returns a producer that tells each group of records acknowledged to written, which several goroutines may
// call at once, and trouble that it hopes will pass to warn. Close it.
func newProducer(conn consumer.Connection, topic string, written func([]kafka.Message, error), warn func(string)) *producer {
	client := conn.Client()
	return &producer{
		topic:   topic,
		brokers: conn.Brokers,
		client:  client,
		warn:    warn,
		writer: &kafka.Writer{
			Addr:         client.Addr,
			Topic:        topic,
			Transport:    client.Transport,
			Balancer:     kafka.Murmur2Balancer{}, // the partition that Java clients choose for a key
			RequiredAcks: kafka.RequireAll,
			MaxAttempts:  1, // insist tries again, and says so
			ReadTimeout:  requestTimeout,
			WriteTimeout: requestTimeout,
			BatchTimeout: time.Millisecond,
			// A partition gets all of a call in one request: of two, the first could fail and the second not, which
			// would turn their order around. What is too large is the broker's to say.
			BatchSize:  portionRecords,
			BatchBytes: 64 << 20,
			Completion: written,
		},
	}
}

// close ends the connections. No call may be under way.
func (p *producer) close() {
	_ = p.writer.Close() // never fails, and nothing waits in it
	consumer.CloseClient(p.client)
}

// findTopic returns a [missingTopicError] if the topic does not exist.
func (p *producer) findTopic(ctx context.Context) error {
	err := p.insist(ctx, func() error {
		attempt, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		meta, err := p.client.Metadata(attempt, &kafka.MetadataRequest{})
		if err != nil {
			return cmp.Or(errors.Unwrap(err), err) // without the name of a function
		}
		var names []string
		for _, topic := range meta.Topics {
			if topic.Name == p.topic && !errors.Is(topic.Error, kafka.UnknownTopicOrPartition) {
				return topic.Error
			}
			if !topic.Internal {
				names = append(names, topic.Name)
			}
		}
		return backoff.Permanent(missingTopicError{p.topic, p.brokers, names})
	})
	if err == nil || errors.As(err, new(missingTopicError)) {
		return err
	}
	return fmt.Errorf("look for topic %s at %s: %w", p.topic, strings.Join(p.brokers, ","), err)
}

// write returns nil when all in-sync replicas have each of the records, and an [unwrittenError] when it has given up on
// some. An attempt under way is finished even if ctx ends, but none follows.
func (p *producer) write(ctx context.Context, records []kafka.Message) error {
	left := records
	err := p.insist(ctx, func() (err error) {
		// The writer's own timeout ends the attempt; this one only what would never end.
		attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*requestTimeout)
		defer cancel()
		left, err = p.attempt(attempt, left)
		return err
	})
	if err == nil {
		return nil
	}
	if tooLarge(err) && len(left) > 1 {
		// Together they may be too large, or one of them: each half by itself, in order.
		half := len(left) / 2
		if err := p.write(ctx, left[:half]); err != nil {
			return err
		}
		return p.write(ctx, left[half:])
	}
	return &unwrittenError{left[0].WriterData.(int), err}
}

// attempt writes the records once, and returns those that were not acknowledged, in their order.
func (p *producer) attempt(ctx context.Context, records []kafka.Message) (left []kafka.Message, err error) {
	err = p.writer.WriteMessages(ctx, records...)
	var each kafka.WriteErrors
	if err == nil || !errors.As(err, &each) || len(each) != len(records) {
		return records, err
	}
	err = nil
	for i, e := range each {
		if e != nil {
			left, err = append(left, records[i]), cmp.Or(err, e)
		}
	}
	return left, err
}

// insist tries until it works, the error is one that stays, patience is used up, or ctx ends.
func (p *producer) insist(ctx context.Context, try func() error) error {
	schedule := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(patience))
	warned := false
	return backoff.RetryNotify(func() error {
		err := try()
		if err != nil && stays(err) {
			return backoff.Permanent(err)
		}
		return err
	}, backoff.WithContext(schedule, ctx), func(err error, _ time.Duration) {
		if !warned {
			p.warn(fmt.Sprintf("Kafka at %s does not answer as it should, trying again for %v: %v", strings.Join(p.brokers, ","), patience, err))
		}
		warned = true
	})
}

// stays tells an error that will not change from one that may pass.
func stays(err error) bool {
	var code kafka.Error
	return errors.As(err, &code) && !code.Temporary() || errors.As(err, new(*tls.CertificateVerificationError))
}

// tooLarge tells the answer that what was sent is too large, all of it or a record in it.
func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// A missingTopicError says that a topic does not exist, as far as this client may see.
type missingTopicError struct {
	topic   string
	brokers []string
	known   []string // topics that do exist
}

func (e missingTopicError) Error() string {
	return fmt.Sprintf("topic %s does not exist at %s, or this client may not see it%s",
		e.topic, strings.Join(e.brokers, ","), cli.Suggestion(e.topic, e.known))
}

// An unwrittenError says that from a line on not all records are in the topic.
type unwrittenError struct {
	line int
	err  error
}

func (e *unwrittenError) Error() string {
	if tooLarge(e.err) {
		return fmt.Sprintf("publish line %d: larger than the topic's max.message.bytes allows: %v", e.line, e.err)
	}
	return fmt.Sprintf("publish from line %d: %v", e.line, e.err)
}

func (e *unwrittenError) Unwrap() error { return e.err }
