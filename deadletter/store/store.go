// Package store reads the letters of a dead-letter topic, and knows what has been
// done about them.
//
// [Store.Letters] reads them filtered, the newest or the oldest first, as many as there
// are when the reading begins; a [Follower] reads them as they come; [Store.Get] reads one
// by its name, and [Store.History] what was done about it. Nothing is written here: package
// resolve replays and discards.
//
// A letter's state is that of the last resolution of its name, or of a twin's
// ([deadletter.Identity]), among those that are committed when the reading begins or
// soon after. The resolutions are read once ([States]), and then what is new of them. The
// letters of a topic that is deleted and made anew have no states of the former ones.
//
// To read costs some 32 MiB, and up to 40 MB to know twins, however many letters there
// are; beyond a million read, a letter's twin may come once more. The states cost two
// bytes for each letter near one that is resolved, and some 40 for each that is, for as
// long as the store is open. Kafka has an index of time and of nothing else: a filter
// costs that the topic is read from its Since on, or between the letters that it names.
// Brokers older than Kafka 2.8 give topics no ids: there, whoever makes a dead-letter
// topic anew must make its topic of resolutions anew, too.
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// Store is a dead-letter topic to be read, and what has been done about its
// letters. It is about the topic that has the name: when that is made anew, the
// store goes on with the new one. Its methods are safe for concurrent use.
type Store struct {
	conn   consumer.Connection
	topic  string
	client *kgo.Client
	reader *topic.Reader

	mu     sync.Mutex
	states map[string]*States // by the id of the letters' topic
}

// Open returns the store of the letters in the topic of that name. It does not
// connect: what is wrong with the cluster or the topic shows in the first call. Close
// it.
func Open(conn consumer.Connection, name string) (*Store, error) {
	client, err := topic.NewClient(conn)
	if err != nil {
		return nil, fmt.Errorf("open the letters of %s: %w", name, err)
	}
	return &Store{conn: conn, topic: name, client: client, reader: topic.NewReader(client), states: map[string]*States{}}, nil
}

// Close closes the connections. Nothing of the store may be in use.
func (s *Store) Close() { s.client.Close() }

// Topic is the dead-letter topic.
func (s *Store) Topic() string { return s.topic }

// Connection is how the store reaches the cluster.
func (s *Store) Connection() consumer.Connection { return s.conn }

// Reader reads topics of the cluster, over the store's connections.
func (s *Store) Reader() *topic.Reader { return s.reader }

// Get returns one letter of the topic. The error is a [deadletter.ErrExpired] if the
// topic no longer keeps it, a [deadletter.ErrNotFound] if there is none of that name, a
// [topic.ErrNoTopic] if there is no topic, and a [topic.ErrRecreated] if that changes
// just then.
func (s *Store) Get(ctx context.Context, name deadletter.Name) (deadletter.Entry, error) {
	if name.Topic != s.topic {
		return deadletter.Entry{}, fmt.Errorf("letter %s: %w in topic %s", name, deadletter.ErrNotFound, s.topic)
	}
	e, err := s.get(ctx, name)
	if errors.Is(err, kerr.OffsetOutOfRange) { // retention was at work meanwhile
		e, err = s.get(ctx, name)
	}
	return e, err
}

func (s *Store) get(ctx context.Context, name deadletter.Name) (deadletter.Entry, error) {
	letters, extents, err := s.reader.Extents(ctx, s.topic)
	if err != nil {
		return deadletter.Entry{}, err
	}
	i := slices.IndexFunc(extents, func(e topic.Extent) bool { return int(e.Partition) == name.Partition })
	switch {
	case i < 0 || name.Offset >= extents[i].End:
		return deadletter.Entry{}, fmt.Errorf("letter %s: %w", name, deadletter.ErrNotFound)
	case name.Offset < extents[i].First:
		return deadletter.Entry{}, &deadletter.ExpiredError{Name: name, First: extents[i].First}
	}
	states, err := s.caughtUp(ctx, letters.Incarnation)
	if err != nil {
		return deadletter.Entry{}, err
	}
	const little = 64 << 10
	records, _, err := s.reader.Fetch(ctx, letters.Incarnation, extents[i].Partition, name.Offset, little)
	if err != nil {
		return deadletter.Entry{}, err
	}
	if len(records) == 0 || records[0].Offset != name.Offset { // it was compacted or aborted
		return deadletter.Entry{}, fmt.Errorf("letter %s: %w", name, deadletter.ErrNotFound)
	}
	return states.entry(records[0]), nil
}

// entry makes an entry of a record of the letters' topic.
func (s *States) entry(r *kgo.Record) deadletter.Entry {
	var headers []consumer.Header
	if len(r.Headers) > 0 {
		headers = make([]consumer.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = consumer.Header(h)
		}
	}
	e := deadletter.Read(s.name(r), r.Timestamp.UTC(), r.Key, r.Value, headers)
	e.TopicID, e.State = s.letters.ID, s.Of(e.Name, e.Letter.Identity())
	return e
}

// name is that of a record of the letters' topic.
func (s *States) name(r *kgo.Record) deadletter.Name {
	return deadletter.Name{Topic: s.letters.Topic, Partition: int(r.Partition), Offset: r.Offset}
}

// States returns what was known last of the letters of a topic. One made anew has
// states of its own: whoever still reads the former, or asks a broker that has not
// heard of the new one, is not told of the one what is known of the other.
func (s *Store) States(letters topic.Incarnation) *States {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := s.states[letters.ID]
	if states == nil {
		states = newStates(s.reader, letters)
		s.states[letters.ID] = states
	}
	return states
}

// caughtUp returns what has been done about the letters of a topic. Where there is
// no topic of resolutions, nothing has.
func (s *Store) caughtUp(ctx context.Context, letters topic.Incarnation) (*States, error) {
	states := s.States(letters)
	if _, err := states.CatchUp(ctx); err != nil && !errors.Is(err, topic.ErrNoTopic) {
		return nil, err
	}
	return states, nil
}
