package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Run says who resolves letters, and in which run. Both are written into each
// resolution.
type Run struct{ ID, By string }

// Resolver replays and discards the letters of one dead-letter topic. Of all
// resolvers of the topic, anywhere, only the one that came last can write: the
// others get [ErrFenced]. Its methods may be called by several goroutines, one
// of which works at a time.
//
// A resolver that has failed stays so: open another, which finds out what the
// former has done. Brokers that cannot be reached for less than half a minute
// are no failure.
type Resolver struct {
	store *Store
	run   Run
	tx    *transactor

	working chan struct{} // whoever works has put something in
	ends    map[int]int64 // by partition of letters: those before it have been there
	err     error         // why it can do no more
}

// Resolver returns a resolver, fencing off all others of the topic, and waits
// until it knows all resolutions. It needs the topic of resolutions
// ([ResolutionTopic]) to exist: see [EnsureTopic]. Close it.
//
// All that the topic's resolvers write is under one transactional id, which is
// the name of the topic of resolutions: where access is controlled, it must be
// allowed to be written, beside that topic and the replay topics.
func (s *Store) Resolver(ctx context.Context, run Run) (*Resolver, error) {
	tx, err := newTransactor(ctx, s.conn, ResolutionTopic(s.topic))
	if err != nil {
		return nil, fmt.Errorf("take over the letters of %s: %w", s.topic, err)
	}
	r := &Resolver{store: s, run: run, tx: tx, working: make(chan struct{}, 1), ends: map[int]int64{}}
	// From here on nobody else can write a resolution, and what others had begun
	// is committed or aborted: what is read now is all there is.
	if err := s.ledger.catchUp(ctx); err != nil {
		tx.close()
		return nil, err
	}
	return r, nil
}

// Close ends the resolver.
func (r *Resolver) Close() { r.tx.close() }

// Replay is a letter to be replayed.
type Replay struct {
	Entry    Entry
	Topic    string // the replay topic
	Value    []byte // what to write if Repaired
	Repaired bool   // Value instead of the letter's own
}

// Done is what has become of letters that were to be resolved. Each of them is
// in one of the lists, in the order in which they were given.
type Done struct {
	Resolved  []Resolution // by this call
	Skipped   []Resolution // before it; only Name and State are known
	Refused   []Refusal    // cannot be resolved; it stays as it is
	Unknown   []Name       // the connection broke before the answer; another run finds out
	Untouched []Name       // not resolved, because of the error
}

// Refusal says why a letter cannot be resolved.
type Refusal struct {
	Name Name
	Err  error
}

// Why a letter cannot be resolved. It may also be an [ErrNotFound].
var (
	ErrForeign  = errors.New("the record is no letter: it can be discarded, not replayed")
	ErrOmitted  = errors.New("the letter goes without a part of its record")
	ErrTooLarge = errors.New("the replay topic refuses it for its size")
)

// Replay writes each letter to its replay topic and its resolution, both in one
// transaction: for readers of what is committed the letter lies there once,
// whatever happens to this process or to others that replay it. Letters that are
// resolved already are skipped. Letters of one key, given in their order, lie
// there in that order. All who read the letters find them replayed when Replay
// returns, unless a broker has not heard of it for seconds.
//
// The replayed record has the letter's key and headers, and headers that tell
// [OriginOf] where it comes from.
//
// An error ends the work: it is an [ErrFenced] when another resolver has taken
// over, an [ErrNoTopic] when there is no replay topic. What was done before it
// stays done, and is told beside it. When ctx ends, the transaction under way is
// aborted, or its end waited for, for a few seconds at most; the error then is
// that of ctx.
func (r *Resolver) Replay(ctx context.Context, replays ...Replay) (Done, error) {
	tasks := make([]task, len(replays))
	for i, p := range replays {
		tasks[i] = r.replay(p)
	}
	return r.resolve(ctx, tasks)
}

// Discard writes into the resolutions that the letters, or foreign records, are
// done with, and why. Otherwise it is as Replay.
func (r *Resolver) Discard(ctx context.Context, because string, entries ...Entry) (Done, error) {
	tasks := make([]task, len(entries))
	for i, e := range entries {
		tasks[i] = task{resolution: Resolution{
			Name: e.Name, State: Discarded, Time: now(), By: r.run.By, Run: r.run.ID, Because: because,
		}}
	}
	return r.resolve(ctx, tasks)
}

// now has Kafka's precision.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// task is a letter to be resolved.
type task struct {
	resolution Resolution
	record     *kgo.Record // to be written with it; nil for none
	refused    error
}

func (r *Resolver) replay(p Replay) task {
	e := &p.Entry
	t := task{resolution: Resolution{
		Name: e.Name, State: Replayed, Time: now(), By: r.run.By, Run: r.run.ID, Topic: p.Topic, Repaired: p.Repaired,
	}}
	switch {
	case e.Foreign != "":
		t.refused = ErrForeign
	case e.Omitted.Key || e.Omitted.Headers || e.Omitted.Value && !p.Repaired:
		t.refused = ErrOmitted
	}
	t.record = &kgo.Record{Topic: p.Topic, Key: e.Letter.Key, Value: e.Letter.Value}
	if p.Repaired {
		t.record.Value = p.Value
	}
	for _, h := range e.Letter.replayHeaders(e.Name) {
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
	return resolution + recordSize(t.record)
}

func (r *Resolver) resolve(ctx context.Context, tasks []task) (done Done, err error) {
	select {
	case r.working <- struct{}{}:
		defer func() { <-r.working }()
		defer r.tx.published(ctx, r.store.reader)
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
	return done, fmt.Errorf("resolve letters of %s: %w", r.store.topic, err)
}

// The size of a transaction. Each costs Kafka some ten milliseconds.
const (
	transactionLetters = 1000
	transactionBytes   = 4 << 20
)

// resolveSome resolves the first of the tasks, as many as go into a transaction,
// and returns those behind them.
func (r *Resolver) resolveSome(ctx context.Context, tasks []task, done *Done) (left []task, err error) {
	var (
		some  []task
		bytes int
		taken = map[Name]bool{}
		n     int
	)
	for ; n < len(tasks) && len(some) < transactionLetters && bytes < transactionBytes; n++ {
		t := tasks[n]
		name := t.resolution.Name
		if taken[name] {
			break // given twice: the second time it is skipped
		}
		if state := r.store.ledger.state(int32(name.Partition), name.Offset); state != Pending {
			done.Skipped = append(done.Skipped, Resolution{Name: name, State: state})
			continue
		}
		if t.refused == nil {
			t.refused, err = r.check(ctx, name)
		}
		if err != nil {
			r.untouched(some, done)
			return tasks[n:], err
		}
		if t.refused != nil {
			done.Refused = append(done.Refused, Refusal{name, t.refused})
			continue
		}
		taken[name] = true
		some = append(some, t)
		bytes += t.size()
	}
	return tasks[n:], r.transact(ctx, some, done)
}

// check tells whether there is, or was, a letter of that name. A resolution of
// one that is still to come would hide it.
func (r *Resolver) check(ctx context.Context, name Name) (refused, err error) {
	if name.Topic != r.store.topic {
		return fmt.Errorf("letter %s: %w in topic %s", name, ErrNotFound, r.store.topic), nil
	}
	if name.Offset < r.ends[name.Partition] {
		return nil, nil
	}
	extents, err := r.store.reader.extents(ctx, r.store.topic)
	if err != nil {
		return nil, err
	}
	for _, e := range extents {
		r.ends[int(e.partition)] = e.end
	}
	if name.Offset >= r.ends[name.Partition] {
		return fmt.Errorf("letter %s: %w", name, ErrNotFound), nil
	}
	return nil, nil
}

// transact resolves the tasks in one transaction. When the replay topic refuses
// what is in it for its size, which it says of a batch and not of a letter, each
// half is tried apart, down to the letter that does not fit by itself.
func (r *Resolver) transact(ctx context.Context, tasks []task, done *Done) error {
	if len(tasks) == 0 {
		return nil
	}
	began := time.Now()
	outcome, err := r.tx.write(ctx, r.records(tasks))
	for outcome == unknown && ctx.Err() == nil && !errors.Is(err, ErrFenced) {
		outcome, err = r.findOut(ctx, tasks, err)
		if outcome != aborted || time.Since(began) > patience {
			break
		}
		outcome, err = r.tx.write(ctx, r.records(tasks))
	}
	switch {
	case outcome == committed:
		for _, t := range tasks {
			name := t.resolution.Name
			r.store.ledger.set(int32(name.Partition), name.Offset, t.resolution.State)
			done.Resolved = append(done.Resolved, t.resolution)
		}
		return nil
	case outcome == aborted && oversized(err) && len(tasks) == 1:
		done.Refused = append(done.Refused, Refusal{tasks[0].resolution.Name, fmt.Errorf("%w: %w", ErrTooLarge, err)})
		return nil
	case outcome == aborted && oversized(err):
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

func (r *Resolver) untouched(tasks []task, done *Done) {
	for _, t := range tasks {
		done.Untouched = append(done.Untouched, t.resolution.Name)
	}
}

// findOut finds out whether the transaction was committed whose end had no
// answer. That it is over by then is the transactor's promise. Brokers that went
// in the middle of it are waited for.
func (r *Resolver) findOut(ctx context.Context, tasks []task, cause error) (outcome, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := r.tx.settle(bounded)
		if err == nil {
			err = r.store.ledger.catchUp(bounded)
		}
		if err == nil {
			break
		}
		if bounded.Err() != nil || !passing(err) {
			return unknown, errors.Join(cause, err)
		}
		select {
		case <-bounded.Done():
		case <-time.After(pause):
		}
	}
	name := tasks[0].resolution.Name // they share their fate
	if r.store.ledger.state(int32(name.Partition), name.Offset) != Pending {
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
			Topic: ResolutionTopic(r.store.topic), Key: []byte(t.resolution.Name.String()), Value: value,
		})
	}
	return records
}
