package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ledger knows the state of each letter of a topic from the resolutions: two
// bytes a letter, where there are any, and some 40 bytes for each that is resolved,
// by which its twins are known. It reads on from where it was, so that whoever asks
// again and again does not read everything again and again.
type ledger struct {
	reader  *reader
	letters incarnation // the dead-letter topic

	reading chan struct{} // whoever reads has put something in

	// Only for who reads.
	resolutions incarnation     // the topic that was read last
	next        map[int32]int64 // by partition of it: where to read on

	mu       sync.RWMutex
	pages    map[page]*[pageLetters]mark
	resolved map[uint64]spot // by the hash of the identity
}

// page is a run of offsets of a partition of letters.
type page struct {
	partition int32
	number    int64
}

const pageLetters = 1 << 14

// spot is where a letter lies.
type spot struct {
	partition int32
	offset    int64
}

func newLedger(r *reader, letters incarnation) *ledger {
	return &ledger{
		reader: r, letters: letters,
		reading:  make(chan struct{}, 1),
		next:     map[int32]int64{},
		pages:    map[page]*[pageLetters]mark{},
		resolved: map[uint64]spot{},
	}
}

// state is what has been done about a letter, by its name alone.
func (l *ledger) state(partition int32, offset int64) State {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.get(partition, offset)
}

// stateOf is what has been done about a letter or one of its twins.
func (l *ledger) stateOf(partition int32, offset int64, of identity) State {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.get(partition, offset)
	if s != Pending || len(l.resolved) == 0 || !of.known() {
		return s
	}
	twin, any := l.resolved[of.hash()]
	if !any {
		return Pending
	}
	return l.get(twin.partition, twin.offset) // pending again, if somebody took it back
}

func (l *ledger) get(partition int32, offset int64) State {
	p := l.pages[page{partition, offset / pageLetters}]
	if p == nil {
		return Pending
	}
	return p[offset%pageLetters].state()
}

// resolve notes what has been done about a letter, and when.
func (l *ledger) resolve(partition int32, offset int64, m mark, of identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.state() != Pending && of.known() {
		if twin, any := l.resolved[of.hash()]; !any || l.get(twin.partition, twin.offset) == Pending {
			l.resolved[of.hash()] = spot{partition, offset}
		}
	}
	at := page{partition, offset / pageLetters}
	p := l.pages[at]
	if p == nil {
		if m == 0 {
			return
		}
		p = new([pageLetters]mark)
		l.pages[at] = p
	}
	p[offset%pageLetters] = m
}

// forget makes all letters pending again, for the topic to be read anew.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.pages)
	clear(l.resolved)
	clear(l.next)
}

// catchUp reads the resolutions that were committed since it was called last,
// up to those that are committed now, and returns the topic they are in. Where
// there is no topic of resolutions the error is an [ErrNoTopic].
func (l *ledger) catchUp(ctx context.Context) (incarnation, error) {
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return incarnation{}, ctx.Err()
	}
	topic, extents, err := l.reader.extents(ctx, ResolutionTopic(l.letters.topic))
	if err == nil {
		err = l.readOn(ctx, topic.incarnation, extents)
	}
	if errors.Is(err, ErrNoTopic) {
		l.forget()
	}
	if err != nil {
		return incarnation{}, fmt.Errorf("read what is done about the letters of %s: %w", l.letters.topic, err)
	}
	return topic.incarnation, nil
}

// readOn reads from where it was; a topic that is another one, from its begin.
func (l *ledger) readOn(ctx context.Context, topic incarnation, extents []extent) error {
	shorter := func(e extent) bool { return l.next[e.partition] > e.end } // which tells where there are no ids
	if topic.isOther(l.resolutions.id) || slices.ContainsFunc(extents, shorter) {
		l.forget()
	}
	l.resolutions = topic
	for i, e := range extents {
		extents[i].first = max(e.first, l.next[e.partition])
	}
	err := scan(ctx, l.reader, topic, extents, func(r *kgo.Record) {
		l.enter(r.Key, r.Value, r.Timestamp)
	})
	if err != nil {
		return err
	}
	for _, e := range extents {
		l.next[e.partition] = e.end
	}
	return nil
}

// enter takes up one record of the topic. One that is no resolution is as none:
// people may write there by hand. The last of a name counts, as it does once the
// topic is compacted: is that of a letter of another topic, which had this one's
// name, nothing has been done about the letter that has its name now.
func (l *ledger) enter(key, value []byte, at time.Time) {
	name, err := ParseName(string(key))
	if err != nil || name.Topic != l.letters.topic {
		return
	}
	m, of := mark(0), identity{}
	if value != nil { // otherwise it is taken back
		var r struct {
			State   State           `json:"state"`
			TopicID string          `json:"topic_id"`
			Source  json.RawMessage `json:"source"`
			Replays json.RawMessage `json:"replays"`
		}
		if err := json.Unmarshal(value, &r); err != nil || r.State != Replayed && r.State != Discarded {
			return
		}
		if l.letters.isOther(r.TopicID) {
			m = newMark(ofAnother, at)
		} else {
			m, of = markOf(r.State, at), parseIdentity(r.Source, r.Replays)
		}
	}
	l.resolve(int32(name.Partition), name.Offset, m, of)
}

// scan reads the extents, each in order.
func scan(ctx context.Context, r *reader, topic incarnation, extents []extent, take func(*kgo.Record)) error {
	m, ctx := newMerge(ctx, r, topic, extents, false, nil)
	defer m.stop()
	for {
		record, err := m.next(ctx)
		if record == nil || err != nil {
			return err
		}
		take(record)
	}
}
