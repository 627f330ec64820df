package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// Follower reads the letters of a topic as they come, and knows which of those that it
// has given are pending still. It is in no group and commits nothing. Not safe for
// concurrent use.
//
// It takes what [Store.Letters] does, but for what twins are known by: that both are
// given is for who follows to mind. What has been done about letters is read anew once a
// day, so that memory follows what there is and not for how long it goes on.
type Follower struct {
	store *Store
	query deadletter.Query

	absent bool            // there was no topic when it was looked for last
	told   bool            // that the topic is another one, amid reading it
	states *States         // of the topic that is followed; nil: of none yet
	since  time.Time       // when these were begun
	first  map[int32]int64 // by partition: the first letter that is kept
	next   map[int32]int64 // by partition: where to read on
}

// statesLife is for how long the follower goes on with the same states.
const statesLife = 24 * time.Hour

// Follow returns a follower of the letters that the query's filter selects, from its
// Since on, or else from those on that come after the first [Follower.Read]. Of the query
// it heeds the filter and Failed. In a topic that does not exist at first, or is made
// anew, it begins with the first letter; so it does in a partition that is added.
func (s *Store) Follow(q deadletter.Query) *Follower {
	return &Follower{store: s, query: q, first: map[int32]int64{}, next: map[int32]int64{}}
}

// Read gives take what has come since it was called last, the oldest first, and returns
// when that is all. An error of take ends it, and is returned. After any error it goes on
// behind what take was given. It is a [topic.ErrNoTopic] as long as there is no topic, and
// a [topic.ErrRecreated] when it turns out to be another one: the letters given before
// are gone, and the next call gives those of the new one.
func (f *Follower) Read(ctx context.Context, take func(deadletter.Entry) error) error {
	letters, extents, err := f.store.reader.Extents(ctx, f.store.topic)
	if err == nil {
		err = f.find(ctx, letters, extents)
	}
	f.absent = errors.Is(err, topic.ErrNoTopic)
	if err != nil {
		return err
	}
	_, err = f.states.CatchUp(ctx)
	if errors.Is(err, topic.ErrRecreated) {
		return errors.New(err.Error()) // it is the topic of resolutions that is, and the next call reads the new one
	}
	if err != nil && !errors.Is(err, topic.ErrNoTopic) {
		return err
	}
	for i, e := range extents {
		f.first[e.Partition] = e.First
		extents[i].First = min(max(e.First, f.next[e.Partition]), e.End)
	}
	for r, err := range f.store.reader.Records(ctx, letters.Incarnation, extents, topic.OldestFirst, nil) {
		if err != nil {
			f.told = errors.Is(err, topic.ErrRecreated)
			return err
		}
		e := f.states.entry(r)
		f.next[r.Partition] = r.Offset + 1
		ok, err := f.query.Filter.Match(ctx, &e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && f.query.Failed != nil {
			f.query.Failed(e.Name, err)
		}
		if !ok {
			continue
		}
		if err := take(e); err != nil {
			return err
		}
	}
	for _, e := range extents {
		f.next[e.Partition] = e.End
	}
	f.told = false
	return nil
}

// find finds out which topic it is, and where to read on.
func (f *Follower) find(ctx context.Context, letters topic.Layout, extents []topic.Extent) error {
	shorter := func(e topic.Extent) bool { return f.next[e.Partition] > e.End }
	switch {
	case f.states == nil:
		next, err := f.begin(ctx, letters, extents)
		if err != nil {
			return err
		}
		f.follow(letters.Incarnation, next)
	case letters.IsOther(f.states.letters.ID), letters.ID == "" && (f.absent || slices.ContainsFunc(extents, shorter)):
		f.follow(letters.Incarnation, map[int32]int64{})
		if !f.told {
			return topic.Recreated(f.store.topic)
		}
	case time.Since(f.since) > statesLife:
		f.follow(letters.Incarnation, f.next)
	}
	for _, e := range extents {
		f.next[e.Partition] = min(f.next[e.Partition], e.End) // a log may lose its end
	}
	return nil
}

// begin is where to begin to read.
func (f *Follower) begin(ctx context.Context, letters topic.Layout, extents []topic.Extent) (next map[int32]int64, err error) {
	next = map[int32]int64{}
	if f.absent {
		return next, nil // all of it has come since
	}
	if since := f.query.Filter.Since; !since.IsZero() {
		if next, err = f.store.reader.Since(ctx, letters, since.Add(-clockMargin)); err != nil {
			return nil, err
		}
	}
	for _, e := range extents {
		if _, known := next[e.Partition]; !known {
			next[e.Partition] = e.End
		}
	}
	return next, nil
}

// follow goes on with a topic, whose states it is still to read.
func (f *Follower) follow(letters topic.Incarnation, next map[int32]int64) {
	f.states, f.since, f.next = newStates(f.store.reader, letters), time.Now(), next
	clear(f.first)
}

// Pending tells of a letter that Read has given, since the topic was made anew if it was,
// whether it was there and pending when Read returned.
func (f *Follower) Pending(name deadletter.Name, twins deadletter.Identity) bool {
	return name.Offset >= f.first[int32(name.Partition)] && f.states.Of(name, twins) == deadletter.Pending
}
