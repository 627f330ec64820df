package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// A letterbox is the dead-letter topics that a command is about. It is for one goroutine.
type letterbox struct {
	cfg     *config.Config
	conn    consumer.Connection
	stores  []*store.Store
	source  string   // that was asked for, if one was
	missing []string // topics found not to exist

	read, total map[*store.Store]int64  // offsets looked at of those to look at
	unstable    map[*store.Store]int64  // offsets that cannot be read yet
	ids         map[*store.Store]string // of topics whose letters were seen: the command is about these
}

// connect loads the configuration, and returns how its brokers are reached.
func connect(cmd *cobra.Command, load func() (*config.Config, error)) (*config.Config, consumer.Connection, error) {
	cfg, err := load()
	if err != nil {
		return nil, consumer.Connection{}, err
	}
	conn, err := kafkafault.Connection(&cfg.Kafka, nil, func(err error) { cli.Complain(cmd, err.Error()) })
	return cfg, conn, err
}

// openLetters opens the dead-letter topic of a source topic; of all configured if it is empty.
func openLetters(cfg *config.Config, conn consumer.Connection, source string) (*letterbox, error) {
	if source != "" {
		b, err := openTopics(cfg, conn, []string{cfg.DeadLetter.TopicFor(source)})
		if err == nil {
			b.source = source
		}
		return b, err
	}
	var topics []string
	for _, source := range cfg.SourceTopics() {
		topics = append(topics, cfg.DeadLetter.TopicFor(source))
	}
	slices.Sort(topics)
	return openTopics(cfg, conn, slices.Compact(topics))
}

func openTopics(cfg *config.Config, conn consumer.Connection, topics []string) (*letterbox, error) {
	b := &letterbox{cfg: cfg, conn: conn, read: map[*store.Store]int64{}, total: map[*store.Store]int64{}, unstable: map[*store.Store]int64{}, ids: map[*store.Store]string{}}
	for _, topic := range topics {
		store, err := store.Open(conn, topic)
		if err != nil {
			b.close()
			return nil, err
		}
		b.stores = append(b.stores, store)
	}
	return b, nil
}

func (b *letterbox) close() {
	for _, s := range b.stores {
		s.Close()
	}
}

// topics names the topics.
func (b *letterbox) topics() string {
	var names []string
	for _, s := range b.stores {
		names = append(names, s.Topic())
	}
	return strings.Join(names, ", ")
}

// store returns the store of a topic; there must be one.
func (b *letterbox) store(topic string) *store.Store {
	return b.stores[slices.IndexFunc(b.stores, func(s *store.Store) bool { return s.Topic() == topic })]
}

// lookedAt is how many letters there were to look at, at most, in the topics that were read.
func (b *letterbox) lookedAt() (total int64) {
	for _, n := range b.total {
		total += n
	}
	return total
}

// A scan says how to read letters.
type scan struct {
	filter      deadletter.Filter
	oldestFirst bool
	progress    func(read, total int64)      // may be nil
	failed      func(deadletter.Name, error) // may be nil
}

// all yields the letters of all topics in one order. Topics that do not exist have none, unless none of them does. An
// error ends it.
func (b *letterbox) all(ctx context.Context, s scan) iter.Seq2[deadletter.Entry, error] {
	if len(b.stores) == 1 {
		return b.of(ctx, b.stores[0], s)
	}
	before := func(a, b *deadletter.Entry) bool { return a.Written.After(b.Written) }
	if s.oldestFirst {
		before = func(a, b *deadletter.Entry) bool { return a.Written.Before(b.Written) }
	}
	return func(yield func(deadletter.Entry, error) bool) {
		type head struct {
			entry deadletter.Entry
			next  func() (deadletter.Entry, error, bool)
		}
		var heads []*head
		for _, store := range b.stores {
			next, stop := iter.Pull2(b.of(ctx, store, s))
			defer stop()
			heads = append(heads, &head{next: next})
		}
		advance := func(h *head) (more bool, err error) {
			h.entry, err, more = h.next()
			return more, err
		}
		var failure error
		heads = slices.DeleteFunc(heads, func(h *head) bool {
			more, err := advance(h)
			if errors.Is(err, topic.ErrNoTopic) && len(b.missing) < len(b.stores) {
				return true
			}
			if err != nil && failure == nil {
				failure = err
			}
			return !more
		})
		for failure == nil && len(heads) > 0 {
			first := heads[0]
			for _, h := range heads[1:] {
				if before(&h.entry, &first.entry) {
					first = h
				}
			}
			if !yield(first.entry, nil) {
				return
			}
			more, err := advance(first)
			failure = err
			if !more {
				heads = slices.DeleteFunc(heads, func(h *head) bool { return h == first })
			}
		}
		if failure != nil {
			yield(deadletter.Entry{}, failure)
		}
	}
}

// of yields the letters of one topic.
func (b *letterbox) of(ctx context.Context, store *store.Store, s scan) iter.Seq2[deadletter.Entry, error] {
	q, foreign := s.query()
	q.TopicID, q.OldestFirst = b.ids[store], s.oldestFirst
	q.Progress = func(read, total int64) {
		b.read[store], b.total[store] = read, total
		if s.progress != nil {
			var allRead int64
			for _, n := range b.read {
				allRead += n
			}
			s.progress(allRead, b.lookedAt())
		}
	}
	q.Unstable = func(offsets int64) { b.unstable[store] = offsets }
	return func(yield func(deadletter.Entry, error) bool) {
		for e, err := range store.Letters(ctx, q) {
			if err != nil {
				err = b.explain(store, err)
			} else {
				b.ids[store] = e.TopicID
				if foreign && !s.selects(ctx, &e) {
					continue
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// query is the scan for the library, which knows nothing of the reason [triage.Foreign]: where that is asked for, selects
// has to match what it finds.
func (s *scan) query() (q deadletter.Query, foreign bool) {
	q = deadletter.Query{Filter: s.filter, Failed: s.failed}
	if foreign = slices.Contains(s.filter.Reasons, triage.Foreign); foreign {
		q.Filter.Reasons, q.Filter.Where = nil, nil
	}
	return q, foreign
}

// selects matches a letter, or a foreign record, with the reasons and the condition of a filter that asks for foreign
// records: these match the reason [triage.Foreign].
func (s *scan) selects(ctx context.Context, e *deadletter.Entry) bool {
	reason := e.Letter.Reason
	if e.Foreign != "" {
		reason = triage.Foreign
	}
	if !slices.Contains(s.filter.Reasons, reason) {
		return false
	}
	where := deadletter.Filter{State: deadletter.AnyState, Where: s.filter.Where}
	matches, err := where.Match(ctx, e)
	if err != nil && s.failed != nil && ctx.Err() == nil {
		s.failed(e.Name, err)
	}
	return matches
}

// explain adds to an error what a person can do about it.
func (b *letterbox) explain(store *store.Store, err error) error {
	if !errors.Is(err, topic.ErrNoTopic) {
		return kafkafault.Explain(&b.cfg.Kafka, err)
	}
	if !slices.Contains(b.missing, store.Topic()) {
		b.missing = append(b.missing, store.Topic())
	}
	if meant, ok := sourceOf(b.cfg, b.source); ok {
		return fmt.Errorf("%w at %s; did you mean --topic %s?", err, strings.Join(b.conn.Brokers, ","), meant)
	}
	return fmt.Errorf("%w at %s, or this client may not see it; the configuration has the topics %s",
		err, strings.Join(b.conn.Brokers, ","), strings.Join(b.cfg.SourceTopics(), ", "))
}

// complain tells of what --where failed on, and of what could not be read.
func (b *letterbox) complain(filter *filterFlags, tell func(string)) {
	if text := filter.complaint(); text != "" {
		tell(text)
	}
	for _, s := range b.stores {
		if n := b.unstable[s]; n > 0 {
			tell(fmt.Sprintf("%s in %s cannot be read yet, and may hold letters: a producer has a transaction open before them", words.Number(n, "offset"), s.Topic()))
		}
	}
}

// none says that no letter matches, and returns the error for that.
func (b *letterbox) none(filter *filterFlags, say func(string)) error {
	what := "no letter"
	if state := filter.state.Value; state != string(deadletter.AnyState) {
		what = "no " + state + " letter"
	}
	if filter.narrows() {
		what += " matches"
	} else {
		what = "there is " + what
	}
	say(fmt.Sprintf("%s, of %s in %s", what, words.Number(b.lookedAt(), "record"), b.topics()))
	return cli.ErrNone
}
