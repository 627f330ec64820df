package store

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// Letters returns the letters that match. Of twins, which are the same letter
// written twice, it returns the one that it comes to first, unless they are asked
// for by name; what has been done about one has been done about the other. Letters
// written after the start are not seen; resolutions may be. Records that are no
// letters come as entries too (see [deadletter.Entry.Foreign]). What retention deletes
// meanwhile is passed over. Memory is bounded, whatever the number of letters.
//
// An error ends the loop: it comes last, with an empty entry. It is a
// [topic.ErrNoTopic] if there is no such topic, and a [topic.ErrRecreated] if it is
// another one meanwhile, or than was asked for.
func (s *Store) Letters(ctx context.Context, q deadletter.Query) iter.Seq2[deadletter.Entry, error] {
	return func(yield func(deadletter.Entry, error) bool) {
		if err := s.each(ctx, q, func(e deadletter.Entry) bool { return yield(e, nil) }); err != nil {
			yield(deadletter.Entry{}, err)
		}
	}
}

// each calls take for each letter that matches, until it returns false.
func (s *Store) each(ctx context.Context, q deadletter.Query, take func(deadletter.Entry) bool) error {
	letters, extents, err := s.extents(ctx, &q)
	if err == nil && letters.IsOther(q.TopicID) {
		err = topic.Recreated(s.topic)
	}
	if err != nil {
		return err
	}
	states, err := s.caughtUp(ctx, letters)
	if err != nil {
		return err
	}
	names := make(map[deadletter.Name]bool, len(q.Filter.Names))
	for _, n := range q.Filter.Names {
		names[n] = true
	}
	filter := q.Filter
	filter.Names = nil // which may be many, and are looked at first
	var met deadletter.Met
	order := topic.NewestFirst
	if q.OldestFirst {
		order = topic.OldestFirst
	}
	for r, err := range s.reader.Records(ctx, letters, extents, order, q.Progress) {
		if err != nil {
			return err
		}
		// Most letters of a long history are not asked for: before they are taken apart.
		name := states.name(r)
		if !filter.MatchState(states.ByName(name)) || len(names) > 0 && !names[name] {
			continue
		}
		e := states.entry(r)
		ok, err := filter.Match(ctx, &e)
		if ctx.Err() != nil { // there may be many more in memory, and each may take its time
			return ctx.Err()
		}
		if err != nil && q.Failed != nil {
			q.Failed(e.Name, err)
		}
		if !ok || len(names) == 0 && met.Again(e.Letter.Identity()) {
			continue
		}
		if !take(own(e)) {
			return nil
		}
	}
	return nil
}

// clockMargin is by how much letters may lie before others of an earlier time: Kafka's
// times are those of the clocks of many members.
const clockMargin = time.Minute

// extents is where letters that match may lie.
func (s *Store) extents(ctx context.Context, q *deadletter.Query) (topic.Incarnation, []topic.Extent, error) {
	f := &q.Filter
	letters, extents, err := s.reader.Extents(ctx, s.topic)
	if err == nil && q.Unstable != nil {
		var offsets int64
		if offsets, err = s.reader.Unstable(ctx, letters, extents); err == nil {
			q.Unstable(offsets)
		}
	}
	if err != nil {
		return topic.Incarnation{}, nil, err
	}
	if !f.Since.IsZero() {
		firsts, err := s.reader.Since(ctx, letters, f.Since.Add(-clockMargin))
		if err != nil {
			return topic.Incarnation{}, nil, err
		}
		for i, e := range extents {
			first, any := firsts[e.Partition]
			if !any {
				first = e.End
			}
			extents[i].First = min(max(e.First, first), e.End)
		}
	}
	if len(f.Names) > 0 {
		extents = s.named(extents, f.Names)
	}
	return letters.Incarnation, extents, nil
}

// named narrows the extents to those from the first to the last letter named.
func (s *Store) named(extents []topic.Extent, names []deadletter.Name) []topic.Extent {
	narrow := map[int]topic.Extent{} // by partition
	for _, n := range names {
		if n.Topic != s.topic {
			continue
		}
		e, any := narrow[n.Partition]
		if !any {
			e = topic.Extent{First: n.Offset, End: n.Offset + 1}
		}
		e.First, e.End = min(e.First, n.Offset), max(e.End, n.Offset+1)
		narrow[n.Partition] = e
	}
	for i, e := range extents {
		n := narrow[int(e.Partition)]
		extents[i].First = min(max(e.First, n.First), e.End)
		extents[i].End = max(min(e.End, n.End), extents[i].First)
	}
	return extents
}

// own makes the entry own its bytes: those of a record are part of what was
// fetched with it, which would stay in memory as long as the entry does.
func own(e deadletter.Entry) deadletter.Entry {
	e.Letter.Key, e.Letter.Value = bytes.Clone(e.Letter.Key), bytes.Clone(e.Letter.Value)
	e.Letter.Headers = slices.Clone(e.Letter.Headers)
	for i, h := range e.Letter.Headers {
		e.Letter.Headers[i].Value = bytes.Clone(h.Value)
	}
	return e
}
