package topic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

// Clock measures how long brokers may take, and stands still while they have a client
// wait by a quota. Beyond one they answer, and say for how long they want nothing more
// (KIP-219); franz-go waits for that, and to wait for it is no reason to give up. Safe
// for concurrent use.
type Clock struct {
	mu    sync.Mutex
	until time.Time     // the brokers want nothing up to then
	stood time.Duration // in all, up to until
}

// ClockOf returns the clock of a client that is of [NewClient]. That of another never
// stands.
func ClockOf(client *kgo.Client) *Clock {
	if c, is := client.Context().Value(clockKey{}).(*Clock); is {
		return c
	}
	return &Clock{}
}

// clockKey is where a client's context has its clock.
type clockKey struct{}

var _ kgo.HookBrokerThrottle = (*Clock)(nil)

// OnBrokerThrottle is for franz-go to call.
func (c *Clock) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, unread bool) {
	if !unread { // the broker has waited itself, before it answered
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	from := time.Now()
	to := from.Add(wait)
	if from.Before(c.until) {
		from = c.until
	}
	if to.After(from) {
		c.until = to
		c.stood += to.Sub(from)
	}
}

// Now is the time, less what the clock has stood.
func (c *Clock) Now() time.Time {
	now, standing, stood := c.read()
	return now.Add(standing - stood)
}

// Standing is for how long the clock is to stand still.
func (c *Clock) Standing() time.Duration {
	_, standing, _ := c.read()
	return standing
}

func (c *Clock) read() (now time.Time, standing, stood time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = time.Now()
	return now, max(0, c.until.Sub(now)), c.stood
}

// Await waits while the clock stands still. The error is that of ctx.
func (c *Clock) Await(ctx context.Context) error {
	for standing := c.Standing(); standing > 0; standing = c.Standing() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(standing):
		}
	}
	return ctx.Err()
}

// Within has something tried that ends soon after its context does, which is when the
// clock has gone on for d. The error says then that the brokers have not answered.
func (c *Clock) Within(ctx context.Context, d time.Duration, try func(context.Context) error) error {
	soon, end := context.WithCancelCause(ctx)
	expired := fmt.Errorf("the brokers have not answered for %v", d)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		began := c.Now()
		for left := d; left > 0; left = d - c.Now().Sub(began) {
			select {
			case <-soon.Done():
				return
			case <-time.After(left + c.Standing()):
			}
		}
		end(expired)
	}()
	err := try(soon)
	late := errors.Is(context.Cause(soon), expired)
	end(nil)
	<-watched
	if late && errors.Is(err, context.Canceled) {
		return expired
	}
	return err
}

// dial opens connections for franz-go, whose deadlines the clock puts off: what was sent
// behind a request beyond a quota lies unread as long.
func (c *Clock) dial(conn consumer.Connection) func(context.Context, string, string) (net.Conn, error) {
	open := conn.Opener()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		opened, err := open(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &clocked{opened, c}, nil
	}
}

type clocked struct {
	net.Conn
	clock *Clock
}

// SetReadDeadline puts off a deadline that is to come: with others franz-go breaks off.
func (c *clocked) SetReadDeadline(t time.Time) error {
	if t.After(time.Now()) {
		t = t.Add(c.clock.Standing())
	}
	return c.Conn.SetReadDeadline(t)
}
