package topic

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// cursor reads one partition, window by window, forwards or backwards. While
// one window is in use the next is being read.
type cursor struct {
	reader      *Reader
	topic       Incarnation
	left        Extent // what no window has had yet
	order       Order
	windowBytes int   // about; of what is read at once
	span        int64 // backwards: how many offsets to read at once

	window []*kgo.Record // what is in use, the next record first
	ahead  chan window   // the window being read; nil when nothing is left
}

// window is a piece of a partition.
type window struct {
	records []*kgo.Record
	passed  int64 // offsets
	err     error
}

// start begins to read. What it starts ends with ctx; wait for it with stop.
func (c *cursor) start(ctx context.Context) {
	c.ahead = nil
	if c.left.First >= c.left.End {
		return
	}
	ahead := make(chan window, 1)
	c.ahead = ahead
	go func() {
		before := c.left.End - c.left.First
		records, err := c.read(ctx)
		ahead <- window{records, before - (c.left.End - c.left.First), err}
	}()
}

// head returns the next record, nil at the end. passed counts the offsets that
// were gone past to reach it.
func (c *cursor) head(ctx context.Context) (record *kgo.Record, passed int64, err error) {
	for len(c.window) == 0 && c.ahead != nil {
		w := <-c.ahead
		if w.err != nil {
			c.ahead = nil
			return nil, passed, w.err
		}
		passed += w.passed
		c.window = w.records
		c.start(ctx)
	}
	if len(c.window) == 0 {
		return nil, passed, nil
	}
	return c.window[0], passed, nil
}

// next goes on to the record after the head.
func (c *cursor) next() { c.window = c.window[1:] }

// stop waits for what start has started.
func (c *cursor) stop() {
	if c.ahead != nil {
		<-c.ahead
		c.ahead = nil
	}
}

func (c *cursor) read(ctx context.Context) ([]*kgo.Record, error) {
	for c.left.First < c.left.End {
		var (
			records []*kgo.Record
			err     error
		)
		if c.order == NewestFirst {
			records, err = c.readBackwards(ctx)
		} else {
			records, err = c.readForwards(ctx)
		}
		if errors.Is(err, kerr.OffsetOutOfRange) {
			if err = c.catchUpWithRetention(ctx, err); err == nil {
				continue
			}
		}
		if err != nil || len(records) > 0 {
			return records, err
		}
	}
	return nil, nil
}

// catchUpWithRetention leaves out what the topic has deleted since. The error is the one
// given where that is nothing.
func (c *cursor) catchUpWithRetention(ctx context.Context, failed error) error {
	topic, now, err := c.reader.Extents(ctx, c.topic.Topic)
	if err != nil && !errors.Is(err, ErrNoTopic) {
		return err
	}
	i := slices.IndexFunc(now, func(e Extent) bool { return e.Partition == c.left.Partition })
	if i < 0 || topic.IsOther(c.topic.ID) || now[i].End < c.left.End { // the last tells where there are no ids
		return Recreated(c.topic.Topic)
	}
	if now[i].First <= c.left.First {
		return failed
	}
	c.left.First = min(now[i].First, c.left.End)
	return nil
}

func (c *cursor) readForwards(ctx context.Context) ([]*kgo.Record, error) {
	records, next, err := c.reader.Fetch(ctx, c.topic, c.left.Partition, c.left.First, c.windowBytes)
	if err != nil {
		return nil, err
	}
	c.left.First = min(next, c.left.End)
	return before(records, c.left.End), nil
}

// before returns the records before the offset.
func before(records []*kgo.Record, end int64) []*kgo.Record {
	n := len(records)
	for n > 0 && records[n-1].Offset >= end {
		n--
	}
	return records[:n]
}

// The fewest and most offsets to read at once when going backwards. A list of
// the last letters wants few; the number grows as long as they are small.
const (
	firstSpan = 64
	leastSpan = 8
	mostSpan  = 1 << 16
)

// readBackwards reads the last offsets of what is left. They may turn out to
// hold more bytes than a window should: then the first of them are left for the
// next time.
func (c *cursor) readBackwards(ctx context.Context) ([]*kgo.Record, error) {
	begin := max(c.left.First, c.left.End-c.span)
	var (
		records []*kgo.Record
		bytes   int
	)
	for at := begin; at < c.left.End; {
		more, next, err := c.reader.Fetch(ctx, c.topic, c.left.Partition, at, c.windowBytes)
		if err != nil {
			return nil, err
		}
		at = next
		for _, r := range before(more, c.left.End) {
			records = append(records, r)
			bytes += RecordSize(r)
		}
		drop := 0
		for bytes > 2*c.windowBytes && drop < len(records)-1 {
			bytes -= RecordSize(records[drop])
			drop++
		}
		if drop > 0 {
			records = slices.Clone(records[drop:])
			begin = records[0].Offset
		}
	}
	c.left.End = begin
	c.span = nextSpan(c.span, bytes, c.windowBytes)
	slices.Reverse(records)
	return records, nil
}

// nextSpan is how many offsets would have filled a window, were they like the
// last so many, but it grows step by step.
func nextSpan(span int64, bytes, windowBytes int) int64 {
	fits := 4 * span
	if bytes > 0 {
		fits = min(fits, int64(float64(span)*float64(windowBytes)/float64(bytes)))
	}
	return min(max(fits, leastSpan), mostSpan)
}

// RecordSize is about what a record holds in memory, in bytes.
func RecordSize(r *kgo.Record) int {
	const itself = 200
	n := itself + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 40 + len(h.Key) + len(h.Value)
	}
	return n
}
