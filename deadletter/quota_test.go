package deadletter_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
)

// A quota has a broker answer one kind of request so that the client is to wait, and reads nothing more of the
// connection meanwhile.
type quota struct {
	key   kmsg.Key // whose answers end with the time to wait, and no tags
	wait  time.Duration
	rate  int          // instead: so many bytes of those requests are allowed a second
	times atomic.Int32 // how often it is still to do so
	dials atomic.Int32
}

// on is the connection with the quota on it.
func (q *quota) on(conn consumer.Connection) consumer.Connection {
	dial := conn.Dial
	conn.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		q.dials.Add(1)
		c, err := dial(ctx, network, addr)
		return &limited{Conn: c, q: q}, err
	}
	return conn
}

type limited struct {
	net.Conn
	q *quota

	mu    sync.Mutex
	key   kmsg.Key // of the last request
	sent  int      // bytes of requests that are not answered
	until time.Time
}

func (c *limited) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.key, c.sent = kmsg.Key(binary.BigEndian.Uint16(b[4:])), c.sent+len(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// Read is called for an answer, which is small.
func (c *limited) Read(b []byte) (int, error) {
	c.mu.Lock()
	until := c.until
	c.mu.Unlock()
	time.Sleep(time.Until(until)) // what was sent since is not read before
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key == c.q.key && n > 9 && c.q.times.Add(-1) >= 0 {
		wait := c.q.wait
		if c.q.rate > 0 {
			wait = time.Duration(c.sent) * time.Second / time.Duration(c.q.rate)
		}
		binary.BigEndian.PutUint32(b[n-5:], uint32(wait.Milliseconds()))
		c.until, c.sent = time.Now().Add(wait), 0
	}
	return n, err
}

// Answers to what is produced do so.
func TestLettersAreWrittenUnderAQuotaHoweverLongItHasThemWait(t *testing.T) {
	virtual(t, 4, nil, func(w *world) {
		q := &quota{key: kmsg.Produce, wait: 40 * time.Second}
		q.times.Store(8)
		writer := newWriter(w.t, q.on(connection(w.Broker)), slog.New(slog.NewTextHandler(&w.log, nil)))
		var all []deadletter.Letter
		began := time.Now()
		for range 4 {
			some := letters(40, 1000)
			write(w.t, writer, w.topic, some...)
			all = append(all, some...)
		}
		if took := time.Since(began); took < 2*time.Minute || q.times.Load() > 0 {
			w.t.Errorf("it takes %v, and %d answers are left", took, q.times.Load())
		}
		if n := w.log.count("level=ERROR"); n > 0 || writer.Err() != nil {
			w.t.Errorf("it is said %d times that they cannot be written, error %v", n, writer.Err())
		}
		if n := w.log.count("level=INFO msg=\"a quota of the brokers' has dead letters wait\""); n != 1 {
			w.t.Errorf("it is said %d times that there is a quota", n)
		}
		if got := len(w.ReadAll(w.t, w.topic)); got != len(all) {
			w.t.Errorf("%d of %d letters lie there", got, len(all))
		}
		if n := q.dials.Load(); n > 10 { // of two kinds to each of three brokers, and the first
			w.t.Errorf("%d connections are opened", n)
		}
	})
}

// A transaction that waits for longer than Kafka lets it is given up, and with it the run.
func TestLettersAreReplayedUnderAQuotaInTransactionsThatKafkaDoesNotGiveUp(t *testing.T) {
	for _, rate := range []int{20_000, 4_000} {
		t.Run(fmt.Sprint(rate, " bytes a second"), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.replayTopic = w.topic + ".one"
				if err := w.CreateTopic(w.t.Context(), d.replayTopic, 1, settings{"max.message.bytes": fmt.Sprint(deadletter.MaxMessageBytes)}); err != nil {
					w.t.Fatal(err)
				}
				all := letters(1600, 5000)
				for i := range all {
					_, _ = rand.Read(all[i].Value) // or it would be compressed to nothing
				}
				d.write(all...)
				q := &quota{key: kmsg.Produce, rate: rate}
				q.times.Store(math.MaxInt32)
				done, err := d.replayUnder(q)
				d.expectDone(done, err, "resolved 1600, skipped 0, refused 0, unknown 0, untouched 0")
				d.expectOnce(all)
			})
		})
	}
}

// replayUnder replays all letters under a quota.
func (d *desk) replayUnder(q *quota) (resolve.Done, error) {
	d.t.Helper()
	letters, err := store.Open(q.on(connection(d.Broker)), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	defer letters.Close()
	r, err := resolve.New(d.t.Context(), letters, resolve.Run{ID: "run"})
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Close()
	return r.Replay(d.t.Context(), d.replays(d.all(oldestFirst))...)
}

// It has each transaction wait as long, whatever that is of.
func TestUnderAQuotaThatOthersUseUpTransactionsAreOfMoreThanALetterStill(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		d := newDesk(w)
		d.write(letters(1000, 100)...)
		q := &quota{key: kmsg.Produce, wait: 8 * time.Second}
		q.times.Store(math.MaxInt32)
		done, err := d.replayUnder(q)
		d.expectDone(done, err, "resolved 1000, skipped 0, refused 0, unknown 0, untouched 0")
		if requests := math.MaxInt32 - q.times.Load(); requests > 400 {
			w.t.Errorf("it takes %d requests", requests)
		}
	})
}

// Fetches are answered with nothing but the time to wait.
func TestLettersAreReadUnderAQuotaHoweverLongItHasThemWait(t *testing.T) {
	for rule, q := range map[string]deadletter.Query{"newest first": {}, "oldest first": oldestFirst} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 3, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(300, 5000)...)
				fake := w.RequireKfake(w.t)
				var n, asked atomic.Int32
				fake.ControlKey(int16(kmsg.Fetch), func(k kmsg.Request) (kmsg.Response, error, bool) {
					fake.KeepControl()
					asked.Add(1)
					if n.Add(1)%4 == 0 {
						return nil, nil, false
					}
					res := k.ResponseKind().(*kmsg.FetchResponse)
					res.ThrottleMillis = 45_000
					return res, nil, true
				})
				began := time.Now()
				if got := len(d.all(q)); got != 300 {
					w.t.Errorf("%d of 300 letters were read", got)
				}
				if took := time.Since(began); took < time.Minute || asked.Load() > int32(took/(40*time.Second))*6+12 {
					w.t.Errorf("it takes %v, and %d fetches", took, asked.Load())
				}
			})
		})
	}
}

// Brokers of Kafka's have quotas of their own.
func TestLettersAreWrittenAndReadUnderAQuotaOfKafkas(t *testing.T) {
	w := loopback(t, 3, nil)
	d := newDesk(w)
	q := &quota{key: -1}
	conn := q.on(connection(w.Broker))
	conn.ClientID = kafkatest.Name(t)
	w.Quota(t, conn.ClientID, 40_000)
	writer := newWriter(t, conn, slog.New(slog.NewTextHandler(&w.log, nil)))
	began := time.Now()
	for range 4 {
		write(t, writer, w.topic, letters(200, 1000)...)
	}
	t.Logf("written in %v", time.Since(began))
	if n := w.log.count("level=ERROR"); n > 0 || w.log.count("a quota of the brokers' has dead letters wait") != 1 {
		t.Errorf("it is said %d times that they cannot be written, and %d times that there is a quota", n, w.log.count("a quota of the brokers'"))
	}
	limited, err := store.Open(conn, d.topic)
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	began, n, dials := time.Now(), 0, q.dials.Load()
	for _, err := range limited.Letters(t.Context(), oldestFirst) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	t.Logf("read in %v, over %d connections", time.Since(began), q.dials.Load()-dials)
	if n != 800 || q.dials.Load()-dials > 10 {
		t.Errorf("%d of 800 letters are read, over %d connections", n, q.dials.Load()-dials)
	}
}
