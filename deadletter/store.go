package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

// What can be wrong with the letters that are asked for. The errors that are
// returned wrap these and say which.
var (
	// ErrNoTopic: there is no such topic.
	ErrNoTopic = errors.New("there is no such topic")
	// ErrNotFound: no letter has this name.
	ErrNotFound = errors.New("there is no such letter")
	// ErrExpired: the topic has deleted the letter, since it was older than the
	// topic's retention. The error is an [ExpiredError].
	ErrExpired = errors.New("the topic no longer keeps it")
	// ErrRecreated: it is another topic now that has the name, or none. Letters
	// of the former are gone, and what was done about them means nothing for those
	// that now lie in their places.
	ErrRecreated = errors.New("has been deleted or made anew")
	// ErrFenced: another run has taken over what is done about the letters.
	ErrFenced = errors.New("another run has taken over")
)

// ExpiredError says that a letter is no longer kept. It is an [ErrExpired].
type ExpiredError struct {
	Name  Name
	First int64 // the first offset that the partition still has
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("letter %s is no longer kept: its partition now begins at offset %d", e.Name, e.First)
}

// Is tells that e is an [ErrExpired].
func (e *ExpiredError) Is(target error) bool { return target == ErrExpired }

// Store is a dead-letter topic to be read, and what has been done about its
// letters. It is about the topic that has the name: when that is made anew, the
// store goes on with the new one. Its methods are safe for concurrent use.
type Store struct {
	conn   consumer.Connection
	topic  string
	client *kgo.Client
	reader *reader

	mu      sync.Mutex
	ledgers map[string]*ledger // by the id of the letters' topic
}

// Open returns the store of the letters in topic. It does not connect: what is
// wrong with the cluster or the topic shows in the first call. Close it.
func Open(conn consumer.Connection, topic string) (*Store, error) {
	client, err := newClient(conn, kgo.RetryTimeout(askTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the letters of %s: %w", topic, err)
	}
	r := newReader(client)
	return &Store{conn: conn, topic: topic, client: client, reader: r, ledgers: map[string]*ledger{}}, nil
}

// Close closes the connections. Nothing of the store may be in use.
func (s *Store) Close() { s.client.Close() }

// Topic is the dead-letter topic.
func (s *Store) Topic() string { return s.topic }

// Get returns one letter of the topic. The error is an [ErrExpired] if the topic
// no longer keeps it, an [ErrNotFound] if there is none of that name, an
// [ErrNoTopic] if there is no topic, and an [ErrRecreated] if that changes just
// then.
func (s *Store) Get(ctx context.Context, name Name) (Entry, error) {
	if name.Topic != s.topic {
		return Entry{}, fmt.Errorf("letter %s: %w in topic %s", name, ErrNotFound, s.topic)
	}
	for {
		e, err := s.get(ctx, name)
		if !errors.Is(err, kerr.OffsetOutOfRange) { // else retention was at work meanwhile
			return e, err
		}
	}
}

func (s *Store) get(ctx context.Context, name Name) (Entry, error) {
	letters, extents, err := s.reader.extents(ctx, s.topic)
	if err != nil {
		return Entry{}, err
	}
	i := slices.IndexFunc(extents, func(e extent) bool { return int(e.partition) == name.Partition })
	switch {
	case i < 0 || name.Offset >= extents[i].end:
		return Entry{}, fmt.Errorf("letter %s: %w", name, ErrNotFound)
	case name.Offset < extents[i].first:
		return Entry{}, &ExpiredError{name, extents[i].first}
	}
	known, err := s.known(ctx, letters.incarnation)
	if err != nil {
		return Entry{}, err
	}
	const little = 64 << 10
	records, _, err := s.reader.fetch(ctx, letters.incarnation, extents[i].partition, name.Offset, little)
	if err != nil {
		return Entry{}, err
	}
	if len(records) == 0 || records[0].Offset != name.Offset { // it was compacted or aborted
		return Entry{}, fmt.Errorf("letter %s: %w", name, ErrNotFound)
	}
	return known.entry(records[0]), nil
}

// entry makes an entry of a record of the letters' topic.
func (l *ledger) entry(r *kgo.Record) Entry {
	var headers []consumer.Header
	if len(r.Headers) > 0 {
		headers = make([]consumer.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = consumer.Header(h)
		}
	}
	e := read(Name{l.letters.topic, int(r.Partition), r.Offset}, r.Timestamp.UTC(), r.Key, r.Value, headers)
	e.TopicID, e.State = l.letters.id, l.stateOf(r.Partition, r.Offset, e.Letter.identity())
	return e
}

// ledgerOf returns the ledger of the letters of a topic. One made anew has its
// own: whoever still reads the former, or asks a broker that has not heard of the
// new one, is not told of the one what is known of the other.
func (s *Store) ledgerOf(letters incarnation) *ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledgers[letters.id]
	if l == nil {
		l = newLedger(s.reader, letters)
		s.ledgers[letters.id] = l
	}
	return l
}

// known returns what has been done about the letters of a topic. Where there is
// no topic of resolutions, nothing has.
func (s *Store) known(ctx context.Context, letters incarnation) (*ledger, error) {
	l := s.ledgerOf(letters)
	if _, err := l.catchUp(ctx); err != nil && !errors.Is(err, ErrNoTopic) {
		return nil, err
	}
	return l, nil
}

// History returns what has been done about a letter that was read, or a twin of it,
// whose name it then has, oldest first.
// The topic of resolutions is compacted: of several only the last is sure to be
// there. It reads that topic from end to end.
func (s *Store) History(ctx context.Context, e Entry) ([]Resolution, error) {
	resolutions, extents, err := s.reader.extents(ctx, ResolutionTopic(s.topic))
	if errors.Is(err, ErrNoTopic) {
		return nil, nil
	}
	var (
		history []Resolution
		letters = incarnation{s.topic, e.TopicID}
	)
	if err == nil {
		err = scan(ctx, s.reader, resolutions.incarnation, extents, func(r *kgo.Record) {
			name, err := ParseName(string(r.Key))
			if err != nil || name.Topic != e.Name.Topic {
				return
			}
			res, err := parseResolution(name, r.Value)
			twin := res.identity().known() && res.identity() == e.Letter.identity()
			switch {
			case err != nil || name != e.Name && !twin:
			case letters.isOther(res.TopicID):
				history = nil // it is of a letter of another topic, and so is what came before it
			default:
				history = append(history, res)
			}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what is done about letter %s: %w", e.Name, err)
	}
	return history, nil
}
