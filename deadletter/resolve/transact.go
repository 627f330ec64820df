package resolve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// transact resolves the tasks in one transaction. When the replay topic refuses
// what is in it for its size, which it says of a batch and not of a letter, each
// half is tried apart, down to the letter that does not fit by itself.
func (r *Resolver) transact(ctx context.Context, tasks []task, done *Done) error {
	if len(tasks) == 0 {
		return nil
	}
	began := r.tx.clock.Now()
	outcome, err := r.write(ctx, tasks)
	for outcome == unknown && ctx.Err() == nil && !errors.Is(err, ErrFenced) {
		outcome, err = r.findOut(ctx, tasks, err)
		if outcome != aborted || r.tx.clock.Now().Sub(began) > topic.Patience {
			break
		}
		outcome, err = r.write(ctx, tasks)
	}
	switch {
	case outcome == committed:
		for _, t := range tasks {
			r.states.Note(t.resolution)
			done.Resolved = append(done.Resolved, t.resolution)
		}
		return nil
	case outcome == aborted && topic.Oversized(err) && len(tasks) == 1:
		done.Refused = append(done.Refused, Unresolved{tasks[0].resolution.Name, fmt.Errorf("%w: %w", ErrTooLarge, err)})
		return nil
	case outcome == aborted && topic.Oversized(err):
		half := len(tasks) / 2
		if err := r.transact(ctx, tasks[:half], done); err != nil {
			r.untouched(tasks[half:], done)
			return err
		}
		return r.transact(ctx, tasks[half:], done)
	case outcome == unknown:
		for _, t := range tasks {
			done.Unknown = append(done.Unknown, t.resolution.Name)
		}
	default:
		r.untouched(tasks, done)
	}
	r.err = err
	return err
}

// write writes the tasks in one transaction. It does not begin while a quota has it wait.
func (r *Resolver) write(ctx context.Context, tasks []task) (outcome, error) {
	if err := r.tx.clock.Await(ctx); err != nil {
		return aborted, err
	}
	bytes := 0
	for i := range tasks {
		bytes += tasks[i].size()
	}
	began := time.Now()
	outcome, err := r.tx.write(ctx, r.records(tasks))
	r.allowed.took(bytes, time.Since(began)+r.tx.clock.Standing())
	return outcome, err
}

func (r *Resolver) untouched(tasks []task, done *Done) {
	for _, t := range tasks {
		done.Untouched = append(done.Untouched, t.resolution.Name)
	}
}

// findOut finds out whether the transaction was committed whose end had no
// answer. That it is over by then is the transactor's promise. Brokers that went
// in the middle of it are waited for. Of a transaction whose resolutions were
// deleted with their topic nobody can tell.
func (r *Resolver) findOut(ctx context.Context, tasks []task, cause error) (outcome, error) {
	err := r.store.Reader().Clock().Patiently(ctx, func(ctx context.Context) error {
		if err := r.tx.settle(ctx); err != nil {
			return err
		}
		resolutions, err := r.states.CatchUp(ctx)
		if err == nil && resolutions.IsOther(r.resolutions.ID) {
			err = topic.Recreated(resolutions.Topic)
		}
		return err
	})
	if err != nil {
		return unknown, errors.Join(cause, err)
	}
	if r.states.ByName(tasks[0].resolution.Name) != deadletter.Pending { // they share their fate
		return committed, nil
	}
	return aborted, cause
}

// records are the tasks' in a transaction: what is replayed, in its order, and
// the resolutions.
func (r *Resolver) records(tasks []task) []*kgo.Record {
	records := make([]*kgo.Record, 0, 2*len(tasks))
	for _, t := range tasks {
		if t.record != nil {
			r := *t.record // franz-go notes in it what has become of it
			records = append(records, &r)
		}
		value, _ := t.resolution.MarshalJSON() // text and a time of our own: cannot fail
		records = append(records, &kgo.Record{
			Topic: deadletter.ResolutionTopic(r.store.Topic()), Key: []byte(t.resolution.Name.String()), Value: value,
		})
	}
	return records
}
