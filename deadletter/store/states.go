package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// States is what has been done about each letter of a topic, as far as its resolutions
// were read: two bytes a letter, where there are any, and some 40 bytes for each that
// is resolved, by which its twins are known. It reads on from where it was, so that
// whoever asks again and again does not read everything again and again. Its methods
// are safe for concurrent use. The names it is asked about are those of its topic.
type States struct {
	reader  *topic.Reader
	letters topic.Incarnation // the dead-letter topic

	reading chan struct{} // whoever reads has put something in

	// Only for who reads.
	resolutions topic.Incarnation // the topic that was read last
	next        map[int32]int64   // by partition of it: where to read on

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

// spot is where a letter lies: its name in half the memory.
type spot struct {
	partition int32
	offset    int64
}

func spotOf(n deadletter.Name) spot { return spot{int32(n.Partition), n.Offset} }

func newStates(r *topic.Reader, letters topic.Incarnation) *States {
	return &States{
		reader: r, letters: letters,
		reading:  make(chan struct{}, 1),
		next:     map[int32]int64{},
		pages:    map[page]*[pageLetters]mark{},
		resolved: map[uint64]spot{},
	}
}

// Letters is the topic whose letters they are the states of.
func (s *States) Letters() topic.Incarnation { return s.letters }

// Of is what has been done about a letter or one of its twins.
func (s *States) Of(name deadletter.Name, twins deadletter.Identity) deadletter.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	state := s.at(spotOf(name))
	if state != deadletter.Pending || len(s.resolved) == 0 || !twins.Known() {
		return state
	}
	twin, any := s.resolved[twins.Hash()]
	if !any {
		return deadletter.Pending
	}
	return s.at(twin) // pending again, if somebody took it back
}

// ByName is what has been done about a letter, by its name alone.
func (s *States) ByName(name deadletter.Name) deadletter.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at(spotOf(name))
}

func (s *States) at(at spot) deadletter.State {
	p := s.pages[page{at.partition, at.offset / pageLetters}]
	if p == nil {
		return deadletter.Pending
	}
	return p[at.offset%pageLetters].state()
}

// Note notes what has just been done about a letter, before it is read.
func (s *States) Note(r deadletter.Resolution) {
	s.note(spotOf(r.Name), markOf(r.State, r.Time), r.Identity())
}

func (s *States) note(at spot, m mark, twins deadletter.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.state() != deadletter.Pending && twins.Known() {
		if twin, any := s.resolved[twins.Hash()]; !any || s.at(twin) == deadletter.Pending {
			s.resolved[twins.Hash()] = at
		}
	}
	in := page{at.partition, at.offset / pageLetters}
	p := s.pages[in]
	if p == nil {
		if m == 0 {
			return
		}
		p = new([pageLetters]mark)
		s.pages[in] = p
	}
	p[at.offset%pageLetters] = m
}

// forget makes all letters pending again, for the topic to be read anew.
func (s *States) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.pages)
	clear(s.resolved)
	clear(s.next)
}

// CatchUp reads the resolutions that were committed since it was called last,
// up to those that are committed now, and returns the topic they are in. Where
// there is no topic of resolutions the error is a [topic.ErrNoTopic], and all letters
// are pending.
func (s *States) CatchUp(ctx context.Context) (topic.Incarnation, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return topic.Incarnation{}, ctx.Err()
	}
	resolutions, extents, err := s.reader.Extents(ctx, deadletter.ResolutionTopic(s.letters.Topic))
	if err == nil {
		err = s.readOn(ctx, resolutions.Incarnation, extents)
	}
	if errors.Is(err, topic.ErrNoTopic) {
		s.forget()
	}
	if err != nil {
		return topic.Incarnation{}, fmt.Errorf("read what is done about the letters of %s: %w", s.letters.Topic, err)
	}
	return resolutions.Incarnation, nil
}

// readOn reads from where it was; a topic that is another one, from its begin.
func (s *States) readOn(ctx context.Context, resolutions topic.Incarnation, extents []topic.Extent) error {
	shorter := func(e topic.Extent) bool { return s.next[e.Partition] > e.End } // which tells where there are no ids
	if resolutions.IsOther(s.resolutions.ID) || slices.ContainsFunc(extents, shorter) {
		s.forget()
	}
	s.resolutions = resolutions
	for i, e := range extents {
		extents[i].First = max(e.First, s.next[e.Partition])
	}
	for r, err := range s.reader.Records(ctx, resolutions, extents, topic.OldestFirst, nil) {
		if err != nil {
			return err
		}
		s.enter(r.Key, r.Value, r.Timestamp)
	}
	for _, e := range extents {
		s.next[e.Partition] = e.End
	}
	return nil
}

// enter takes up one record of the topic. One that is no resolution is as none:
// people may write there by hand. The last of a name counts, as it does once the
// topic is compacted: is that of a letter of another topic, which had this one's
// name, nothing has been done about the letter that has its name now.
func (s *States) enter(key, value []byte, written time.Time) {
	name, err := deadletter.ParseName(string(key))
	if err != nil || name.Topic != s.letters.Topic {
		return
	}
	if value == nil { // it is taken back
		s.note(spotOf(name), 0, deadletter.Identity{})
		return
	}
	r, ok := deadletter.SkimResolution(name, value)
	switch {
	case !ok:
	case s.letters.IsOther(r.TopicID):
		s.note(spotOf(name), newMark(ofAnother, written), deadletter.Identity{})
	default:
		s.note(spotOf(name), markOf(r.State, written), r.Identity())
	}
}
