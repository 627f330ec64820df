package deadletter

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// inHand is about how many bytes of a topic are held while it is read, over all
// its partitions.
const inHand = 32 << 20

// merge reads partitions together, in the order of their records' times as far
// as each partition has them in order.
type merge struct {
	cursors []*cursor
	heads   []*kgo.Record // of each cursor; nil at its end
	before  func(a, b *kgo.Record) bool
	cancel  context.CancelFunc

	read, total int64                   // offsets
	progress    func(read, total int64) // may be nil
	last        int                     // the cursor of the last record returned, -1 before the first
}

// newMerge begins to read. Call stop when done.
func newMerge(ctx context.Context, r *reader, topic incarnation, extents []extent, newestFirst bool, progress func(read, total int64)) (*merge, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	m := &merge{cancel: cancel, progress: progress, last: -1, before: olderFirst}
	if newestFirst {
		m.before = newerFirst
	}
	windowBytes := min(max(inHand/2/max(len(extents), 1), 64<<10), 1<<20)
	for _, e := range extents {
		m.total += e.end - e.first
		c := &cursor{reader: r, topic: topic, left: e, newestFirst: newestFirst, windowBytes: windowBytes, span: firstSpan}
		c.start(ctx)
		m.cursors = append(m.cursors, c)
	}
	m.heads = make([]*kgo.Record, len(m.cursors))
	return m, ctx
}

func olderFirst(a, b *kgo.Record) bool { return a.Timestamp.Before(b.Timestamp) }
func newerFirst(a, b *kgo.Record) bool { return a.Timestamp.After(b.Timestamp) }

// stop ends the reading, and waits for that.
func (m *merge) stop() {
	m.cancel()
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
