package store

import (
	"context"
	"iter"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	// outlivedMost is how many are returned at most: to remove them takes seconds.
	outlivedMost = 1 << 18
	// outlivedLook is how many letters are looked at, at most, to find twins.
	outlivedLook = 1 << 17
)

// Outlived returns the names of letters that are gone, but not their resolutions, as
// many as are to be removed at a time: a quarter of a million at most, in any order. A
// letter may have a twin that is not gone, and is done with by this resolution alone:
// if the letters that are left are few they are looked at. Otherwise a resolution stays
// for as long as a letter is there that was written within the time of
// [deadletter.Retention] after it, which a twin is; and so does one of a letter of
// another topic.
func (s *States) Outlived(ctx context.Context) (gone []deadletter.Name, err error) {
	if !s.any(func(spot, mark) bool { return true }) {
		return nil, nil
	}
	letters, extents, err := s.reader.Extents(ctx, s.letters.Topic)
	if err != nil {
		return nil, err
	}
	oldest, err := s.oldest(ctx, letters.Incarnation, extents)
	if err != nil {
		return nil, err
	}
	firsts, left := map[int32]int64{}, int64(0)
	for _, e := range extents {
		firsts[e.Partition] = e.First
		left += e.End - e.First
	}
	before := markDay(oldest.Add(-deadletter.Retention))
	aged := func(m mark) bool { return m.day() < before }
	outlived := func(at spot, m mark) bool { return m.code() != ofAnother && at.offset < firsts[at.partition] }
	free := false
	if left <= outlivedLook && s.any(func(at spot, m mark) bool { return outlived(at, m) && !aged(m) }) {
		owing, err := s.owing(ctx, letters.Incarnation, extents)
		if err != nil {
			return nil, err
		}
		free = !owing
	}
	s.any(func(at spot, m mark) bool {
		if outlived(at, m) && (free || aged(m)) || m.code() == ofAnother && aged(m) {
			gone = append(gone, deadletter.Name{Topic: s.letters.Topic, Partition: int(at.partition), Offset: at.offset})
		}
		return len(gone) == outlivedMost
	})
	return gone, nil
}

// owing tells whether there is a letter that is done with by the resolution of another.
func (s *States) owing(ctx context.Context, letters topic.Incarnation, extents []topic.Extent) (bool, error) {
	for r, err := range s.reader.Records(ctx, letters, extents, topic.OldestFirst, nil) {
		if err != nil {
			return false, err
		}
		if e := s.entry(r); e.State != s.ByName(e.Name) {
			return true, nil
		}
	}
	return false, nil
}

// oldest is when the oldest letter was written that is there, or now.
func (s *States) oldest(ctx context.Context, letters topic.Incarnation, extents []topic.Extent) (time.Time, error) {
	now := time.Now()
	next, stop := iter.Pull2(s.reader.Records(ctx, letters, extents, topic.OldestFirst, nil))
	defer stop()
	first, err, any := next()
	if !any || err != nil || first.Timestamp.After(now) {
		return now, err
	}
	return first.Timestamp, nil
}

// any calls is for each letter that has a mark, in any order, until one is.
func (s *States) any(is func(spot, mark) bool) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for at, p := range s.pages {
		for i, m := range p {
			if m != 0 && is(spot{at.partition, at.number*pageLetters + int64(i)}, m) {
				return true
			}
		}
	}
	return false
}
