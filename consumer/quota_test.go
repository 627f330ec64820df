package consumer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// A quota has a broker answer as it does beyond one: with nothing, and for how long not to ask. Where it reads nothing
// of a connection meanwhile, nothing is to be sent.
type quota struct {
	w       *world
	wait    time.Duration
	answers atomic.Int32 // that say so
	dials   atomic.Int32
	open    atomic.Int32 // connections
	deaf    atomic.Int32 // requests that would not have been read
}

// limit has requests of that kind answered so which say.
func (w *world) limit(key kmsg.Key, wait time.Duration, says func() bool) *quota {
	q := &quota{w: w, wait: wait}
	fake := w.RequireKfake(w.t)
	fake.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !says() {
			return nil, nil, false
		}
		q.answers.Add(1)
		res := r.ResponseKind()
		switch res := res.(type) {
		case *kmsg.FetchResponse:
			res.ThrottleMillis = int32(wait.Milliseconds())
		case *kmsg.HeartbeatResponse:
			res.ThrottleMillis = int32(wait.Milliseconds())
		case *kmsg.OffsetCommitResponse:
			res.ThrottleMillis = int32(wait.Milliseconds())
		}
		return res, nil, true
	})
	return q
}

// watch is an option of join.
func (q *quota) watch(cfg *consumer.Config, _ *member) {
	dial := cfg.Connection.Dial
	cfg.Connection.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		q.dials.Add(1)
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		q.open.Add(1)
		return &limited{Conn: conn, q: q, closed: sync.OnceFunc(func() { q.open.Add(-1) })}, nil
	}
}

// limited is a connection that knows until when a broker does not read from it.
type limited struct {
	net.Conn
	q      *quota
	closed func()
	mu     sync.Mutex
	begins bool // the next that is read begins an answer
	until  time.Time
}

func (c *limited) Close() error {
	c.closed()
	return c.Conn.Close()
}

func (c *limited) Write(b []byte) (int, error) {
	c.mu.Lock()
	if time.Now().Before(c.until) {
		c.q.deaf.Add(1)
	}
	c.begins = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *limited) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	const at = 4 + 4 + 1 // behind the size, the correlation and no tags
	if c.begins && n >= at+4 && time.Duration(binary.BigEndian.Uint32(b[at:]))*time.Millisecond == c.q.wait && c.q.wait > 0 {
		c.until = time.Now().Add(c.q.wait)
	}
	c.begins = false
	return n, err
}

// waited is what the metric says, in seconds.
func waited(w *world, reader metric.Reader) (seconds float64) {
	w.t.Helper()
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(w.t.Context(), &collected); err != nil {
		w.t.Fatal(err)
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == "battlereport.consumer.quota" {
				return m.Data.(metricdata.Sum[float64]).DataPoints[0].Value
			}
		}
	}
	w.t.Fatal("there is no such metric")
	return 0
}

func TestAQuotaIsWaitedForAndIsNoTrouble(t *testing.T) {
	small := func(cfg *consumer.Config, _ *member) { cfg.FetchBytes = 2000 }
	for rule, test := range map[string]struct {
		wait  time.Duration
		value string
		opts  []func(*consumer.Config, *member)
	}{
		"of partitions asked for together":    {wait: 5 * time.Second, value: "v"},
		"of minutes":                          {wait: 134 * time.Second, value: "v"},
		"of a partition asked for by itself":  {5 * time.Second, strings.Repeat("v", 9000), []func(*consumer.Config, *member){small}},
		"of what is larger than all that may": {5 * time.Second, strings.Repeat("v", 90_000), []func(*consumer.Config, *member){small}},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 3, func(w *world) {
				w.ledBy(0, upTo(3)...)
				var limits atomic.Bool
				var n atomic.Int32
				q := w.limit(kmsg.Fetch, test.wait, func() bool { return limits.Load() && n.Add(1)%2 == 1 })
				reader := metric.NewManualReader()
				m := w.join(append(test.opts, q.watch, measured(reader))...)
				for p := range int32(3) {
					w.publish(p, test.value)
				}
				w.untilTaken(m, 3)
				time.Sleep(10 * time.Second)
				dials := q.dials.Load()

				limits.Store(true)
				began := time.Now()
				for range 10 {
					for p := range int32(3) {
						w.publish(p, test.value)
					}
					time.Sleep(time.Second)
				}
				w.untilTaken(m, 33)
				limits.Store(false)
				lasted := time.Since(began)
				time.Sleep(test.wait + 2*time.Minute) // the last wait, and a minute without one

				if n := w.log.count("level=WARN"); n > 0 {
					w.t.Errorf("it warns %d times", n)
				}
				if n := w.log.count("makes this client wait\" who"); n != 1 {
					w.t.Errorf("it is said %d times that there is a quota", n)
				}
				if n := w.log.count("no quota makes this client wait any more"); n != 1 {
					w.t.Errorf("it is said %d times that it is over", n)
				}
				if s := waited(w, reader); s < 5 || s > (lasted+q.wait).Seconds() {
					w.t.Errorf("it has waited for %v s of %v", s, lasted)
				}
				if n := q.deaf.Load(); n > 0 {
					w.t.Errorf("%d requests are sent while the broker does not read", n)
				}
				if n := q.dials.Load() - dials; n > 3 { // two requests and a question at a time
					w.t.Errorf("%d connections are opened", n)
				}
				if n := float64(q.answers.Load()); n > 3*lasted.Seconds()/5+3 {
					w.t.Errorf("the broker says so %v times in %v", n, lasted)
				}
			})
		})
	}
}

// Meanwhile other requests are answered, whatever the connection that the broker does not read.
func TestAQuotaKeepsNobodyButTheFetchesWaiting(t *testing.T) {
	virtual(t, 1, func(w *world) {
		q := w.limit(kmsg.Fetch, 50*time.Second, func() bool { return true })
		var at []time.Time
		var mu sync.Mutex
		fake := w.RequireKfake(w.t)
		fake.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return nil, nil, false
		})
		w.publish(0, "v")
		m := w.join(q.watch)
		w.until("joined", m.serving)
		time.Sleep(2 * time.Minute)
		mu.Lock()
		n := len(at)
		mu.Unlock()
		if n < 10 { // each 10 s, since no fetch tells where the log ends
			w.t.Errorf("it is asked %d times where the log ends", n)
		}
		if l := m.Lag(); len(l) != 1 || l[0].Lag != 1 {
			w.t.Errorf("lag %+v", l)
		}
		began := time.Now()
		m.stop()
		if took := time.Since(began); took > time.Second {
			w.t.Errorf("it takes %v to leave", took)
		}
		if n := q.deaf.Load(); n > 0 {
			w.t.Errorf("%d requests are sent while the broker does not read", n)
		}
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
	})
}

// What is asked all the same, such as to commit, does not pile up connections that the broker does not read.
func TestAQuotaOnRequestsKeepsFewConnections(t *testing.T) {
	virtual(t, 1, func(w *world) {
		var limits atomic.Bool
		q := w.limit(kmsg.OffsetCommit, 50*time.Second, limits.Load)
		m := w.join(q.watch)
		w.publish(0, "v")
		w.untilCommitted(map[int32]int64{0: 1})
		before := q.open.Load()
		limits.Store(true)
		for range 100 {
			w.publish(0, "v")
			time.Sleep(300 * time.Millisecond)
		}
		if n := q.open.Load() - before; n < 1 || n > 10 || q.answers.Load() < 20 {
			w.t.Errorf("%d more connections are open, after %d answers", n, q.answers.Load())
		}
		limits.Store(false)
		w.untilTaken(m, 101)
		w.untilCommitted(map[int32]int64{0: 101})
	})
}

// What was deferred is fetched beside the rest, for which room is claimed that others could use.
func TestAQuotaHoldsUpWhatWasDeferredWithoutWarning(t *testing.T) {
	virtual(t, 1, func(w *world) {
		var limits atomic.Bool
		var n atomic.Int32
		q := w.limit(kmsg.Fetch, 5*time.Second, func() bool { return limits.Load() && n.Add(1)%2 == 1 })
		s := bar("A")
		m := w.join(s.defers, q.watch)
		w.publish(0, "A1", "b1", "A2", "b2")
		w.untilTaken(m, 2)
		limits.Store(true)
		s.open("")
		w.untilTaken(m, 4)
		if got := m.values(); !slices.Equal(got, []string{"b1", "b2", "A1", "A2"}) {
			w.t.Errorf("taken %v", got)
		}
		if n := w.log.count("level=WARN"); n > 0 || q.answers.Load() == 0 || q.deaf.Load() > 0 {
			w.t.Errorf("%d warnings, %d answers, %d requests that are not read", n, q.answers.Load(), q.deaf.Load())
		}
	})
}

// While a member drains it sends heartbeats of its own.
func TestAQuotaOnRequestsLeavesHeartbeatsOnTime(t *testing.T) {
	virtual(t, 1, func(w *world) {
		q := w.limit(kmsg.Heartbeat, 3*time.Second, func() bool { return true })
		m := w.join(q.watch, func(_ *consumer.Config, m *member) { m.drain = func() { time.Sleep(15 * time.Second) } })
		w.publish(0, "v")
		w.untilTaken(m, 1)
		m.stop()
		if q.answers.Load() < 3 || q.deaf.Load() > 0 || w.log.count("level=WARN") > 0 {
			w.t.Errorf("%d heartbeats, %d that are not read, %d warnings", q.answers.Load(), q.deaf.Load(), w.log.count("level=WARN"))
		}
	})
}

func TestAGroupThatRebalancesUnderAQuotaTakesEachRecordOnce(t *testing.T) {
	virtual(t, 4, func(w *world) {
		var n atomic.Int32
		q := w.limit(kmsg.Fetch, 2*time.Second, func() bool { return n.Add(1)%3 != 0 })
		first := w.join(q.watch)
		for i := range 100 {
			w.publish(int32(i%4), fmt.Sprint(i))
		}
		second := w.join(q.watch)
		w.until("some are taken", func() bool { return len(first.records())+len(second.records()) > 10 })
		first.stop()
		w.until("all are taken", func() bool { return len(first.records())+len(second.records()) >= 100 })
		if r := w.repeats(); len(r) > 0 || w.log.count("level=WARN") > 0 {
			w.t.Errorf("taken again: %v; %d warnings", r, w.log.count("level=WARN"))
		}
	})
}

// Brokers of Kafka's have quotas of their own.
func TestAQuotaOfKafkasIsWaitedForOverTheSameConnections(t *testing.T) {
	w := loopback(t, 3)
	id := kafkatest.Name(t)
	w.Quota(t, id, 40_000)
	const records = 3000
	var all []kafkatest.Record
	for i := range records {
		value := make([]byte, 350) // which nothing makes smaller
		for at := range value {
			value[at] = byte(rand.Uint32())
		}
		all = append(all, kafkatest.Record{Topic: w.topic, Partition: int32(i % 3), Value: value})
	}
	w.Produce(t, all...)
	q := &quota{w: w}
	reader := metric.NewManualReader()
	m := w.join(q.watch, measured(reader), func(cfg *consumer.Config, _ *member) { cfg.Connection.ClientID = id })
	w.untilTaken(m, records)
	t.Logf("%v s waited, %d connections", waited(w, reader), q.dials.Load())
	if n := w.log.count("level=WARN") + w.log.count("level=ERROR"); n > 0 || len(w.repeats()) > 0 {
		t.Errorf("%d warnings, taken again: %v", n, w.repeats())
	}
	if n := w.log.count("makes this client wait\" who"); n != 1 || waited(w, reader) == 0 {
		t.Errorf("it is said %d times that there is a quota, and waited for %v s", n, waited(w, reader))
	}
	if n := q.dials.Load(); n > 20 {
		t.Errorf("%d connections are opened", n)
	}
}
