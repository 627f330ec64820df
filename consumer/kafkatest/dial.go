package kafkatest

import (
	"context"
	"net"
	"os"
	"syscall"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial connects to a broker of the cluster. It fits the Dial of a kafka-go Transport, the DialFunc of its Dialer
// and the Dialer of franz-go. Clients that connect with it are those that [Broker.Sever] cuts off.
func (b *Broker) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	b.mu.Lock()
	severed := b.severed
	b.mu.Unlock()
	if severed {
		return nil, refused(network)
	}
	c, err := b.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.severed { // meanwhile
		_ = c.Close()
		return nil, refused(network)
	}
	tracked := &conn{Conn: c, broker: b}
	if b.conns == nil {
		b.conns = make(map[*conn]struct{})
	}
	b.conns[tracked] = struct{}{}
	return tracked, nil
}

// Sever closes every connection that was made with [Broker.Dial] and refuses new ones, as a broker does that has
// gone, until [Broker.Restore]. What this package itself does with the broker still works.
func (b *Broker) Sever() {
	b.mu.Lock()
	conns := b.conns
	b.conns, b.severed = nil, true
	b.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
}

// Restore undoes [Broker.Sever].
func (b *Broker) Restore() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.severed = false
}

// refused is the error of a port at which nobody listens.
func refused(network string) error {
	return &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// conn is a connection of which its broker knows.
type conn struct {
	net.Conn
	broker *Broker
}

func (c *conn) Close() error {
	c.broker.mu.Lock()
	delete(c.broker.conns, c)
	c.broker.mu.Unlock()
	return c.Conn.Close()
}
