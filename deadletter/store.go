package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
// letters. Its methods are safe for concurrent use.
type Store struct {
	conn   consumer.Connection
	topic  string
	client *kgo.Client
	reader *reader
	ledger *ledger
}

// Open returns the store of the letters in topic. It does not connect: what is
// wrong with the cluster or the topic shows in the first call. Close it.
func Open(conn consumer.Connection, topic string) (*Store, error) {
	client, err := newClient(conn, kgo.RetryTimeout(dialTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the letters of %s: %w", topic, err)
	}
	r := newReader(client)
	return &Store{conn: conn, topic: topic, client: client, reader: r, ledger: newLedger(r, topic)}, nil
}

// Close closes the connections. Nothing of the store may be in use.
func (s *Store) Close() { s.client.Close() }

// Topic is the dead-letter topic.
func (s *Store) Topic() string { return s.topic }

// Get returns one letter of the topic. The error is an [ErrExpired] if the topic
// no longer keeps it, an [ErrNotFound] if there is none of that name, and an
// [ErrNoTopic] if there is no topic.
func (s *Store) Get(ctx context.Context, name Name) (Entry, error) {
	if name.Topic != s.topic {
		return Entry{}, fmt.Errorf("letter %s: %w in topic %s", name, ErrNotFound, s.topic)
	}
	if err := s.catchUp(ctx); err != nil {
		return Entry{}, err
	}
	for {
		e, err := s.get(ctx, name)
		if !errors.Is(err, kerr.OffsetOutOfRange) { // else retention was at work meanwhile
			return e, err
		}
	}
}

func (s *Store) get(ctx context.Context, name Name) (Entry, error) {
	extents, err := s.reader.extents(ctx, s.topic)
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
	const little = 64 << 10
	records, _, err := s.reader.fetch(ctx, s.topic, extents[i].partition, name.Offset, little)
	if err != nil {
		return Entry{}, err
	}
	if len(records) == 0 || records[0].Offset != name.Offset { // it was compacted or aborted
		return Entry{}, fmt.Errorf("letter %s: %w", name, ErrNotFound)
	}
	return s.entry(records[0]), nil
}

// entry makes an entry of a record.
func (s *Store) entry(r *kgo.Record) Entry {
	var headers []consumer.Header
	if len(r.Headers) > 0 {
		headers = make([]consumer.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = consumer.Header(h)
		}
	}
	e := read(Name{s.topic, int(r.Partition), r.Offset}, r.Timestamp.UTC(), r.Key, r.Value, headers)
	e.State = s.ledger.state(r.Partition, r.Offset)
	return e
}

// catchUp learns what has been done about the letters. Where there is no topic
// of resolutions, nothing has.
func (s *Store) catchUp(ctx context.Context) error {
	if err := s.ledger.catchUp(ctx); !errors.Is(err, ErrNoTopic) {
		return err
	}
	return nil
}

// History returns what has been done about a letter, oldest first. The topic of
// resolutions is compacted: of several only the last is sure to be there. It
// reads that topic from end to end.
func (s *Store) History(ctx context.Context, name Name) ([]Resolution, error) {
	topic := ResolutionTopic(s.topic)
	extents, err := s.reader.extents(ctx, topic)
	if errors.Is(err, ErrNoTopic) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is done about letter %s: %w", name, err)
	}
	var (
		history []Resolution
		key     = name.String()
	)
	err = scan(ctx, s.reader, topic, extents, func(r *kgo.Record) {
		if string(r.Key) != key {
			return
		}
		if res, err := parseResolution(name, r.Value); err == nil {
			history = append(history, res)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read what is done about letter %s: %w", name, err)
	}
	return history, nil
}
