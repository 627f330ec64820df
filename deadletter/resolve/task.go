package resolve

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// task is a letter to be resolved.
type task struct {
	resolution deadletter.Resolution
	record     *kgo.Record // to be written with it; nil for none
	refused    error
}

func (r *Resolver) replay(p Replay) task {
	e := &p.Entry
	t := task{resolution: deadletter.Resolution{
		Name: e.Name, TopicID: e.TopicID, State: deadletter.Replayed, Time: now(), By: r.run.By, Run: r.run.ID,
		Topic: p.Topic, Repaired: p.Repaired, Source: e.Letter.Source, Replays: e.Letter.Replays,
	}}
	switch {
	case e.Foreign != "":
		t.refused = ErrForeign
	case e.Letter.Omitted.Key || e.Letter.Omitted.Headers || e.Letter.Omitted.Value && !p.Repaired:
		t.refused = ErrOmitted
	}
	t.record = &kgo.Record{Topic: p.Topic, Key: e.Letter.Key, Value: e.Letter.Value}
	if p.Repaired {
		t.record.Value = p.Value
	}
	for _, h := range e.Letter.ReplayHeaders(e.Name) {
		t.record.Headers = append(t.record.Headers, kgo.RecordHeader(h))
	}
	return t
}

// size is about what the task takes up in a transaction, in bytes.
func (t *task) size() int {
	const resolution = 400
	if t.record == nil {
		return resolution
	}
	return resolution + topic.RecordSize(t.record)
}

func (r *Resolver) resolve(ctx context.Context, tasks []task) (done Done, err error) {
	select {
	case r.working <- struct{}{}:
		defer func() { <-r.working }()
		defer r.tx.published(ctx, r.store.Reader())
	case <-ctx.Done():
		err = ctx.Err()
	}
	for len(tasks) > 0 && err == nil {
		err = r.err
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			tasks, err = r.resolveSome(ctx, tasks, &done)
		}
	}
	for _, t := range tasks {
		done.Untouched = append(done.Untouched, t.resolution.Name)
	}
	if err == nil {
		return done, nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return done, fmt.Errorf("resolve letters of %s: %w", r.store.Topic(), err)
}

// resolveSome resolves the first of the tasks, as many as go into a transaction,
// and returns those behind them.
func (r *Resolver) resolveSome(ctx context.Context, tasks []task, done *Done) (left []task, err error) {
	ends, err := r.look(ctx)
	if err != nil {
		return tasks, err
	}
	var (
		some  []task
		bytes int
		taken = map[deadletter.Name]bool{}
		met   deadletter.Met
		n     int
	)
	for ; n < len(tasks) && len(some) < transactionLetters && bytes < int(r.allowed); n++ {
		t := tasks[n]
		name := t.resolution.Name
		if taken[name] {
			break // given twice: the second time it is skipped
		}
		if err := r.absent(&t.resolution, ends); err != nil {
			done.Refused = append(done.Refused, Unresolved{name, err})
			continue
		}
		if state := r.states.Of(name, t.resolution.Identity()); state != deadletter.Pending {
			done.Skipped = append(done.Skipped, deadletter.Resolution{Name: name, State: state})
			continue
		}
		if t.refused != nil {
			done.Refused = append(done.Refused, Unresolved{name, t.refused})
			continue
		}
		if met.Again(t.resolution.Identity()) {
			break // its twin comes first, by which it is skipped then
		}
		t.resolution.TopicID = r.states.Letters().ID
		taken[name] = true
		some = append(some, t)
		bytes += t.size()
	}
	return tasks[n:], r.transact(ctx, some, done)
}

// look finds out which topic is the letters' now, and where its partitions end.
// Of one that was not seen before it learns what has been done about its letters.
func (r *Resolver) look(ctx context.Context) (ends map[int32]int64, err error) {
	err = r.store.Reader().Clock().Patiently(ctx, func(ctx context.Context) error {
		letters, err := r.store.Reader().Describe(ctx, r.store.Topic())
		if err != nil {
			return err
		}
		if r.states == nil || letters.IsOther(r.states.Letters().ID) {
			states := r.store.States(letters.Incarnation)
			if r.resolutions, err = states.CatchUp(ctx); err != nil {
				return err
			}
			r.states = states
		}
		ends, err = r.store.Reader().Ends(ctx, letters)
		return err
	})
	return ends, err
}

// absent says why the topic of letters has, and had, no letter that a resolution
// would be of. The resolution of one that is still to come would hide it.
func (r *Resolver) absent(of *deadletter.Resolution, ends map[int32]int64) error {
	name, letters := of.Name, r.states.Letters()
	switch {
	case name.Topic != letters.Topic:
		return fmt.Errorf("letter %s: %w in topic %s", name, deadletter.ErrNotFound, letters.Topic)
	case letters.IsOther(of.TopicID):
		return fmt.Errorf("letter %s is gone: its topic %w since it was read", name, topic.ErrRecreated)
	case name.Offset >= ends[int32(name.Partition)]:
		return fmt.Errorf("letter %s: %w", name, deadletter.ErrNotFound)
	}
	return nil
}
