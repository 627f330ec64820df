package consumer_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// through has a member connect through something.
func through(dial func(context.Context, string, string) (net.Conn, error)) func(*consumer.Config, *member) {
	return func(cfg *consumer.Config, _ *member) { cfg.Connection.Dial = dial }
}

func plain(cfg *consumer.Config, m *member) {
	var err error
	if cfg.Connection.SASL, err = consumer.SASL("plain", "ada", "correct-horse"); err != nil {
		m.w.t.Fatal(err)
	}
}

// flow has records come for a time, one each way of two partitions.
func (w *world) flow(records int, every time.Duration) {
	for n := range records {
		w.publish(int32(n%2), fmt.Sprint(n))
		time.Sleep(every)
	}
}

func TestAGenerationOutlivesTheSessionsOfItsConnections(t *testing.T) {
	for rule, test := range map[string]struct{ every, heartbeat time.Duration }{
		"while records come":                       {300 * time.Millisecond, 200 * time.Millisecond},
		"while hardly any comes":                   {7 * time.Second, 200 * time.Millisecond},
		"where there is nothing for many times":    {3 * time.Minute, 200 * time.Millisecond},
		"where nothing is said for long at a time": {3 * time.Minute, 9 * time.Second}, // kafka-go gives each answer 5 s
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				door := w.Doorman(20 * time.Second)
				seldom := func(cfg *consumer.Config, _ *member) {
					cfg.SessionTimeout, cfg.HeartbeatInterval = 30*time.Second, test.heartbeat
				}
				members := []*member{w.join(through(door.Dial), plain, seldom), w.join(through(door.Dial), plain, seldom)}
				w.until("both have a partition", func() bool { return members[0].serving() && members[1].serving() })
				began := [2]int{members[0].began(), members[1].began()}
				records := int(8 * time.Minute / test.every)
				w.flow(records, test.every)
				w.until("all are taken", func() bool { return len(members[0].records())+len(members[1].records()) == records })
				for i, m := range members {
					if n := m.began(); n != began[i] {
						w.t.Errorf("member %d has begun %d generations", i, n-began[i])
					}
					m.stop()
				}
				if repeats := w.repeats(); len(repeats) > 0 {
					w.t.Errorf("taken again: %v", repeats)
				}
				if n := w.log.count("level=WARN") + w.log.count("level=ERROR"); n > 0 {
					w.t.Errorf("%d troubles are said", n)
				}
				if let, ended := door.Sessions(); ended > 0 || let < 20 {
					w.t.Errorf("%d sessions, %d of them were overstayed", let, ended)
				}
			})
		})
	}
}

// franz-go sends the next request before the last is answered.
func TestAPipelinedConnectionOutlivesItsSession(t *testing.T) {
	virtual(t, 2, func(w *world) {
		door := w.Doorman(20 * time.Second)
		mechanism, err := consumer.SASL("plain", "ada", "correct-horse")
		if err != nil {
			w.t.Fatal(err)
		}
		conn := consumer.Connection{Brokers: w.Addrs(), Dial: door.Dial, SASL: mechanism}
		client, err := kgo.NewClient(kgo.SeedBrokers(consumer.Bootstrap), kgo.Dialer(conn.Opener()), kgo.DefaultProduceTopic(w.topic),
			kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5), kgo.MaxBufferedRecords(20), kgo.DisableClientMetrics(),
			kgo.RequestRetries(0), kgo.RecordRetries(0)) // so that an error is seen
		if err != nil {
			w.t.Fatal(err)
		}
		defer client.Close()
		failed := make(chan error, 1)
		for until := time.Now().Add(5 * time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			client.Produce(w.t.Context(), kgo.StringRecord("r"), func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
		if err := client.Flush(w.t.Context()); err != nil {
			w.t.Error(err)
		}
		select {
		case err := <-failed:
			w.t.Error(err)
		default:
		}
		if let, ended := door.Sessions(); ended > 0 || let < 15 {
			w.t.Errorf("%d sessions, %d of them were overstayed", let, ended)
		}
	})
}

// Firewalls forget idle connections, balancers end them, and brokers when they restart.
func TestConnectionsThatAreCutAreMadeAnewInSilence(t *testing.T) {
	virtual(t, 2, func(w *world) {
		proxy := w.Proxy()
		m := w.join(through(proxy.Dial))
		w.until("it is in", m.serving)
		for n := range 40 {
			w.publish(int32(n%2), fmt.Sprint(n))
			time.Sleep(10*time.Second + time.Duration(n)*17*time.Millisecond) // amid whatever goes on
			proxy.Cut()
		}
		w.untilTaken(m, 40)
		if n := m.began(); n != 1 {
			w.t.Errorf("%d generations", n)
		}
		m.stop()
		if repeats := w.repeats(); len(repeats) > 0 {
			w.t.Errorf("taken again: %v", repeats)
		}
		if w.log.count("level=WARN")+w.log.count("level=ERROR") > 0 {
			w.t.Error("trouble is said")
		}
	})
}

// Its partitions have other leaders before anybody need know.
func TestABrokerThatRestartsIsSaidOnlyIfItLasts(t *testing.T) {
	for rule, test := range map[string]struct {
		gone time.Duration
		said bool
	}{
		"it is back soon": {3 * time.Second, false},
		"it lasts":        {20 * time.Second, true},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				fake, proxy := w.RequireKfake(w.t), w.Proxy()
				leader := (fake.CoordinatorFor(w.group) + 1) % 3
				w.ledBy(leader, 0)
				var gone atomic.Bool
				m := w.join(through(func(ctx context.Context, network, address string) (net.Conn, error) {
					if address != w.Addrs()[leader] {
						return w.Dial(ctx, network, address)
					}
					if gone.Load() {
						return nil, syscall.ECONNREFUSED
					}
					return proxy.Dial(ctx, network, address)
				}))
				w.publish(0, "a")
				w.untilTaken(m, 1)
				gone.Store(true)
				proxy.Cut()
				time.Sleep(test.gone)
				gone.Store(false)
				w.publish(0, "b")
				w.untilTaken(m, 2)
				time.Sleep(time.Minute)
				if said, again := w.log.count("partition cannot be fetched") > 0, w.log.count("partition is fetched again") > 0; said != test.said || again != test.said {
					w.t.Errorf("trouble is said: %v, and that it is over: %v", said, again)
				}
			})
		})
	}
}

// What a broker does not answer at all is its own fault, or that of what it was sent.
func TestARequestIsSentAgainOnce(t *testing.T) {
	virtual(t, 2, func(w *world) {
		m := w.join()
		w.until("it is in", m.serving)
		var sent []time.Time
		w.RequireKfake(w.t).ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
			w.RequireKfake(w.t).KeepControl()
			w.mu.Lock()
			defer w.mu.Unlock()
			sent = append(sent, time.Now())
			return nil, fmt.Errorf("hang up"), true
		})
		w.publish(0, "a")
		w.until("it is said", func() bool { return w.log.count("offsets cannot be committed") > 0 })
		w.mu.Lock()
		defer w.mu.Unlock()
		times := map[time.Time]int{}
		for _, at := range sent {
			times[at]++
		}
		for at, n := range times {
			if n != 2 {
				w.t.Errorf("at %v it is sent %d times", at, n)
			}
		}
	})
}

func TestASessionThatCannotBeRenewedServesToItsEnd(t *testing.T) {
	virtual(t, 1, func(w *world) {
		door := w.Doorman(20 * time.Second)
		barred := time.Time{}
		mechanism, err := consumer.SASL("plain", "ada", "correct-horse")
		if err != nil {
			w.t.Fatal(err)
		}
		conn := consumer.Connection{Brokers: w.Addrs(), SASL: mechanism, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if time.Now().Before(barred) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("barred")}
			}
			return door.Dial(ctx, network, address)
		}}
		c, err := conn.Opener()(w.t.Context(), "tcp", w.Addrs()[0])
		if err != nil {
			w.t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		barred = began.Add(18500 * time.Millisecond)
		for time.Since(began) < 2*time.Minute {
			if err := ask(c); err != nil {
				w.t.Fatalf("after %v: %v", time.Since(began), err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		barred = time.Now().Add(time.Hour)
		for time.Since(began) < 3*time.Minute && err == nil {
			err = ask(c)
			time.Sleep(300 * time.Millisecond)
		}
		if _, ended := door.Sessions(); err == nil || ended > 0 {
			w.t.Errorf("a session that is over: %v, overstayed %d", err, ended)
		}
	})
}

// ask asks over a connection which versions the broker speaks.
func ask(c net.Conn) error {
	format := kmsg.NewRequestFormatter()
	if _, err := c.Write(format.AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 0)); err != nil {
		return err
	}
	head := make([]byte, 4)
	if _, err := c.Read(head); err != nil {
		return err
	}
	rest := int(head[2])<<8 | int(head[3])
	for b := make([]byte, rest); rest > 0; {
		n, err := c.Read(b[:min(rest, 100)])
		if err != nil {
			return err
		}
		rest -= n
	}
	return nil
}

// The sessions by SCRAM-SHA-256 at the real brokers last 20 s.
func TestAGenerationOutlivesTheSessionsOfKafkas(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("needs real brokers, in " + kafkatest.BrokersVariable + ": the fake one ends no session")
	}
	w := loopback(t, 4)
	secure := kafkatest.StartSecure(t)
	config, err := consumer.TLSFiles{CA: secure.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	mechanism, err := consumer.SASL("scram-sha-256", secure.Username, secure.Password)
	if err != nil {
		t.Fatal(err)
	}
	in := func(cfg *consumer.Config, _ *member) {
		cfg.Connection = consumer.Connection{Brokers: secure.SASLAddrs, TLS: config, SASL: mechanism}
	}
	members := []*member{w.join(in), w.join(in)}
	w.until("both have a partition", func() bool { return members[0].serving() && members[1].serving() })
	began := [2]int{members[0].began(), members[1].began()}
	const records = 250
	for n := range records {
		w.publish(int32(n%4), fmt.Sprint(n))
		time.Sleep(200 * time.Millisecond)
	}
	w.until("all are taken", func() bool { return len(members[0].records())+len(members[1].records()) >= records })
	for i, m := range members {
		if n := m.began(); n != began[i] {
			t.Errorf("member %d has begun %d generations more", i, n-began[i])
		}
		m.stop()
	}
	if repeats := w.repeats(); len(repeats) > 0 {
		t.Errorf("taken again: %v", repeats)
	}
	if w.log.count("level=WARN")+w.log.count("level=ERROR") > 0 {
		t.Error("trouble is said")
	}
}
