package consumer

import (
	"cmp"
	"context"
	"io"
	"net"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
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
	wishes    []*wish                          // nil: it has its answer
	empty     []*wish                          // of which there is nothing, and nothing wrong
	brought   bool                             // records
	throttled time.Duration                    // for so long the broker wants no requests
	err       error                            // of all that have no answer
	part      kmsg.FetchResponseTopicPartition // that is read
}

// maxThrottle is the longest that a broker is left alone because it says so: quotas are
// of a minute at most.
const maxThrottle = time.Minute

// newRequest asks for all that wait in the group.
func (c *Consumer) newRequest(ctx context.Context, f *group, wait time.Duration) *request {
	return &request{
		exchange: exchange{
			clientID: c.cfg.Connection.ClientID, request: newFetch(wait, f.waiting...),
			most: newestFetchOf(f.waiting[0].from.topic), choose: node(f.key.broker), spoken: &c.spoken,
		},
		c: c, ctx: ctx, wait: wait, wishes: f.waiting,
	}
}

// run returns when the answer has come, or ctx has ended.
func (r *request) run() {
	_, r.err = r.c.client.Transport.RoundTrip(r.ctx, r.c.client.Addr, r)
}

// RawExchange sends the request and reads the answer. It runs on a goroutine of the
// connection, which is of no more use to anybody once ctx has ended.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	r.conn = rw.(net.Conn)
	stop := context.AfterFunc(r.ctx, func() { _ = r.conn.SetDeadline(time.Unix(0, 1)) })
	err := r.over()
	if !stop() {
		err = cmp.Or(err, r.ctx.Err())
	}
	if err != nil { // another version may run there now
		r.spoken.forget(r.chosen)
		return r, err
	}
	_ = r.conn.SetDeadline(time.Time{})
	return r, nil
}

// over does so over its connection.
func (r *request) over() error {
	if err := r.within(r.wait + askTimeout); err != nil {
		return err
	}
	version, err := r.negotiate(r.conn)
	switch {
	case err != nil:
		return err
	case version < oldestFetch:
		return tooOldError(version)
	}
	if err := send(r.conn, r.clientID, r.request, version); err != nil {
		return err
	}
	return r.read(&incoming{r: r.conn, compact: version >= firstFlexible}, version)
}

// within bounds the next step.
func (r *request) within(d time.Duration) error {
	err := r.conn.SetDeadline(time.Now().Add(d))
	return cmp.Or(r.ctx.Err(), err) // it may have ended just before
}
