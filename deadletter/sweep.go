package deadletter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// sweepMost is how many entries a resolver removes at most, which takes seconds.
	sweepMost = 1 << 18
	// sweepTransaction is how many of them go into a transaction.
	sweepTransaction = 5000
)

// sweep removes entries of letters that are gone, by records without a value: once the
// topic is compacted, to find out what has been done costs what the letters cost that
// there are. It is for who alone may write resolutions.
func (r *Resolver) sweep(ctx context.Context) error {
	gone, err := r.store.reader.outlived(ctx, r.ledger)
	if err != nil {
		return nil //nolint:nilerr // it can wait for the next resolver, and what comes now fails likewise if it must
	}
	for some := range slices.Chunk(gone, sweepTransaction) {
		records := make([]*kgo.Record, len(some))
		for i, s := range some {
			name := Name{r.store.topic, int(s.partition), s.offset}
			records[i] = &kgo.Record{Topic: ResolutionTopic(r.store.topic), Key: []byte(name.String())}
		}
		if outcome, err := r.tx.write(ctx, records); outcome != committed {
			return fmt.Errorf("remove what was done about letters that are gone: %w", err)
		}
	}
	return nil
}

// outlived are letters that are gone, but not their entries, as many as are to be
// removed at a time. A letter may have a twin that is not gone, and is done with by
// this entry alone. How much later than the entry a twin can have been written nobody
// knows: as late as a member reads again, after it was down, what it had read before.
// So an entry stays for as long as a letter is there that was written within the time
// of [Retention] after it.
func (r *reader) outlived(ctx context.Context, l *ledger) ([]spot, error) {
	if !l.any(func(_ spot, m mark) bool { return m.day() < markDay(time.Now().Add(-Retention)) }) {
		return nil, nil // which costs nothing to know
	}
	letters, extents, err := r.extents(ctx, l.letters.topic)
	if err != nil {
		return nil, err
	}
	oldest, err := r.oldest(ctx, letters.incarnation, extents)
	if err != nil {
		return nil, err
	}
	firsts := map[int32]int64{}
	for _, e := range extents {
		firsts[e.partition] = e.first
	}
	before := markDay(oldest.Add(-Retention))
	var gone []spot
	l.any(func(s spot, m mark) bool {
		if m.day() < before && (m.code() == ofAnother || s.offset < firsts[s.partition]) {
			gone = append(gone, s)
		}
		return len(gone) == sweepMost
	})
	return gone, nil
}

// oldest is when the oldest letter was written that is there, or now.
func (r *reader) oldest(ctx context.Context, letters incarnation, extents []extent) (time.Time, error) {
	m, ctx := newMerge(ctx, r, letters, extents, false, nil)
	defer m.stop()
	now := time.Now()
	first, err := m.next(ctx)
	if first == nil || err != nil || first.Timestamp.After(now) {
		return now, err
	}
	return first.Timestamp, nil
}

// any calls is for each letter that has an entry, in any order, until one is.
func (l *ledger) any(is func(spot, mark) bool) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for at, p := range l.pages {
		for i, m := range p {
			if m != 0 && is(spot{at.partition, at.number*pageLetters + int64(i)}, m) {
				return true
			}
		}
	}
	return false
}
