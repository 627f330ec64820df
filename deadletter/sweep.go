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
	// sweepLook is how many letters it looks at, at most, to find twins.
	sweepLook = 1 << 17
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
// this entry alone: if the letters that are left are few they are looked at. Otherwise
// an entry stays for as long as a letter is there that was written within the time of
// [Retention] after it, which a twin is; and so does one of a letter of another topic.
func (r *reader) outlived(ctx context.Context, l *ledger) (gone []spot, err error) {
	if !l.any(func(spot, mark) bool { return true }) {
		return nil, nil
	}
	letters, extents, err := r.extents(ctx, l.letters.topic)
	if err != nil {
		return nil, err
	}
	oldest, err := r.oldest(ctx, letters.incarnation, extents)
	if err != nil {
		return nil, err
	}
	firsts, left := map[int32]int64{}, int64(0)
	for _, e := range extents {
		firsts[e.partition] = e.first
		left += e.end - e.first
	}
	before := markDay(oldest.Add(-Retention))
	aged := func(m mark) bool { return m.day() < before }
	outlived := func(s spot, m mark) bool { return m.code() != ofAnother && s.offset < firsts[s.partition] }
	free := false
	if left <= sweepLook && l.any(func(s spot, m mark) bool { return outlived(s, m) && !aged(m) }) {
		owing, err := r.owing(ctx, l, letters.incarnation, extents)
		if err != nil {
			return nil, err
		}
		free = !owing
	}
	l.any(func(s spot, m mark) bool {
		if outlived(s, m) && (free || aged(m)) || m.code() == ofAnother && aged(m) {
			gone = append(gone, s)
		}
		return len(gone) == sweepMost
	})
	return gone, nil
}

// owing tells whether there is a letter that is done with by the entry of another.
func (r *reader) owing(ctx context.Context, l *ledger, letters incarnation, extents []extent) (owing bool, err error) {
	err = scan(ctx, r, letters, extents, func(record *kgo.Record) {
		e := l.entry(record)
		owing = owing || e.State != l.state(record.Partition, record.Offset)
	})
	return owing, err
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
