package consumer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// bad are addresses at which there is no broker, each in a way of its own.
var bad = map[string]func(context.Context) (net.Conn, error){
	"swallows.example:9092": func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
	"mute.example:9092": func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }() // until ours is closed
		return ours, nil
	},
	"deaf.example:9092": func(context.Context) (net.Conn, error) {
		ours, _ := net.Pipe()
		return ours, nil
	},
	"refuses.example:9092": func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	},
	"unknown.example:9092": func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "unknown.example", IsNotFound: true}}
	},
	"hangsup.example:9092": func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _, _ = theirs.Read(make([]byte, 1)); theirs.Close() }()
		return ours, nil
	},
}

// isSilent tells which of them can be told to be bad by waiting alone.
func isSilent(address string) bool {
	return slices.Contains([]string{"swallows.example:9092", "mute.example:9092", "deaf.example:9092"}, address)
}

// amid reaches the brokers of the cluster, and those that are none.
func amid(b *kafkatest.Broker, addresses ...string) consumer.Connection {
	return consumer.Connection{Brokers: addresses, ClientID: "test", Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if open, is := bad[address]; is {
			return open(ctx)
		}
		return b.Dial(ctx, network, address)
	}}
}

// warnings are the addresses of which a client has been warned.
type warnings struct {
	mu  sync.Mutex
	all []string
}

func (w *warnings) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if open := new(consumer.OpenError); errors.As(err, &open) && errors.Is(err, consumer.ErrSilent) {
		w.all = append(w.all, open.Address)
	}
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Sorted(slices.Values(w.all))
	w.all = nil
	return all
}

func TestOneAddressThatAnswersIsEnoughWhereverItStands(t *testing.T) {
	for address := range bad {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				var said warnings
				for try := range 10 { // in any order
					conn := amid(b, address, b.Addrs()[0])
					conn.Warn = said.warn
					open := conn.Opener()
					for again := range 3 {
						began := time.Now()
						opened, err := open(t.Context(), "tcp", consumer.Bootstrap)
						if err != nil {
							t.Fatal(err)
						}
						opened.Close()
						took := time.Since(began)
						if took > time.Second || took > 0 && (again > 0 || !isSilent(address)) {
							t.Errorf("try %d, connection %d took %v", try, again, took)
						}
						if want := took > 0; (len(said.take()) == 1) != want {
							t.Errorf("try %d, connection %d: warned is %v", try, again, !want)
						}
					}
				}
			})
		})
	}
}

func TestOfManyAddressesAllButOneMayBeBad(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		var said warnings
		conn := amid(b, "mute.example:9092", "swallows.example:9092", "refuses.example:9092", "deaf.example:9092", "hangsup.example:9092", b.Addrs()[0])
		conn.Warn = said.warn
		open := conn.Opener()
		for range 100 {
			began := time.Now()
			opened, err := open(t.Context(), "tcp", consumer.Bootstrap)
			if err != nil || time.Since(began) > 4*time.Second {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			opened.Close()
			synctest.Wait()
		}
		if all := said.take(); len(all) > 3 {
			t.Errorf("warned of %v", all)
		}
	})
}

func TestWhereNoAddressAnswersEachIsNamedWithWhy(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		conn := amid(b, "mute.example:9092", "swallows.example:9092", "refuses.example:9092", "unknown.example:9092", "hangsup.example:9092")
		conn.Warn = func(err error) { t.Errorf("warned: %v", err) } // none is better
		began := time.Now()
		_, err := conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		failed := new(consumer.OpenError)
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		why := map[string]error{failed.Address: failed.Err}
		for _, other := range failed.Others {
			why[other.Address] = other.Err
		}
		for address, want := range map[string]error{
			"mute.example:9092": consumer.ErrSilent, "swallows.example:9092": context.DeadlineExceeded,
			"refuses.example:9092": syscall.ECONNREFUSED, "hangsup.example:9092": consumer.ErrHungUp,
		} {
			if !errors.Is(why[address], want) {
				t.Errorf("%s: %v", address, why[address])
			}
		}
		if len(why) != len(conn.Brokers) {
			t.Errorf("named: %v", why)
		}
	})
}

// A way that is slow is slow to all of them: who was first is not silent, and is not given up.
func TestAnAddressThatIsSlowToAnswerIsTaken(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		conn := amid(b, b.Addrs()[0], b.Addrs()[1])
		dial := conn.Dial
		conn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-time.After(2500 * time.Millisecond):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
		began := time.Now()
		opened, err := conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
		if err != nil || time.Since(began) != 2500*time.Millisecond {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		opened.Close()
	})
}

// Each time that a broker does not answer in time it is given more, as its way may be a long one.
func TestABrokerFarAwayIsReachedInTheEnd(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		conn := amid(b, b.Addrs()[0])
		dial := conn.Dial
		conn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-time.After(8 * time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
		open := conn.Opener()
		var errs []error
		for range 3 {
			opened, err := open(t.Context(), "tcp", b.Addrs()[0])
			errs = append(errs, err)
			if err == nil {
				opened.Close()
			}
		}
		if errs[0] == nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("%v", errs)
		}
	})
}

func TestEachClientFindsTheBrokerBesideABlackHole(t *testing.T) {
	for _, address := range []string{"mute.example:9092", "swallows.example:9092"} {
		t.Run(address, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				conn := amid(w.Broker, address, w.Addrs()[0])
				var said warnings
				conn.Warn = said.warn
				began := time.Now()
				m := w.join(func(cfg *consumer.Config, _ *member) { cfg.Connection = conn }) // the group and a client
				w.publish(0, "a", "b")
				w.untilTaken(m, 2)
				w.untilCommitted(map[int32]int64{0: 2})
				if took := time.Since(began); took > 5*time.Second {
					w.t.Errorf("taken and committed after %v", took)
				}
				client := conn.Client()
				defer consumer.CloseClient(client)
				began = time.Now()
				if _, err := client.Metadata(w.t.Context(), &kafka.MetadataRequest{}); err != nil || time.Since(began) > 5*time.Second {
					w.t.Errorf("after %v: %v", time.Since(began), err)
				}
				m.stop()
				for _, warned := range said.take() {
					if warned != address {
						w.t.Errorf("warned of %s", warned)
					}
				}
				if w.log.count("level=WARN") > 0 {
					w.t.Error("something is wrong")
				}
			})
		})
	}
}

// While brokers are told one after the other whom to let in, some do and some do not.
func TestABrokerThatRefusesUsHidesNoneThatDoesNotAndIsHeardOfElse(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		mechanism, err := consumer.SASL("plain", "ada", "correct-horse")
		if err != nil {
			t.Fatal(err)
		}
		const lets, refuses = "lets.example:9092", "refuses-us.example:9092"
		door := b.Doorman(time.Hour)
		for range 10 { // in any order
			for rule, test := range map[string]struct {
				other string
				want  error
			}{
				"one that does": {lets, nil},
				"a silent one":  {"mute.example:9092", kerr.IllegalSaslState},
			} {
				conn := amid(b, refuses, test.other)
				conn.SASL = mechanism
				dial := conn.Dial
				conn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					switch address {
					case lets:
						return door.Dial(ctx, network, b.Addrs()[0])
					case refuses:
						return refusing(), nil
					}
					return dial(ctx, network, address)
				}
				opened, err := conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
				if !errors.Is(err, test.want) {
					t.Errorf("%s: %v", rule, err)
				}
				if err == nil {
					opened.Close()
				}
			}
		}
	})
}

// refusing is a connection to a broker that takes no SASL.
func refusing() net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for _, answer := range []string{speaksNothing, "\x00\x00\x00\x0a" + "\x00\x00\x00\x00" + "\x00\x22" + "\x00\x00\x00\x00"} {
			if _, err := theirs.Read(make([]byte, 1<<10)); err != nil {
				return
			}
			if _, err := theirs.Write([]byte(answer)); err != nil {
				return
			}
		}
	}()
	return ours
}
