package publishcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	// A quota of Kafka's, which has a client wait, counts for neither.
	patience       = 30 * time.Second // how long Kafka may not answer before it is given up
	requestTimeout = 10 * time.Second
)

// A record is a line as it goes to Kafka.
type record struct {
	kmsg.Record
	line int
}

// A producer writes records to a topic, each once as long as it lives. It is for one goroutine.
type producer struct {
	topic   string
	kafka   *config.Kafka
	client  *kgo.Client
	reader  *topic.Reader
	written func([]record, int32)
	warn    func(text string)

	layout    topic.Layout // of the topic, as it was at a time
	described time.Time
	leading   map[int32]*topic.Producer // by partition
}

// newProducer returns a producer that tells each group of records that lie in a partition to written, and trouble that it
// hopes will pass to warn. It does not connect; the error is that of a connection that can never work. Close it.
func newProducer(conn consumer.Connection, to destination, written func([]record, int32), warn func(string)) (*producer, error) {
	client, err := topic.NewClient(conn, kgo.RetryTimeout(time.Second)) // insist tries for longer, and says so
	if err != nil {
		return nil, err
	}
	return &producer{topic: to.topic, kafka: to.kafka, client: client, reader: topic.NewReader(client), written: written, warn: warn}, nil
}

// close ends the connections. No call may be under way.
func (p *producer) close() { p.client.Close() }

// findTopic returns a [missingTopicError] if the topic does not exist.
func (p *producer) findTopic(ctx context.Context) error {
	err := p.insist(ctx, func() error {
		return p.reader.Clock().Within(ctx, requestTimeout, func(ctx context.Context) error {
			if err := topic.Allowed(ctx, p.client, p.topic, "Write"); err != nil {
				return err // rather than that it does not exist, if it is not even seen
			}
			err := p.describe(ctx)
			if errors.Is(err, topic.ErrNoTopic) { // in the middle of the work it may be about to be made anew
				err = backoff.Permanent(err)
			}
			return err
		})
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, topic.ErrNoTopic):
		return missingTopicError{p.topic, p.kafka.Brokers, p.others(ctx)}
	}
	return fmt.Errorf("look for topic %s at %s: %w", p.topic, strings.Join(p.kafka.Brokers, ","), err)
}

// others are the topics that this client may see, none if the brokers do not tell. They are
// asked for only to say which one may be meant: a cluster may have thousands.
func (p *producer) others(ctx context.Context) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	all, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, p.client)
	if err != nil {
		return nil
	}
	for _, t := range all.Topics {
		if !t.IsInternal && t.Topic != nil {
			names = append(names, *t.Topic)
		}
	}
	return names
}

// write returns nil when all in-sync replicas have each of the records, and an [unwrittenError] when it has given up on
// some. An attempt under way is finished even if ctx ends, but none follows.
func (p *producer) write(ctx context.Context, records []record) error {
	if len(records) == 0 {
		return nil
	}
	left := records
	err := p.insist(ctx, func() error {
		return p.reader.Clock().Within(context.WithoutCancel(ctx), requestTimeout, func(ctx context.Context) (err error) {
			left, err = p.attempt(ctx, left)
			return err
		})
	})
	if err == nil {
		return nil
	}
	if topic.Oversized(err) && len(left) > 1 {
		// Together they may be too large, or one of them: each half by itself, in order.
		half := len(left) / 2
		if err := p.write(ctx, left[:half]); err != nil {
			return err
		}
		return p.write(ctx, left[half:])
	}
	return &unwrittenError{left[0].line, err}
}

// attempt writes the records once, those of a partition in one batch, and returns those that are not known to be written,
// in their order. All of a partition are left, or none: sent again, they have the same numbers, and are passed over where
// they are there. So it is an error of size only where nothing else is in the way: what is then sent in halves was not
// written.
func (p *producer) attempt(ctx context.Context, records []record) (left []record, err error) {
	if err := p.describe(ctx); err != nil {
		return records, err
	}
	type outcome struct {
		partition int32
		err       error
	}
	keys := kgo.StickyKeyPartitioner(nil).ForTopic(p.topic) // the partition that Java clients choose for a key
	partitionOf := make([]int32, len(records))
	byPartition := map[int32][]record{}
	for i, r := range records {
		n := int32(keys.Partition(&kgo.Record{Key: r.Key}, len(p.layout.Leaders)))
		partitionOf[i] = n
		byPartition[n] = append(byPartition[n], r)
	}
	ended := make(chan outcome, len(byPartition))
	for n, records := range byPartition {
		to := p.leading[n]
		if to == nil {
			to = topic.NewProducer(p.reader, p.layout.Incarnation, n)
			p.leading[n] = to
		}
		go func() { ended <- outcome{n, to.Send(ctx, batchOf(records))} }()
	}
	failed := map[int32]bool{}
	for range byPartition {
		o := <-ended
		switch {
		case o.err == nil:
			p.written(byPartition[o.partition], o.partition)
			continue
		case err == nil || topic.Oversized(err):
			err = o.err
		}
		failed[o.partition] = true
	}
	for i, r := range records {
		if failed[partitionOf[i]] {
			left = append(left, r)
		}
	}
	if err != nil && !topic.Oversized(err) {
		p.described = time.Time{} // it may have changed
	}
	return left, err
}

func batchOf(records []record) *topic.Batch {
	all := make([]kmsg.Record, len(records))
	for i, r := range records {
		all[i] = r.Record
	}
	return topic.NewBatch(all...)
}

// describe finds out again, now and then, which partitions the topic has.
func (p *producer) describe(ctx context.Context) error {
	const often = 5 * time.Second
	if time.Since(p.described) < often {
		return nil
	}
	l, err := p.reader.Describe(ctx, p.topic)
	if err != nil {
		return err
	}
	if len(l.Leaders) == 0 {
		return fmt.Errorf("describe topic %s: %w", p.topic, kerr.LeaderNotAvailable)
	}
	if l.IsOther(p.layout.ID) || len(l.Leaders) != len(p.layout.Leaders) {
		// Keys go elsewhere now: what is tried again is another batch, which must not have the numbers of one that is
		// perhaps there. What was there is then there twice.
		p.leading = map[int32]*topic.Producer{}
	}
	p.layout, p.described = l, time.Now()
	return nil
}

// insist tries until it works, the error is one that stays, patience is used up, or ctx ends. The error has its cause.
func (p *producer) insist(ctx context.Context, try func() error) error {
	schedule := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(patience), backoff.WithClockProvider(p.reader.Clock()))
	warned := false
	return backoff.RetryNotify(func() error {
		err := kafkafault.Explain(p.kafka, try())
		if err != nil && stays(err) {
			return backoff.Permanent(err)
		}
		return err
	}, backoff.WithContext(schedule, ctx), func(err error, _ time.Duration) {
		if !warned {
			what := err.Error()
			if !errors.As(err, new(*kafkafault.Fault)) {
				what = fmt.Sprintf("Kafka at %s does not answer as it should: %s", strings.Join(p.kafka.Brokers, ","), what)
			}
			p.warn(fmt.Sprintf("trying again for %v: %s", patience, what))
		}
		warned = true
	})
}

// stays tells an error that will not change from one that may pass.
func stays(err error) bool {
	var code *kerr.Error
	if fault := new(kafkafault.Fault); errors.As(err, &fault) {
		return !fault.Passes()
	}
	return errors.As(err, &code) && !code.Retriable && !topic.Forgotten(err)
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
	if topic.Oversized(e.err) {
		return fmt.Sprintf("publish line %d: larger than the topic's max.message.bytes allows: %v", e.line, e.err)
	}
	return fmt.Sprintf("publish from line %d: %v", e.line, e.err)
}

func (e *unwrittenError) Unwrap() error { return e.err }
