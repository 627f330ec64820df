package publishcmd

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// losing returns a dialer whose connections end, as often as is left, in place of the answer to a request to produce, which
// the broker has carried out.
func losing(dial dialer, left *atomic.Int32) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &losingConn{Conn: conn, left: left}, nil
	}
}

type losingConn struct {
	net.Conn
	left  *atomic.Int32
	asked atomic.Bool
}

func (c *losingConn) Write(b []byte) (int, error) {
	if len(b) >= 6 && binary.BigEndian.Uint16(b[4:]) == uint16(kmsg.Produce) {
		c.asked.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *losingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.asked.Swap(false) && c.left.Add(-1) >= 0 {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
