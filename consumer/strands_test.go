package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/battlereport/battlereport/consumer"
)

// strandOf is the strand of a record in these tests: its first letter, if that is a capital or comes soon after them.
func strandOf(r *consumer.Record) uint64 {
	if len(r.Value) == 0 || r.Value[0] < 'A' || r.Value[0] > '`' {
		return 0
	}
	return uint64(r.Value[0])
}

// strands has the records of those strands deferred that are barred.
type strands struct {
	mu      sync.Mutex
	barred  string
	opened  chan struct{} // closed when fewer are barred
	refused atomic.Int32  // records that could not be deferred
	beyond  atomic.Int32  // pieces that were larger than the room for them
	handing func()        // is called before something is taken later; nil: nothing is
}

func bar(letters string) *strands { return &strands{barred: letters, opened: make(chan struct{})} }

// defers is an option of join.
func (s *strands) defers(cfg *consumer.Config, m *member) {
	cfg.Strand = strandOf
	m.strands = s
}

// open lets all go that are not in the letters.
func (s *strands) open(letters string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred = letters
	close(s.opened)
	s.opened = make(chan struct{})
}

func (s *strands) isBarred(strand uint64) (bool, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strand != 0 && strings.ContainsRune(s.barred, rune(strand)), s.opened
}

func (s *strands) take(take consumer.Take) consumer.Take {
	return func(ctx context.Context, records []consumer.Record) {
		var taken []consumer.Record
		for _, r := range records {
			if is, _ := s.isBarred(strandOf(&r)); !is {
				taken = append(taken, r)
			} else if !r.Partition.Defer(strandOf(&r), r.Offset) {
				s.refused.Add(1)
				taken = append(taken, r)
			}
		}
		take(ctx, taken)
	}
}

func (s *strands) reserve(take consumer.Take) consumer.Reserve {
	return func(ctx context.Context, _ *consumer.Partition, strand uint64) *consumer.Room {
		for {
			is, opened := s.isBarred(strand)
			if !is {
				const most, bytes = 7, 300 // small records take up 128
				return &consumer.Room{Records: most, Bytes: bytes, Cancel: func() {}, Take: func(ctx context.Context, records []consumer.Record) {
					size := 0
					for _, r := range records {
						size += r.Size()
					}
					if len(records) > most || len(records) > 1 && size > bytes {
						s.beyond.Add(1)
					}
					if s.handing != nil {
						s.handing()
					}
					take(ctx, records)
				}}
			}
			select {
			case <-opened:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// interleaved are n values of each prefix, one after the other.
func interleaved(n int, prefixes ...string) (values []string) {
	for i := range n {
		for _, p := range prefixes {
			values = append(values, fmt.Sprint(p, i))
		}
	}
	return values
}

// deferred is how many records a member says are deferred.
func (m *member) deferred() (n int64) {
	for _, l := range m.Lag() {
		n += l.Deferred
	}
	return n
}
