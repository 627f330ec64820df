package topic

import (
	"context"
	"iter"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

// inHand is about how many bytes of a topic are held while it is read, over all
// its partitions.
const inHand = 32 << 20

// Order is the order in which a topic is read.
type Order bool

// A topic is read forwards or backwards.
const (
	OldestFirst Order = false
	NewestFirst Order = true
)

// Records reads the extents of a topic together, in the order of their records'
// times as far as each partition has them in order. progress, if not nil, is called at
// the beginning and for each piece read, with how many offsets have been gone past and
// how many there are, from the goroutine that ranges over the records. An error, that
// of ctx included, ends the loop and comes last, beside nil.
//
// A record's bytes are part of all that was fetched with it, which stays in memory as
// long as they do.
func (r *Reader) Records(ctx context.Context, of Incarnation, extents []Extent, order Order, progress func(read, total int64)) iter.Seq2[*kgo.Record, error] {
	return func(yield func(*kgo.Record, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		m := newMerge(ctx, r, of, extents, order, progress)
		defer m.wait()
		defer cancel()
		for {
			record, err := m.next(ctx)
			if record == nil && err == nil || !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// merge is partitions that are read together.
type merge struct {
	cursors []*cursor
	heads   []*kgo.Record // of each cursor; nil at its end
	before  func(a, b *kgo.Record) bool

	read, total int64                   // offsets
	progress    func(read, total int64) // may be nil
	last        int                     // the cursor of the last record returned, -1 before the first
}

// newMerge begins to read. What it starts ends with ctx; wait for it with wait.
func newMerge(ctx context.Context, r *Reader, of Incarnation, extents []Extent, order Order, progress func(read, total int64)) *merge {
	m := &merge{progress: progress, last: -1, before: olderFirst}
	if order == NewestFirst {
		m.before = newerFirst
	}
	windowBytes := min(max(inHand/2/max(len(extents), 1), 64<<10), 1<<20)
	for _, e := range extents {
		m.total += e.End - e.First
		c := &cursor{reader: r, topic: of, left: e, order: order, windowBytes: windowBytes, span: firstSpan}
		c.start(ctx)
		m.cursors = append(m.cursors, c)
	}
	m.heads = make([]*kgo.Record, len(m.cursors))
	return m
}

func olderFirst(a, b *kgo.Record) bool { return a.Timestamp.Before(b.Timestamp) }

// newerFirst has one without a time go at once: what lies behind it in its partition may be
// newer than all others.
func newerFirst(a, b *kgo.Record) bool {
	if dated := consumer.Dated(b.Timestamp); !dated || !consumer.Dated(a.Timestamp) {
		return dated
	}
	return a.Timestamp.After(b.Timestamp)
}

// wait waits for the reading to end.
func (m *merge) wait() {
	for _, c := range m.cursors {
		c.stop()
	}
}

// next returns the next record, nil at the end.
func (m *merge) next(ctx context.Context) (*kgo.Record, error) {
	switch {
	case m.last >= 0:
		m.cursors[m.last].next()
		if err := m.advance(ctx, m.last); err != nil {
			return nil, err
		}
	default:
		m.report()
		for i := range m.cursors {
			if err := m.advance(ctx, i); err != nil {
				return nil, err
			}
		}
	}
	m.last = -1
	for i, head := range m.heads {
		if head != nil && (m.last < 0 || m.before(head, m.heads[m.last])) {
			m.last = i
		}
	}
	if m.last < 0 {
		return nil, ctx.Err()
	}
	return m.heads[m.last], nil
}

func (m *merge) advance(ctx context.Context, i int) (err error) {
	var passed int64
	m.heads[i], passed, err = m.cursors[i].head(ctx)
	if passed > 0 {
		m.read += passed
		m.report()
	}
	return err
}

func (m *merge) report() {
	if m.progress != nil {
		m.progress(m.read, m.total)
	}
}
