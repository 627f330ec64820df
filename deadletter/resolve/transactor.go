package resolve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// transactor writes records in transactions, all under one transactional id. It
// is not safe for concurrent use.
//
// Kafka lets only the transactor of an id that came last write. franz-go goes
// on by itself after some errors, by asking for a new epoch of its producer id;
// the broker grants that only if no other producer came in between, so a
// transactor that is fenced off stays so. But it may do so in the middle of a
// transaction, whose first part is then aborted and whose second part would be
// committed: so the epoch is compared before a commit.
type transactor struct {
	client   *kgo.Client
	clock    *topic.Clock
	id       string
	producer producer // of the transaction under way, or the next

	last map[int32]int64 // by partition of the topic of that name: the last offset written that published has not seen
	late bool            // it has waited in vain
}

// producer is a Kafka producer id with its epoch.
type producer struct {
	id    int64
	epoch int16
}

const (
	// transactionTimeout is after how long Kafka aborts a transaction that nobody
	// ends. Readers of committed records wait for it when a process was killed
	// and no other has taken over. It is longer than what the writing and the
	// ending may take by themselves.
	transactionTimeout = 2*topic.Patience + 15*time.Second

	// grace is how long the end of a transaction may take once the caller's
	// context has ended.
	grace = 3 * time.Second
)

// newTransactor fences off the other transactors of the id. When it returns,
// their transactions are over.
func newTransactor(ctx context.Context, conn consumer.Connection, id string) (*transactor, error) {
	client, err := topic.NewClient(conn,
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.RetryTimeout(topic.Patience),
		kgo.ProducerBatchMaxBytes(deadletter.MaxMessageBytes),
		kgo.ManualFlushing(), // as many records a batch as there are
	)
	if err != nil {
		return nil, err
	}
	t := &transactor{client: client, clock: topic.ClockOf(client), id: id, last: map[int32]int64{}}
	if err := t.init(ctx); err != nil {
		client.Close()
		if errors.Is(err, kerr.CoordinatorNotAvailable) {
			err = fmt.Errorf("%w: %w", ErrNoTransactions, err)
		}
		return nil, err
	}
	return t, nil
}

func (t *transactor) close() { t.client.Close() }

func (t *transactor) init(ctx context.Context) (err error) {
	t.producer.id, t.producer.epoch, err = t.client.ProducerID(ctx)
	if err != nil {
		needed := consumer.Right{Operation: "Write", Resource: consumer.TransactionalID, Name: t.id}
		return fmt.Errorf("become the only one to write as %s: %w", t.id, needed.Needed(fence(err)))
	}
	return nil
}

// outcome is what has become of a transaction.
type outcome int

const (
	aborted outcome = iota // or it will be, by the transactor that comes next
	committed
	unknown
)

// write writes the records in one transaction. Kafka gives up one that takes long.
func (t *transactor) write(ctx context.Context, records []*kgo.Record) (outcome, error) {
	if err := t.client.BeginTransaction(); err != nil {
		return aborted, fmt.Errorf("begin a transaction: %w", fence(err))
	}
	err := t.produce(ctx, records)
	if err == nil {
		err = t.same(ctx)
	}
	if err != nil {
		t.abort(err)
		return aborted, err
	}
	for _, r := range records {
		if r.Topic == t.id {
			t.last[r.Partition] = r.Offset
		}
	}
	return t.commit(ctx)
}

// produce returns when the brokers have all records.
func (t *transactor) produce(ctx context.Context, records []*kgo.Record) error {
	return t.clock.Within(ctx, topic.Patience, func(ctx context.Context) error { return t.produceAll(ctx, records) })
}

func (t *transactor) produceAll(ctx context.Context, records []*kgo.Record) error {
	var (
		mu    sync.Mutex
		first error
	)
	for _, r := range records {
		t.client.Produce(ctx, r, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, kerr.UnknownTopicOrPartition):
				err = topic.ErrNoTopic
			case errors.Is(err, kerr.UnknownTopicID):
				err = fmt.Errorf("it %w: %w", topic.ErrRecreated, err)
			}
			if err != nil && first == nil {
				needed := consumer.Right{Operation: "Write", Resource: consumer.Topic, Name: r.Topic}
				first = fmt.Errorf("write to topic %s: %w", r.Topic, needed.Needed(err))
			}
		})
	}
	flushed := t.client.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := errors.Join(fence(first), flushed); err != nil {
		return err
	}
	return t.known(ctx, records)
}

// known waits until the client knows the partitions of records that it has
// written. franz-go lets the first records for a topic go before it stores the
// topic's partitions, and EndTransaction looks into what is stored: should the
// brokers' answer come in between, it takes the transaction for an empty one,
// aborts it, and says that all is well. It would also not begin the sequences of
// such partitions anew, which the brokers refuse the next time.
func (t *transactor) known(ctx context.Context, records []*kgo.Record) error {
	for _, r := range records {
		for !t.knows(r.Topic, r.Partition) {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Millisecond): // the client does not call
			}
		}
	}
	return nil
}

func (t *transactor) knows(topic string, partition int32) bool {
	leader, _, _ := t.client.PartitionLeader(topic, partition) // the error may be of an earlier attempt to learn it
	return leader >= 0
}

// same checks that the transaction is still the one that was begun.
func (t *transactor) same(ctx context.Context) error {
	var now producer
	var err error
	if now.id, now.epoch, err = t.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("check the transaction: %w", fence(err))
	}
	if now != t.producer {
		return errors.New("check the transaction: Kafka has aborted a part of it")
	}
	return nil
}

// commit ends the transaction even if ctx ends meanwhile, but soon then.
func (t *transactor) commit(ctx context.Context) (outcome, error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), topic.Patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	err := t.client.EndTransaction(bounded, kgo.TryCommit)
	switch {
	case err == nil:
		_ = t.renew(bounded) // or the next transaction fails, for the same reason
		return committed, nil
	case errors.Is(err, kerr.OperationNotAttempted), errors.Is(err, kerr.TransactionAbortable):
		err = fmt.Errorf("commit a transaction: %w", fence(err))
		t.abort(err)
		return aborted, err
	default:
		return unknown, fmt.Errorf("commit a transaction: %w", fence(err))
	}
}

// renew notes the epoch that the broker has given for the next transaction.
func (t *transactor) renew(ctx context.Context) (err error) {
	t.producer.id, t.producer.epoch, err = t.client.ProducerID(ctx)
	return err
}

// abort aborts the transaction, which has failed, if that can be done soon.
// Otherwise Kafka does, when the next transactor comes or the transaction's time
// is up. Of one that is fenced off nothing is left to abort.
func (t *transactor) abort(failure error) {
	if errors.Is(failure, ErrFenced) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if t.client.AbortBufferedRecords(ctx) != nil {
		return
	}
	if t.client.EndTransaction(ctx, kgo.TryAbort) == nil {
		_ = t.renew(ctx) // or the next transaction fails, for the same reason
	}
}

// settle makes sure that a transaction whose end had no answer is over, whichever
// way: the broker gives out a new epoch only then.
func (t *transactor) settle(ctx context.Context) error {
	return t.clock.Within(ctx, topic.Patience, func(ctx context.Context) error {
		if err := t.client.EndTransaction(ctx, kgo.TryAbort); err != nil {
			return fmt.Errorf("abort a transaction: %w", fence(err))
		}
		return t.init(ctx)
	})
}

// fence says what the brokers mean by an epoch, or a transaction, that they no
// longer take.
func fence(err error) error {
	for _, code := range []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
		kerr.InvalidTxnState, // an abort by whoever fences looks so when the epoch is the next
	} {
		if errors.Is(err, code) {
			return fmt.Errorf("%w, or Kafka has given this one up, which took too long: %w", ErrFenced, err)
		}
	}
	return err
}
