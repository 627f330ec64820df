package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestABrokerThatHasNotHeardOfATopicIsAskedAgain(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.UnknownTopicOrPartition} {
		t.Run(code.Message, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(5, 50)...)
				d.resolveSome(d.resolver("run"))
				fault := d.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: code, Count: 5})
				begin := time.Now()
				if left := d.all(oldestFirst); len(left) != 2 {
					w.t.Errorf("%d letters are pending", len(left))
				}
				if n := fault.Hits(); n != 5 || time.Since(begin) > 5*time.Second {
					w.t.Errorf("after %d errors, in %v", n, time.Since(begin))
				}
			})
		})
	}
}

// Brokers hear of a topic that was just made one after the other, and any of them may be asked.
func TestATopicIsThereIfOneBrokerHasHeardOfIt(t *testing.T) {
	for _, knowing := range []int32{0, 1, 2} {
		t.Run(fmt.Sprint("broker ", knowing), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(5, 50)...)
				d.resolveSome(d.resolver("run"))
				for _, topic := range []string{d.topic, deadletter.ResolutionTopic(d.topic)} {
					for range 10 { // who is asked is a matter of chance
						fault := d.RequireKfake(w.t).Fault(kfake.Fault{
							Keys: []kmsg.Key{kmsg.Metadata}, Topic: topic, Err: kerr.UnknownTopicOrPartition, Count: -1,
							Nodes: slices.DeleteFunc([]int32{0, 1, 2}, func(n int32) bool { return n == knowing }),
						})
						time.AfterFunc(time.Second, fault.Remove)
						if left := d.all(oldestFirst); len(left) != 2 {
							w.t.Errorf("%s: %d letters are pending", topic, len(left))
						}
						time.Sleep(time.Second)
					}
				}
			})
		})
	}
}

func TestATopicThatNoBrokerThatAnswersHasHeardOfIsNone(t *testing.T) {
	for rule, dial := range map[string]func(context.Context) error{
		"and one hangs":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"and one is gone": func(context.Context) error { return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} },
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				conn := connection(w.Broker)
				conn.Brokers = w.Addrs()[:2]
				conn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if address == w.Addrs()[2] {
						return nil, dial(ctx)
					}
					return w.Dial(ctx, network, address)
				}
				store, err := store.Open(conn, "none")
				if err != nil {
					w.t.Fatal(err)
				}
				defer store.Close()
				shortest := time.Hour
				for range 20 { // who is asked first is a matter of chance, and that one is waited for
					began := time.Now()
					for _, err := range store.Letters(w.t.Context(), oldestFirst) {
						if !errors.Is(err, topic.ErrNoTopic) && !errors.Is(err, context.DeadlineExceeded) {
							w.t.Errorf("error %v", err)
						}
					}
					shortest = min(shortest, time.Since(began))
				}
				if shortest > 3*time.Second {
					w.t.Errorf("it took %s", shortest)
				}
			})
		})
	}
}
