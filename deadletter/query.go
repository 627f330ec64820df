package deadletter

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"
)

// Query says which letters to read, and in which order.
type Query struct {
	Filter Filter

	// TopicID, if set, is the id that the topic must have. Whoever reads letters
	// again, to do what was agreed about them, gives the [Entry.TopicID] that they
	// had: letters of a topic made anew meanwhile are none of them.
	TopicID string

	// OldestFirst reads in the order in which the letters came into the topic,
	// otherwise the newest comes first. The order of a partition is kept;
	// between partitions it goes by time.
	OldestFirst bool

	// Progress, if set, is called at the beginning and for each piece read, with
	// how many letters have been looked at and how many there are to look at.
	// Both count offsets, of which some may hold no letter. It is called from
	// the goroutine that ranges over the letters.
	Progress func(read, total int64)

	// Failed, if set, is called likewise for each letter on which Filter.Where
	// fails. Such a letter does not match.
	Failed func(name Name, err error)
}

// Letters returns the letters that match. Of twins, which are the same letter
// written twice, it returns the one that it comes to first, unless they are asked
// for by name; what has been done about one has been done about the other. Letters
// written after the start are not seen; resolutions may be. Records that are no
// letters come as entries too (see [Entry.Foreign]). What retention deletes
// meanwhile is passed over. Memory is bounded, whatever the number of letters.
//
// An error ends the loop: it comes last, with an empty entry. It is an
// [ErrNoTopic] if there is no such topic, and an [ErrRecreated] if it is another
// one meanwhile, or than was asked for.
func (s *Store) Letters(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := s.each(ctx, q, func(e Entry) bool { return yield(e, nil) }); err != nil {
			yield(Entry{}, err)
		}
	}
}

// each calls take for each letter that matches, until it returns false.
func (s *Store) each(ctx context.Context, q Query, take func(Entry) bool) error {
	letters, extents, err := s.extents(ctx, &q.Filter)
	if err == nil && letters.isOther(q.TopicID) {
		err = recreated(s.topic)
	}
	if err != nil {
		return err
	}
	known, err := s.known(ctx, letters)
	if err != nil {
		return err
	}
	names := make(map[Name]bool, len(q.Filter.Names))
	for _, n := range q.Filter.Names {
		names[n] = true
	}
	var met met
	m, ctx := newMerge(ctx, s.reader, letters, extents, !q.OldestFirst, q.Progress)
	defer m.stop()
	for {
		r, err := m.next(ctx)
		if r == nil || err != nil {
			return err
		}
		// Most letters of a long history are not asked for: before they are taken apart.
		if !q.Filter.matchState(known.state(r.Partition, r.Offset)) ||
			len(names) > 0 && !names[Name{s.topic, int(r.Partition), r.Offset}] {
			continue
		}
		e := known.entry(r)
		ok, err := q.Filter.match(ctx, &e)
		if ctx.Err() != nil { // there may be many more in memory, and each may take its time
			return ctx.Err()
		}
		if err != nil && q.Failed != nil {
			q.Failed(e.Name, err)
		}
		if !ok || len(names) == 0 && met.again(e.Letter.identity()) {
			continue
		}
		if !take(own(e)) {
			return nil
		}
	}
}

// extents is where letters that match may lie.
func (s *Store) extents(ctx context.Context, f *Filter) (incarnation, []extent, error) {
	letters, extents, err := s.reader.extents(ctx, s.topic)
	if err != nil {
		return incarnation{}, nil, err
	}
	if !f.Since.IsZero() {
		// Kafka times are those of the clocks of many members.
		const margin = time.Minute
		firsts, err := s.reader.since(ctx, letters, f.Since.Add(-margin))
		if err != nil {
			return incarnation{}, nil, err
		}
		for i, e := range extents {
			first, any := firsts[e.partition]
			if !any {
				first = e.end
			}
			extents[i].first = min(max(e.first, first), e.end)
		}
	}
	if len(f.Names) > 0 {
		extents = s.named(extents, f.Names)
	}
	return letters.incarnation, extents, nil
}

// named narrows the extents to those from the first to the last letter named.
func (s *Store) named(extents []extent, names []Name) []extent {
	narrow := map[int]extent{} // by partition
	for _, n := range names {
		if n.Topic != s.topic {
			continue
		}
		e, any := narrow[n.Partition]
		if !any {
			e = extent{first: n.Offset, end: n.Offset + 1}
		}
		e.first, e.end = min(e.first, n.Offset), max(e.end, n.Offset+1)
		narrow[n.Partition] = e
	}
	for i, e := range extents {
		n := narrow[int(e.partition)]
		extents[i].first = min(max(e.first, n.first), e.end)
		extents[i].end = max(min(e.end, n.end), extents[i].first)
	}
	return extents
}

// own makes the entry own its bytes: those of a record are part of what was
// fetched with it, which would stay in memory as long as the entry does.
func own(e Entry) Entry {
	e.Letter.Key, e.Letter.Value = bytes.Clone(e.Letter.Key), bytes.Clone(e.Letter.Value)
	e.Letter.Headers = slices.Clone(e.Letter.Headers)
	for i, h := range e.Letter.Headers {
		e.Letter.Headers[i].Value = bytes.Clone(h.Value)
	}
	return e
}
