package consumer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// What a broker's address can be found to be. The [OpenError] wraps these.
var (
	// ErrHandshake: TLS was not agreed upon. What is in the way is wrapped beside it.
	ErrHandshake = errors.New("no TLS")
	// ErrSpeaksTLS: it answers with TLS to who speaks in the clear.
	ErrSpeaksTLS = errors.New("it speaks TLS")
	// ErrNotKafka: what it answers cannot be an answer of Kafka's.
	ErrNotKafka = errors.New("it does not speak Kafka's protocol")
	// ErrHungUp: it hung up before it had answered anything, or amid TLS or SASL.
	ErrHungUp = errors.New("it hung up before it answered")
	// ErrSilent: nothing has come from there, for as long as one waits.
	ErrSilent = errors.New("it does not answer")
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

// Bootstrap is the address at which an [Connection.Opener] finds any broker of the
// cluster. The name is one that nobody can have (RFC 6761).
const Bootstrap = "bootstrap.invalid:9092"

// Opener returns what opens the connections of one client, each in 10 s at most: Dial,
// TLS for the name that is dialled, a question that the broker must answer, and SASL.
// Where that fails the error is an [OpenError], which wraps what a broker has answered.
//
// For the address [Bootstrap] all of Brokers are tried, those first that have answered
// before, and each a second after the one before it: the first to answer is taken. One
// that has been silent meanwhile is told to Warn, once until it answers.
//
// A connection outlives its session, if SASL gives it one: before that ends, and when
// nothing is on its way, it goes on over another. What is returned is safe for
// concurrent use.
func (c Connection) Opener() func(ctx context.Context, network, address string) (net.Conn, error) {
	return c.opener(false)
}

// opener is that; where it retries, what has not been answered over a connection that
// breaks is sent again over another, once.
func (c Connection) opener(retries bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	o := &opener{Connection: c, met: &addresses{found: map[string]error{}, step: map[string]time.Duration{}, warned: map[string]bool{}}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		open := func(ctx context.Context) (*session, error) { return o.open(ctx, network, address) }
		s, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return newLink(s, open, retries), nil
	}
}

type opener struct {
	Connection
	met *addresses
}

const (
	// dialTimeout bounds the opening of a connection, TLS and SASL included.
	dialTimeout = 10 * time.Second
	// stepTimeout bounds each step of it, with an address that answers or is not known.
	// It doubles each time that it is not enough: the way there may be a slow one.
	stepTimeout = 3 * time.Second
	// headStart is what an address of several has before the next is tried beside it.
	headStart = time.Second
)

// open opens a session, with any broker for the address [Bootstrap].
func (o *opener) open(ctx context.Context, network, address string) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if address == Bootstrap {
		return o.any(ctx, network)
	}
	step := o.met.patience(address)
	s, err := o.begin(ctx, network, address, step)
	switch {
	case err == nil:
		o.met.answered(address)
		return s, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, err // which says nothing of the address
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		o.met.slow(address, step)
	}
	return nil, o.met.failed(address, err)
}

// any opens a session with the first broker that answers.
func (o *opener) any(ctx context.Context, network string) (*session, error) {
	type outcome struct {
		*session
		err error
	}
	var (
		left    = o.met.order(o.Brokers)
		began   = map[string]time.Time{} // those that are being tried
		results = make(chan outcome)
		next    = time.NewTimer(0)
		refusal error // of a broker that has answered
		last    error
	)
	defer next.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for len(left)+len(began) > 0 {
		select {
		case <-next.C:
			if len(left) == 0 {
				continue
			}
			address := left[0]
			left = left[1:]
			began[address] = time.Now()
			next.Reset(headStart)
			go func() {
				s, err := o.open(ctx, network, address)
				select {
				case results <- outcome{s, err}:
				case <-ctx.Done():
					if s != nil {
						_ = s.Close()
					}
				}
			}()
		case r := <-results:
			failed := new(OpenError)
			switch {
			case r.err == nil:
				delete(began, r.address)
				o.warn(began)
				return r.session, nil
			case errors.As(r.err, &failed):
				delete(began, failed.Address)
			}
			if last = r.err; isAnswer(last) {
				refusal = last
			}
			next.Reset(0)
		case <-ctx.Done():
			return nil, cmp.Or(refusal, last, ctx.Err())
		}
	}
	return nil, cmp.Or(refusal, last)
}

// warn tells of those that have been silent while another answered.
func (o *opener) warn(silent map[string]time.Time) {
	for address, began := range silent {
		if time.Since(began) < headStart {
			continue
		}
		err := o.met.failed(address, ErrSilent)
		if o.Warn != nil && o.met.warn(address) {
			o.Warn(err)
		}
	}
}

// addresses is what a client has found at each address that it tried. It is safe for
// concurrent use.
type addresses struct {
	mu     sync.Mutex
	found  map[string]error         // nil: a broker that answers
	step   map[string]time.Duration // what a step may take, where it has taken too long
	warned map[string]bool
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
	delete(a.warned, address)
}

// patience is how long each step may take with an address.
func (a *addresses) patience(address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(stepTimeout, a.step[address])
}

// slow notes that a step took longer than that.
func (a *addresses) slow(address string, step time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.step[address] = min(2*step, dialTimeout)
}

// warn tells whether it is to be said of an address that it is silent.
func (a *addresses) warn(address string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := a.warned[address]
	a.warned[address] = true
	return !said
}

// order is in which order to try addresses: those that have answered, those that are
// not known, and those where nobody was, and else by chance: brokers share the load.
func (a *addresses) order(all []string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	rank := func(address string) int {
		switch err, tried := a.found[address]; {
		case !tried:
			return 1
		case err != nil:
			return 2
		}
		return 0
	}
	all = slices.Clone(all)
	chance().Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// chance is another one each time, but in virtual time, where tests are to go as they went.
func chance() *rand.Rand { return rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) }

// isHangUp tells whether an error is what is left of a connection that the other side,
// or somebody between, has ended, or of which the system has found out (see keepAlive).
func isHangUp(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT}, func(end error) bool {
		return errors.Is(err, end)
	})
}

// reach connects to an address, with TLS.
func (c Connection) reach(ctx context.Context, network, address string, step time.Duration) (net.Conn, error) {
	dialling, dialled := context.WithTimeout(ctx, step)
	defer dialled()
	conn, err := c.dial()(dialling, network, address)
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
	securing, secured := context.WithTimeout(ctx, step)
	defer secured()
	secure := tls.Client(conn, named(cfg))
	if err := secure.HandshakeContext(securing); err != nil {
		_ = conn.Close()
		if isHangUp(err) {
			err = fmt.Errorf("%w: %w", ErrHungUp, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	return secure, nil
}
