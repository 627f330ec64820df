package consumer_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// apart is a world of six partitions, some of which are led by a broker that can be cut off by itself, and some not. The
// group's coordinator is another.
type apart struct {
	*world
	proxy  *kafkatest.Proxy
	gone   func()       // refuses connections too
	dials  atomic.Int64 // of connections to it
	cut    []int        // the partitions that it leads
	rest   []int
	option func(*consumer.Config, *member)
}

func newApart(w *world) *apart {
	fake := w.RequireKfake(w.t)
	coordinator, broker := fake.CoordinatorFor(w.group), int32(1) // the first that is named has to let it join
	if coordinator == broker {
		broker = 2
	}
	a := &apart{world: w, proxy: w.Proxy()}
	for p, leader := range []int32{broker, coordinator, broker, 3 - broker - coordinator, broker, 0} {
		if leader == broker {
			a.cut = append(a.cut, p)
		} else {
			a.rest = append(a.rest, p)
		}
		if err := fake.MoveTopicPartition(w.topic, int32(p), leader); err != nil {
			w.t.Fatal(err)
		}
	}
	address := w.Addrs()[broker]
	var refuses atomic.Bool
	a.gone = func() { refuses.Store(true) }
	a.option = func(cfg *consumer.Config, _ *member) {
		cfg.Connection.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			switch {
			case addr != address:
				return w.Dial(ctx, network, addr)
			case a.dials.Add(1) > 0 && refuses.Load():
				return nil, errors.New("connection refused")
			}
			return a.proxy.Dial(ctx, network, addr)
		}
	}
	return a
}

func TestABrokerThatIsGoneLeavesTheLagOfTheOthersRight(t *testing.T) {
	for rule, test := range map[string]struct {
		gone  func(a *apart)
		dials int64
	}{
		"it does not answer": {func(*apart) {}, 40},
		"it is not there":    {func(a *apart) { a.gone() }, 200},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 6, func(w *world) {
				a := newApart(w)
				full, goOn := stuck()
				m := w.join(full, a.option)
				defer goOn()
				for p := range int32(6) {
					w.publish(p, batch("", 10)...)
				}
				w.untilTaken(m, 60)
				a.proxy.Stall()
				test.gone(a)
				before := a.dials.Load()
				for n := int64(1); n <= 30; n++ {
					for p := range int32(6) {
						w.publish(p, "more")
					}
					time.Sleep(known)
					for _, p := range a.rest {
						expectLag(m, p, 0, 10+n, 10+n)
					}
					for _, p := range a.cut {
						expectLag(m, p, 0, 10, 10)
					}
				}
				if n := w.log.count("where logs end cannot be found out"); n < 3 || n > 7 {
					w.t.Errorf("said %d times in five minutes", n)
				}
				if n := a.dials.Load() - before; n > test.dials {
					w.t.Errorf("%d times it was connected to in five minutes", n)
				}
			})
		})
	}
}

func TestTheLagIsKnownAgainWhenABrokerIsBack(t *testing.T) {
	virtual(t, 6, func(w *world) {
		a := newApart(w)
		full, goOn := stuck()
		m := w.join(full, a.option)
		defer goOn()
		for p := range int32(6) {
			w.publish(p, batch("", 10)...)
		}
		w.untilTaken(m, 60)
		a.proxy.Stall()
		time.Sleep(time.Minute)
		for p := range int32(6) {
			w.publish(p, "more")
		}
		a.proxy.Flow()
		time.Sleep(known)
		for p := range 6 {
			expectLag(m, p, 0, 11, 11)
		}
		time.Sleep(time.Minute)
		if n := w.log.count("where logs end is known again"); n != 1 {
			w.t.Errorf("said %d times that it is known again", n)
		}
	})
}

// It has never been heard where these logs end: 0 would be a lie.
func TestThereIsNoLagWhereNoEndIsKnown(t *testing.T) {
	virtual(t, 6, func(w *world) {
		a := newApart(w)
		first := w.join()
		for p := range int32(6) {
			w.publish(p, batch("", 10)...)
		}
		w.untilCommitted(map[int32]int64{0: 10, 1: 10, 2: 10, 3: 10, 4: 10, 5: 10})
		first.stop()
		for p := range int32(6) {
			w.publish(p, batch("", 10)...)
		}
		a.proxy.Stall()
		reader := metric.NewManualReader()
		second := w.join(a.option, measured(reader), holdAll)
		w.untilTaken(second, 30)
		time.Sleep(known)
		for _, p := range a.rest {
			expectLag(second, p, 10, 20, 10)
		}
		for _, p := range a.cut {
			expectLag(second, p, 10, -1, -1)
		}
		lines := metricOf(w, reader, "lag")
		if len(lines) != len(a.rest) {
			w.t.Errorf("metrics %v", lines)
		}
		a.proxy.Flow()
		w.untilTaken(second, 60)
		for p := range 6 {
			expectLag(second, p, 10, 20, 10)
		}
	})
}

func TestTheLagFollowsALeaderThatMoves(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("", 10)...)
		full, goOn := stuck()
		m := w.join(full)
		defer goOn()
		w.untilTaken(m, 10)
		for i := range int64(6) {
			if err := w.RequireKfake(w.t).MoveTopicPartition(w.topic, 0, int32(i%3)); err != nil {
				w.t.Fatal(err)
			}
			w.publish(0, "more")
			time.Sleep(2 * known) // the client may hear of it seconds later
			expectLag(m, 0, 0, 11+i, 11+i)
		}
	})
}
