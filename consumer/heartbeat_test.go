package consumer_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// A drain of 50 s, with a session timeout of 15 s: without heartbeats, at the right broker, the member is given up.
func TestAMemberThatDrainsIsNotGivenUp(t *testing.T) {
	for rule, test := range map[string]struct {
		meanwhile func(w *world, fake *kfake.Cluster)
		said      int // that heartbeats fail
		moves     bool
	}{
		"in a quiet cluster": {func(*world, *kfake.Cluster) {}, 0, false},
		"when the coordinator moves": {func(_ *world, fake *kfake.Cluster) {
			for range 5 {
				time.Sleep(7 * time.Second)
				fake.RehashCoordinators()
			}
		}, 0, true},
		"when the new coordinator has still to load the group": {func(_ *world, fake *kfake.Cluster) {
			loading := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
			time.Sleep(12 * time.Second)
			loading.Remove()
		}, 1, false},
		"when it is not known for a while who coordinates": {func(_ *world, fake *kfake.Cluster) {
			away := fake.Fault(
				kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: -1},
				kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.NotCoordinator, Count: -1},
			)
			time.Sleep(12 * time.Second)
			away.Remove()
		}, 1, false},
		"when connections break": {func(w *world, _ *kfake.Cluster) {
			for range 3 {
				w.Sever()
				time.Sleep(6 * time.Second)
				w.Restore()
				time.Sleep(6 * time.Second)
			}
		}, 3, false},
	} {
		for i := range 4 { // which broker coordinates, and which is at hand, is a matter of chance
			t.Run(fmt.Sprint(rule, " ", i), func(t *testing.T) {
				virtual(t, 2, func(w *world) {
					fake := w.RequireKfake(w.t)
					var mu sync.Mutex
					seen := map[int32]int{} // heartbeats by broker
					fake.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
						fake.KeepControl()
						mu.Lock()
						defer mu.Unlock()
						seen[fake.CurrentNode()]++
						return nil, nil, false
					})
					with := func(cfg *consumer.Config, _ *member) {
						cfg.DrainTimeout = time.Minute
						cfg.SessionTimeout, cfg.HeartbeatInterval = 15*time.Second, 3*time.Second
						cfg.CommitInterval = time.Hour // commits keep a member alive too
					}
					var begun time.Time // the drain
					w.publish(0, "a")
					w.publish(1, "b")
					first := w.join(holdAll, with, func(_ *consumer.Config, m *member) {
						m.drain = func() {
							test.meanwhile(w, fake)
							time.Sleep(50*time.Second - time.Since(begun))
							m.settleAll()
						}
					})
					w.untilTaken(first, 2)
					begun = time.Now()
					first.stop()
					w.untilCommitted(map[int32]int64{0: 1, 1: 1})
					if n := w.log.count("has given this member up"); n > 0 {
						w.t.Error("the group has given it up")
					}
					if n := w.log.count("heartbeats fail while this member drains"); n != test.said {
						w.t.Errorf("that they fail is said %d times, want %d", n, test.said)
					}
					coordinator := fake.CoordinatorFor(w.group)
					mu.Lock()
					defer mu.Unlock()
					for node, n := range seen {
						if node != coordinator && !test.moves {
							w.t.Errorf("%d heartbeats went to broker %d, and broker %d coordinates", n, node, coordinator)
						}
					}
				})
			})
		}
	}
}

// mortal is a network that one member has for itself.
type mortal struct {
	w     *world
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (n *mortal) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.w.Dial(ctx, network, address)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return nil, errors.New("unplugged")
	}
	if err == nil {
		n.conns = append(n.conns, conn)
	}
	return conn, err
}

func (n *mortal) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
	for _, conn := range n.conns {
		_ = conn.Close()
	}
}

func TestAPlannedChangeIsHeardOfWithinASecondAndACrashAfterTheSessionTimeout(t *testing.T) {
	for _, session := range []time.Duration{0, 6 * time.Second, time.Minute} {
		want := cmp.Or(session, 10*time.Second)
		t.Run(want.String(), func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				with := func(cfg *consumer.Config, _ *member) { cfg.HeartbeatInterval, cfg.SessionTimeout = 0, session }
				cable := &mortal{w: w}
				first := w.join(with, func(cfg *consumer.Config, _ *member) { cfg.Connection.Dial = cable.dial })
				w.until("the first has both", func() bool { return len(first.partitions()) == 2 })
				time.Sleep(want)
				began := time.Now()
				second := w.join(with)
				w.until("each has one", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
				if took := time.Since(began); took > want/10+500*time.Millisecond {
					w.t.Errorf("a planned change took %v", took)
				}
				time.Sleep(want)
				began = time.Now()
				cable.kill()
				w.until("the second has both", func() bool { return len(second.partitions()) == 2 })
				if took := time.Since(began); took < want*8/10 || took > want*12/10+time.Second {
					w.t.Errorf("a crash was noticed after %v", took)
				}
			})
		})
	}
}
