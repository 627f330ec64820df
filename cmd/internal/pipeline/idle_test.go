package pipeline_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// load is what pipelines have brokers do. It is safe for concurrent use.
type load struct {
	mu          sync.Mutex
	requests    map[int32]int  // by broker
	connections map[string]int // open, by address
	opened      int            // connections, in all
	bytes       int            // that brokers answer with
	ofAll       int            // requests of all topics
}

// countLoad counts the load of the pipelines that are started from now on.
func (w *world) countLoad() *load {
	w.t.Helper()
	l := &load{requests: map[int32]int{}, connections: map[string]int{}}
	w.opts.DialKafka = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := w.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.opened++
		l.connections[address]++
		return &counted{Conn: c, l: l, closed: sync.OnceFunc(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.connections[address]--
		})}, nil
	}
	w.Overhear(w.t, func(broker int32, r kmsg.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests[broker]++
		if kafkatest.OfAllTopics(r) {
			l.ofAll++
		}
	})
	return l
}

// during is the load of some time; its connections are those that are open at the end.
func (l *load) during(d time.Duration) *load {
	l.mu.Lock()
	l.bytes, l.opened = 0, 0
	clear(l.requests)
	l.mu.Unlock()
	time.Sleep(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	return &load{requests: maps.Clone(l.requests), connections: maps.Clone(l.connections), opened: l.opened, bytes: l.bytes}
}

type counted struct {
	net.Conn
	l      *load
	closed func()
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.bytes += n
	return n, err
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// It reads four topics and their replays, and has delivered and written letters. Each broker is asked for records, one
// hears heartbeats, and one is asked who leads what.
func TestAnIdlePipelineAsksABrokerAHandfulOfTimesASecondOverAHandfulOfConnections(t *testing.T) {
	const period = 2 * time.Minute
	virtual(t, func(w *world) {
		l := w.countLoad()
		w.addApp(otherApp, w.Topic(w.t, 4))
		for i := range w.cfg.Apps {
			w.cfg.Apps[i].Topics = append(w.cfg.Apps[i].Topics, w.Topic(w.t, 4))
		}
		w.publishMany("good", 10)
		w.publish("bad", "{}")
		for members := 1; members <= 2; members++ {
			_, stop := w.start()
			defer stop()
			time.Sleep(3 * time.Minute) // connections of no use are closed
			got := l.during(period)
			for broker, n := range got.requests {
				if perSecond := float64(n) / period.Seconds(); perSecond > float64(4*members) {
					w.t.Errorf("%d pipelines ask broker %d %.1f times a second", members, broker, perSecond)
				}
			}
			for address, n := range got.connections {
				if n > 5*members {
					w.t.Errorf("%d pipelines keep %d connections to %s", members, n, address)
				}
			}
			if got.opened > 5*members {
				w.t.Errorf("%d pipelines open %d connections in %v", members, got.opened, period)
			}
		}
		if n := len(w.letters()); n != 1 {
			w.t.Errorf("there are %d letters", n)
		}
	})
}

// It begins, delivers, writes letters, and rebalances.
func TestAPipelineAsksAboutNoTopicsButItsOwnHoweverManyThereAre(t *testing.T) {
	bytes := map[int]int{}
	for _, others := range []int{5, 5000} {
		virtual(t, func(w *world) {
			for i := range others {
				if err := w.RequireKfake(w.t).CreateTopic(fmt.Sprintf("other-%d", i), 3, nil); err != nil {
					w.t.Fatal(err)
				}
			}
			missing := kafkatest.Name(w.t)
			w.addApp(otherApp, missing)
			l := w.countLoad()
			p, stop := w.start()
			w.publishMany("good", 10)
			w.publish("bad", "{}")
			w.settled(p, 11, 5*time.Minute)
			_, stopSecond := w.start()
			time.Sleep(time.Minute)
			stopSecond()
			time.Sleep(time.Minute)
			stop()
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.ofAll > 0 {
				w.t.Errorf("it asks %d times about all topics, of which %d are others", l.ofAll, others)
			}
			bytes[others] = l.bytes
		})
	}
	if bytes[5000] > 2*bytes[5] { // who asks when is left to chance
		t.Errorf("answers are of %d bytes with 5000 other topics, and of %d with 5", bytes[5000], bytes[5])
	}
}
