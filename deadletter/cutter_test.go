package deadletter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
)

// cutter cuts connections at a kind of request, before the broker gets it or when
// it has answered.
type cutter struct {
	broker   *kafkatest.Broker
	key      kmsg.Key
	answered bool

	first func() // called before the first cut

	mu   sync.Mutex // not held while first is called, which may need time: virtual time stands while a mutex is waited for
	left int        // so many times
	done int
}

func (c *cutter) connection() consumer.Connection {
	return consumer.Connection{Brokers: c.broker.Addrs(), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := c.broker.Dial(ctx, network, address)
		return &cuttable{Conn: conn, cutter: c}, err
	}}
}

func (c *cutter) cuts(request []byte) bool {
	n := c.count(request)
	if n == 1 && c.first != nil {
		c.first()
	}
	return n > 0
}

// count says which cut the request is, 0 for none.
func (c *cutter) count(request []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(request) < 6 || int16(binary.BigEndian.Uint16(request[4:])) != int16(c.key) || c.left == 0 {
		return 0
	}
	c.left--
	c.done++
	return c.done
}

type cuttable struct {
	net.Conn
	cutter *cutter
	cut    atomic.Bool
}

func (c *cuttable) Write(p []byte) (int, error) {
	if c.cutter.cuts(p) {
		if !c.cutter.answered {
			_ = c.Close()
			return 0, net.ErrClosed
		}
		c.cut.Store(true)
	}
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) { // as a connection of the virtual network says it; an answer to something else came first
		err = net.ErrClosed
	}
	return n, err
}

func (c *cuttable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.cut.Load() {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// resolver opens a resolver whose connections the cutter cuts from now on.
func (c *cutter) resolver(d *desk, times int) *resolve.Resolver {
	d.t.Helper()
	store, err := store.Open(c.connection(), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(store.Close)
	r, err := resolve.New(d.t.Context(), store, resolve.Run{ID: "run"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(r.Close)
	c.set(times)
	return r
}

// times is how often it has cut.
func (c *cutter) times() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

func (c *cutter) set(times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = times
}

// anywhere runs a test on a real cluster in real time, or else in virtual time.
func anywhere(t *testing.T, partitions int32, test func(w *world)) {
	t.Helper()
	if os.Getenv(kafkatest.BrokersVariable) != "" {
		test(loopback(t, partitions, nil))
		return
	}
	virtual(t, partitions, nil, test)
}

func TestABrokenConnectionDoesNotRepeatALetter(t *testing.T) {
	for rule, test := range map[string]struct {
		key      kmsg.Key
		answered bool
		times    int
	}{
		"the commit does not arrive, once":            {kmsg.EndTxn, false, 1},
		"the commit's answer is lost, once":           {kmsg.EndTxn, true, 1},
		"the commit does not arrive, until given up":  {kmsg.EndTxn, false, 1 << 30},
		"the commit's answer is lost, until given up": {kmsg.EndTxn, true, 1 << 30},
		"records do not arrive, some times":           {kmsg.Produce, false, 3},
		"records' answers are lost, some times":       {kmsg.Produce, true, 3},
	} {
		t.Run(rule, func(t *testing.T) {
			anywhere(t, 1, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				c := &cutter{broker: w.Broker, key: test.key, answered: test.answered}
				r := c.resolver(d, test.times)
				done, err := r.Replay(w.t.Context(), d.replays(entries[:10])...)
				w.t.Logf("%s, error %v, cut %d", summary(done), err, c.times())
				if c.times() == 0 {
					w.t.Error("nothing was cut")
				}
				if len(done.Unknown) > 0 {
					w.t.Error("it did not find out")
				}
				if times := d.replayed(); len(times) != len(done.Resolved) {
					w.t.Errorf("%d letters lie there, it says %s", len(times), summary(done))
				}
				c.set(0)
				done, err = d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...)
				if err != nil || len(done.Resolved)+len(done.Skipped) != 20 {
					w.t.Errorf("%s, error %v", summary(done), err)
				}
				d.expectOnce(all)
			})
		})
	}
}

func TestABrokerThatIsGoneIsWaitedForWhileReplaying(t *testing.T) {
	for outage, wait := range map[time.Duration]bool{10 * time.Second: true, time.Hour: false} {
		t.Run(outage.String(), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				r := d.resolver("run")
				if _, err := r.Replay(w.t.Context(), d.replays(entries[:10])...); err != nil {
					w.t.Fatal(err)
				}
				d.Sever()
				time.AfterFunc(outage, d.Restore)
				begin := time.Now()
				done, err := r.Replay(w.t.Context(), d.replays(entries)...)
				w.t.Logf("%s, error %v, after %v", summary(done), err, time.Since(begin))
				if wait {
					d.expectDone(done, err, "resolved 10, skipped 10, refused 0, unknown 0, untouched 0")
				} else if err == nil || time.Since(begin) > 90*time.Second || len(done.Untouched)+len(done.Unknown) != 20 {
					w.t.Errorf("%s, error %v, after %v", summary(done), err, time.Since(begin))
				}
				d.Restore()
				if _, err := d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...); err != nil {
					w.t.Error(err)
				}
				d.expectOnce(all)
			})
		})
	}
}

// TestABrokerThatGoesInTheMiddleOfACommitIsWaitedFor has it go as soon as it is asked to commit, before it hears of it, or
// before it answers.
func TestABrokerThatGoesInTheMiddleOfACommitIsWaitedFor(t *testing.T) {
	for _, answered := range []bool{false, true} {
		t.Run(fmt.Sprintf("heard=%t", answered), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				c := &cutter{broker: w.Broker, key: kmsg.EndTxn, answered: answered, left: 1, first: func() {
					go w.Sever()
					time.AfterFunc(20*time.Second, w.Restore)
				}}
				store, err := store.Open(c.connection(), d.topic)
				if err != nil {
					w.t.Fatal(err)
				}
				defer store.Close()
				r, err := resolve.New(w.t.Context(), store, resolve.Run{ID: "run", By: "tester"})
				if err != nil {
					w.t.Fatal(err)
				}
				defer r.Close()
				done, err := r.Replay(w.t.Context(), d.replays(entries)...)
				d.expectDone(done, err, "resolved 20, skipped 0, refused 0, unknown 0, untouched 0")
				d.expectOnce(all)
			})
		})
	}
}
