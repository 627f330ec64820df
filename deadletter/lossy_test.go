package deadletter_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// network loses, or delays, answers to produce requests that the broker has
// carried out.
type network struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	lose  atomic.Int32 // how many of the next answers
	late  atomic.Int32 // how many of the next, of those that are not lost
	delay time.Duration
}

func (n *network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: conn, network: n, closed: make(chan struct{})}, nil
}

type lossyConn struct {
	net.Conn
	network *network
	asked   atomic.Bool // a produce request was written, its answer not yet read
	once    sync.Once
	closed  chan struct{}
}

func (c *lossyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if len(b) >= 6 && binary.BigEndian.Uint16(b[4:]) == uint16(kmsg.Produce) {
		c.asked.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.asked.Swap(false) {
		switch {
		case c.network.lose.Add(-1) >= 0:
			_ = c.Close()
			return 0, io.ErrUnexpectedEOF
		case c.network.late.Add(-1) >= 0:
			select {
			case <-time.After(c.network.delay):
			case <-c.closed:
			}
		}
	}
	return n, err
}

// over is a world whose writer goes over the network.
func (w *world) over(n *network) {
	n.dial = w.Dial
	conn := connection(w.Broker)
	conn.Dial = n.Dial
	w.Writer = newWriter(w.t, conn, discard)
}
