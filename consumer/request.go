package consumer

import (
	"cmp"
	"context"
	"io"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// request is a Fetch request of a group and the answer to it. What that says of a
// partition is told as soon as it has come, in memory of its own: nobody waits for what
// comes behind, nor does who is slow to read keep the memory of others.
type request struct {
	exchange
	c      *Consumer
	ctx    context.Context
	conn   net.Conn
	wait   time.Duration // at the broker
	until  time.Time     // when the broker will have answered
	second bool          // it goes beside another

	// Until it has come back they are the connection's, for which, once ctx has ended,
	// nobody waits.
	wishes    []*wish       // nil: it has its answer
	empty     []*wish       // of which there is nothing, and nothing wrong
	brought   bool          // records
	throttled time.Duration // for so long the broker wants no requests
	err       error         // of all that have no answer
}

// newRequest asks for all that wait in the group.
func (c *Consumer) newRequest(ctx context.Context, f *group, wait time.Duration) *request {
	return &request{
		exchange: c.exchange(newFetch(wait, f.waiting...), newestFetchOf(f.waiting[0].from.topic), node(f.key.broker)),
		c:        c, ctx: ctx, wait: wait, wishes: f.waiting,
	}
}

// run returns when the answer has come, or ctx has ended.
func (r *request) run() {
	r.err = r.over(r.ctx, r.c.client, r)
}

// RawExchange sends the request and reads the answer. It runs on a goroutine of the
// connection, which is of no more use to anybody once ctx has ended.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	r.conn = rw.(net.Conn)
	stop := context.AfterFunc(r.ctx, func() { _ = r.conn.SetDeadline(time.Unix(0, 1)) })
	err := r.fetch()
	if !stop() {
		err = cmp.Or(err, r.ctx.Err())
	}
	if err != nil { // another version may run there now
		r.spoken.forget(r.chosen)
		return r, err
	}
	_ = r.conn.SetDeadline(time.Time{})
	return r, r.keep(r.throttled)
}

// fetch does so over its connection.
func (r *request) fetch() error {
	if err := r.within(r.wait + askTimeout); err != nil {
		return err
	}
	version, err := r.negotiate(r.conn)
	switch {
	case err != nil:
		return err
	case version < wire.OldestFetch:
		return tooOldError(version)
	}
	if err := send(r.conn, r.clientID, r.request, version); err != nil {
		return err
	}
	a := wire.NewAnswer(r.conn, version, func() error { return r.within(askTimeout) })
	err = r.read(a)
	if version >= wire.FirstUnread {
		r.throttled = bounded(a.Throttle())
	}
	return err
}

// within bounds the next step.
func (r *request) within(d time.Duration) error {
	err := r.conn.SetDeadline(time.Now().Add(d))
	return cmp.Or(r.ctx.Err(), err) // it may have ended just before
}

// read reads the answer, and tells what it says.
func (r *request) read(a *wire.Answer) error {
	for range a.Partitions {
		at := slices.IndexFunc(r.wishes, func(w *wish) bool { return w != nil && a.IsOf(w.p.Topic, w.from.topic, w.p.ID) })
		if at < 0 {
			return errOtherPartition
		}
		w := r.wishes[at]
		part, memory, fits := a.Read(w.maxBytes)
		if a.Err() != nil {
			break
		}
		r.wishes[at] = nil
		r.tell(w, part, memory, fits)
	}
	return a.Err()
}

// tell answers a wish, or has it stay.
func (r *request) tell(w *wish, part *kmsg.FetchResponseTopicPartition, memory *wire.Memory, fits bool) {
	good := part.ErrorCode == 0 && part.DivergingEpoch.EndOffset < 0
	switch {
	case good && (!fits || memory == nil && part.LastStableOffset > w.from.offset):
		w.answer <- fetched{err: errAlone}
		return
	case good && memory == nil && !w.told:
		w.p.confirm(w.from.offset, part.LastStableOffset, part.HighWatermark)
		r.empty = append(r.empty, w)
		return
	}
	chunk, err := newChunkOf(w.p, w.from, part, memory)
	switch {
	case memory == nil:
	case err != nil:
		memory.Release()
	default:
		r.brought = true
	}
	w.answer <- fetched{chunk, err}
}
