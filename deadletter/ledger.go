package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ledger knows the state of each letter of a topic from the resolutions: two
// bits a letter, where there are any. It reads on from where it was, so that
// whoever asks again and again does not read everything again and again.
type ledger struct {
	reader  *reader
	letters string // the dead-letter topic
	topic   string // of the resolutions

	reading chan struct{} // whoever reads has put something in

	next map[int32]int64 // by partition of topic: where to read on; only for who reads

	mu    sync.RWMutex
	pages map[page]*[pageLetters / 4]byte
}

// page is a run of offsets of a partition of letters.
type page struct {
	partition int32
	number    int64
}

const pageLetters = 1 << 14

func newLedger(r *reader, letters string) *ledger {
	return &ledger{
		reader: r, letters: letters, topic: ResolutionTopic(letters),
		reading: make(chan struct{}, 1),
		next:    map[int32]int64{},
		pages:   map[page]*[pageLetters / 4]byte{},
	}
}

// codes of the states, in two bits.
var stateCodes = [...]State{Pending, Replayed, Discarded}

func (l *ledger) state(partition int32, offset int64) State {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p := l.pages[page{partition, offset / pageLetters}]
	if p == nil {
		return Pending
	}
	i := offset % pageLetters
	return stateCodes[p[i/4]>>(i%4*2)&3]
}

func (l *ledger) set(partition int32, offset int64, s State) {
	var code byte
	for i, known := range stateCodes {
		if s == known {
			code = byte(i)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := page{partition, offset / pageLetters}
	p := l.pages[at]
	if p == nil {
		if code == 0 {
			return
		}
		p = new([pageLetters / 4]byte)
		l.pages[at] = p
	}
	i := offset % pageLetters
	shift := i % 4 * 2
	p[i/4] = p[i/4]&^(3<<shift) | code<<shift
}

// forget makes all letters pending again, for the topic to be read anew.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.pages)
	clear(l.next)
}

// catchUp reads the resolutions that were committed since it was called last,
// up to those that are committed now. Where there is no topic of resolutions
// the error is an [ErrNoTopic].
func (l *ledger) catchUp(ctx context.Context) error {
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	extents, err := l.reader.extents(ctx, l.topic)
	if errors.Is(err, ErrNoTopic) {
		l.forget()
	}
	if err != nil {
		return fmt.Errorf("read what is done about the letters of %s: %w", l.letters, err)
	}
	for _, e := range extents {
		if l.next[e.partition] > e.end { // a topic of that name, but another one
			l.forget()
			break
		}
	}
	for i, e := range extents {
		extents[i].first = max(e.first, l.next[e.partition])
	}
	err = scan(ctx, l.reader, l.topic, extents, func(r *kgo.Record) {
		l.enter(r.Key, r.Value)
	})
	if err != nil {
		return fmt.Errorf("read what is done about the letters of %s: %w", l.letters, err)
	}
	for _, e := range extents {
		l.next[e.partition] = e.end
	}
	return nil
}

// enter takes up one record of the topic. One that is no resolution is as none:
// people may write there by hand.
func (l *ledger) enter(key, value []byte) {
	name, err := ParseName(string(key))
	if err != nil || name.Topic != l.letters {
		return
	}
	state := Pending
	if value != nil { // otherwise it is taken back
		var r struct {
			State State `json:"state"`
		}
		if err := json.Unmarshal(value, &r); err != nil || r.State != Replayed && r.State != Discarded {
			return
		}
		state = r.State
	}
	l.set(int32(name.Partition), name.Offset, state)
}

// scan reads the extents, each in order.
func scan(ctx context.Context, r *reader, topic string, extents []extent, take func(*kgo.Record)) error {
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
