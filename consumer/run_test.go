package consumer_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestRunEndsWithItsContext(t *testing.T) {
	for rule, test := range map[string]struct {
		prepare func(w *world) *member
		within  time.Duration
	}{
		"while it serves": {func(w *world) *member {
			m := w.join()
			w.until("joined", m.Joined)
			return m
		}, time.Second},
		"before it has begun": {func(w *world) *member { return w.join() }, time.Second},
		"while no broker can be reached": {func(w *world) *member {
			w.Sever()
			m := w.join()
			time.Sleep(time.Minute)
			return m
		}, time.Second},
		"while the broker swallows everything": {func(w *world) *member {
			m := w.join(func(cfg *consumer.Config, _ *member) {
				cfg.Connection.Dial = func(context.Context, string, string) (net.Conn, error) {
					silent, _ := net.Pipe()
					return silent, nil
				}
			})
			time.Sleep(time.Minute)
			return m
		}, 21 * time.Second},
		"while a connection takes forever to open": {func(w *world) *member {
			m := w.join(func(cfg *consumer.Config, _ *member) {
				cfg.Connection.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
			})
			time.Sleep(time.Minute)
			return m
		}, 21 * time.Second},
		"while it waits for another to drain": {func(w *world) *member {
			drains := make(chan struct{})
			other := w.join(func(_ *consumer.Config, m *member) {
				m.drain = sync.OnceFunc(func() {
					close(drains)
					time.Sleep(19 * time.Second)
				})
			})
			w.until("the other has joined", other.Joined)
			m := w.join()
			<-drains
			return m
		}, 20 * time.Second},
		"while it waits for another that never ends to drain": {func(w *world) *member {
			drains := make(chan struct{})
			other := w.join(func(_ *consumer.Config, m *member) {
				m.drain = sync.OnceFunc(func() {
					close(drains)
					time.Sleep(time.Minute)
				})
			})
			w.until("the other has joined", other.Joined)
			m := w.join()
			<-drains
			return m
		}, 21 * time.Second},
		"while the committed offsets cannot be fetched": {func(w *world) *member {
			w.RequireKfake(w.t).Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: -1,
				When: func(r kmsg.Request) bool { return r.GetVersion() > 1 }, // kafka-go's group asks in version 1
			})
			m := w.join()
			w.until("it waits", func() bool { return w.log.count("waiting for the committed offsets") == 1 })
			if m.Joined() {
				w.t.Error("it counts as joined")
			}
			return m
		}, time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := test.prepare(w)
				begin := time.Now()
				m.stop()
				if took := time.Since(begin); took > test.within {
					w.t.Errorf("it took %v", took)
				}
				if m.Joined() || m.Lag() != nil {
					w.t.Error("it counts as joined still")
				}
			})
		})
	}
}

func TestRunSaysWhenTheBrokerDoesNotAllowItsSessionTimeout(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.GroupMinSessionTimeout(time.Minute))
	c, err := consumer.New(consumer.Config{
		Connection: consumer.Connection{Brokers: b.Addrs()}, Group: kafkatest.Name(t), Topics: []string{b.Topic(t, 1)},
		SessionTimeout: 7 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Run(t.Context(), nil); !errors.Is(err, kafka.InvalidSessionTimeout) || !strings.Contains(err.Error(), "session timeout 7s") {
		t.Errorf("got error %v", err)
	}
}

func TestBrokersThatWouldCreateEachTopicAskedForAreNotAsked(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.until("it is said", func() bool { return w.log.count("brokers of Kafka 2.0 or newer are needed") > 0 })
		if m.began() > 0 {
			w.t.Error("a generation has begun")
		}
	}, kfake.MaxVersions(kversion.V1_1_0()))
}
