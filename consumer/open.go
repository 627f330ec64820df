package consumer

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
)

// What a broker's address can be found to be. The [OpenError] wraps these.
var (
	// ErrHandshake: TLS was not agreed upon. What is in the way is wrapped beside it.
	ErrHandshake = errors.New("no TLS")
	// ErrSpeaksTLS: it answers with TLS to who speaks in the clear.
	ErrSpeaksTLS = errors.New("it speaks TLS")
	// ErrNotKafka: what it answers cannot be an answer of Kafka's.
	ErrNotKafka = errors.New("it does not speak Kafka's protocol")
	// ErrHungUp: it hung up before it had answered anything, or in the middle of the handshake.
	ErrHungUp = errors.New("it hung up before it answered")
)

// An OpenError says that there is nobody to talk to at an address, and what else the
// same client knows of addresses by then.
type OpenError struct {
	Address string // host:port
	Broker  int32  // whose address other brokers say it is; -1: not known
	Err     error

	Answered []string    // addresses at which a broker has answered, when it was last tried
	Others   []OpenError // and those where it was as it is here
}

func (e *OpenError) Error() string { return fmt.Sprintf("connect to %s: %v", e.Address, e.Err) }

// Unwrap returns why.
func (e *OpenError) Unwrap() error { return e.Err }

// Opener returns what opens the connections of one client, each in 10 s at most: Dial,
// with TLS on top for the name that is dialled. SASL is left to the client. Where that
// fails, or nothing like an answer comes over the connection, the error is an
// [OpenError]. What is returned is safe for concurrent use.
func (c Connection) Opener() func(ctx context.Context, network, address string) (net.Conn, error) {
	met := &addresses{found: map[string]error{}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := c.open(ctx, network, address)
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, err // which says nothing of the address
		}
		if err != nil {
			return nil, met.failed(address, err)
		}
		return &answering{Conn: conn, address: address, met: met}, nil
	}
}

func (c Connection) open(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.dial()(ctx, network, address)
	if err != nil || c.TLS == nil {
		return conn, err
	}
	cfg := c.TLS
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		if cfg.ServerName, _, err = net.SplitHostPort(address); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if isHangUp(err) {
			err = fmt.Errorf("%w: %w", ErrHungUp, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	return secure, nil
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// addresses is what a client has found at each address that it tried. It is safe for
// concurrent use.
type addresses struct {
	mu    sync.Mutex
	found map[string]error // nil: a broker that answers
}

// failed notes that there is nobody to talk to, and returns the error for it.
func (a *addresses) failed(address string, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found[address] = err
	open := &OpenError{Address: address, Broker: -1, Err: err}
	for other, err := range a.found {
		switch {
		case err == nil:
			open.Answered = append(open.Answered, other)
		case other != address:
			open.Others = append(open.Others, OpenError{Address: other, Broker: -1, Err: err})
		}
	}
	slices.Sort(open.Answered)
	slices.SortFunc(open.Others, func(a, b OpenError) int { return cmp.Compare(a.Address, b.Address) })
	return open
}

func (a *addresses) answered(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found[address] = nil
}

// answering is a connection that looks whether what comes first can be an answer of
// Kafka's: clients take it for a length, and wait for hundreds of megabytes or say that
// these are too many. It is read by one goroutine at a time.
type answering struct {
	net.Conn
	address string
	met     *addresses
	head    [4]byte // of the first answer: its length
	heard   int     // bytes of it
}

// mostFirst is more than a broker answers to a question about what it speaks, and less
// than four letters, or the head of a TLS record, are as a number.
const mostFirst = 1 << 28

// Read reads. The error is an [OpenError] where what comes first is no answer.
func (c *answering) Read(b []byte) (n int, err error) {
	n, err = c.Conn.Read(b)
	if c.heard == len(c.head) {
		return n, err
	}
	if n == 0 && c.heard == 0 {
		switch {
		case isHangUp(err):
			return 0, c.met.failed(c.address, fmt.Errorf("%w: %w", ErrHungUp, err))
		case errors.As(err, new(tls.AlertError)): // which TLS 1.3 sends of a client's certificate when the handshake is over
			return 0, c.met.failed(c.address, fmt.Errorf("%w: %w", ErrHandshake, err))
		}
		return 0, err
	}
	c.heard += copy(c.head[c.heard:], b[:n])
	if c.heard < len(c.head) {
		return n, err
	}
	const alert, handshake, version = 21, 22, 3 // the types of TLS records (RFC 8446, 5.1)
	switch {
	case binary.BigEndian.Uint32(c.head[:]) < mostFirst:
		c.met.answered(c.address)
		return n, err
	case (c.head[0] == alert || c.head[0] == handshake) && c.head[1] == version:
		err = ErrSpeaksTLS
	default:
		err = ErrNotKafka
	}
	return 0, c.met.failed(c.address, err)
}
