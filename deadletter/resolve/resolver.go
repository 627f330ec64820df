// Package resolve does what is to be done about the letters of a dead-letter topic:
// it replays them, repaired or as they are, or discards them, each once.
//
// A [Resolver] writes a letter to its replay topic, and its resolution, in one
// transaction: so a reader of committed records finds there each letter at most once,
// and in the end once, whoever is killed meanwhile and however many try at the same
// time. All resolvers of a topic share the transactional id that is the name of its
// topic of resolutions; the one that came last fences off the others, which get an
// [ErrFenced]. Twins ([deadletter.Identity]) are resolved as one.
//
// What it does not promise: readers of uncommitted records may see a letter more than
// once, and what becomes of a replayed record is its reader's business. Letters of one
// key, given in their order, are replayed in that order; there is no other order.
//
// A transaction is of up to a thousand letters or some 4 MiB, which are in memory
// meanwhile, and costs Kafka some ten milliseconds; of less at first, and where a quota
// would have it take long. To begin costs that all resolutions
// are read. It takes brokers with transactions.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
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
	store *store.Store
	run   Run
	tx    *transactor

	working     chan struct{}     // whoever works has put something in
	allowed     allowance         // for a transaction
	states      *store.States     // of the letters' topic as it was seen last
	resolutions topic.Incarnation // the topic, as it was when the states were read first
	err         error             // why it can do no more
}

// New returns a resolver of the store's letters, fencing off all others of the topic,
// and waits until it knows all resolutions. It needs the topic of resolutions
// ([deadletter.ResolutionTopic]) to exist, see [topic.Ensure], and that of the letters;
// else the error is a [topic.ErrNoTopic]. The store knows at once what the resolver does.
// Close it, before the store.
//
// It also removes resolutions of letters that the topic no longer keeps, and that no
// twin needs which it keeps, a quarter of a million at most: what runs add, later runs
// remove. Where more than some 130,000 letters are there, not all are looked at: then
// it removes those that are older by [deadletter.Retention] than all of them.
//
// All that the topic's resolvers write is under one transactional id, which is
// the name of the topic of resolutions: where access is controlled, it must be
// allowed to be written, beside that topic and the replay topics.
func New(ctx context.Context, letters *store.Store, run Run) (*Resolver, error) {
	tx, err := newTransactor(ctx, letters.Connection(), deadletter.ResolutionTopic(letters.Topic()))
	if err != nil {
		return nil, fmt.Errorf("take over the letters of %s: %w", letters.Topic(), err)
	}
	r := &Resolver{store: letters, run: run, tx: tx, working: make(chan struct{}, 1), allowed: firstBytes}
	// From here on nobody else can write a resolution, and what others had begun
	// is committed or aborted: what is read now is all there is.
	_, err = r.look(ctx)
	if err == nil {
		err = r.sweep(ctx)
	}
	if err != nil {
		tx.close()
		return nil, err
	}
	return r, nil
}

// Close ends the resolver.
func (r *Resolver) Close() { r.tx.close() }

// Replay is a letter to be replayed.
type Replay struct {
	Entry    deadletter.Entry
	Topic    string // where to: the replay topic, or any other
	Value    []byte // what to write if Repaired
	Repaired bool   // Value instead of the letter's own
}

// Done is what has become of letters that were to be resolved. Each of them is
// in one of the lists, in the order in which they were given.
type Done struct {
	Resolved  []deadletter.Resolution // by this call
	Skipped   []deadletter.Resolution // before it; only Name and State are known
	Refused   []Unresolved            // cannot be resolved; it stays as it is
	Unknown   []deadletter.Name       // the connection broke before the answer; another run finds out
	Untouched []deadletter.Name       // not resolved, because of the error
}

// Unresolved says why a letter cannot be resolved.
type Unresolved struct {
	Name deadletter.Name
	Err  error
}

// ErrFenced: another run has taken over what is done about the letters.
var ErrFenced = errors.New("another run has taken over")

// ErrNoTransactions: the cluster has had no broker to coordinate transactions, for as long
// as one is waited for. It may be starting, or never have been able to keep their state.
var ErrNoTransactions = errors.New("the cluster does no transactions")

// Why a letter cannot be resolved. It may also be a [deadletter.ErrNotFound], or a
// [topic.ErrRecreated] if it was read from a topic that has been made anew since.
var (
	ErrForeign  = errors.New("the record is no letter: it can be discarded, not replayed")
	ErrOmitted  = errors.New("the letter goes without a part of its record")
	ErrTooLarge = errors.New("the topic it is replayed to refuses it for its size")
)

// Replay writes each letter to its replay topic and its resolution, both in one
// transaction: for readers of what is committed the letter lies there once,
// whatever happens to this process or to others that replay it. Letters that are
// resolved already, or whose twin is, are skipped. Letters of one key, given in their
// order, lie there in that order. All who read the letters find them replayed when
// Replay returns, unless a broker has not heard of it for seconds.
//
// The replayed record has the letter's key and headers, and headers that tell
// [deadletter.OriginOf] where it comes from.
//
// An error ends the work: it is an [ErrFenced] when another resolver has taken
// over, a [topic.ErrNoTopic] when there is no replay topic, or no topic of letters or
// of resolutions any more, and a [topic.ErrRecreated] when one of them is made anew
// just then. What was done before it stays done, and is told beside it. When ctx
// ends, the transaction under way is aborted, or its end waited for, for a few
// seconds at most; the error then is that of ctx.
func (r *Resolver) Replay(ctx context.Context, replays ...Replay) (Done, error) {
	tasks := make([]task, len(replays))
	for i, p := range replays {
		tasks[i] = r.replay(p)
	}
	return r.resolve(ctx, tasks)
}

// Discard writes into the resolutions that the letters, or foreign records, are
// done with, and why. Otherwise it is as Replay.
func (r *Resolver) Discard(ctx context.Context, because string, entries ...deadletter.Entry) (Done, error) {
	tasks := make([]task, len(entries))
	for i, e := range entries {
		tasks[i] = task{resolution: deadletter.Resolution{
			Name: e.Name, TopicID: e.TopicID, State: deadletter.Discarded, Time: now(), By: r.run.By, Run: r.run.ID, Because: because,
			Source: e.Letter.Source, Replays: e.Letter.Replays,
		}}
	}
	return r.resolve(ctx, tasks)
}

// now has Kafka's precision.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
