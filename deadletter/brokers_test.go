package deadletter_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestATopicThatIsMissingOrForbiddenIsNamed(t *testing.T) {
	b := kafkatest.Start(t)
	s, err := store.Open(connection(b), "missing")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	get := func() error {
		for _, err := range s.Letters(t.Context(), deadletter.Query{}) {
			return err
		}
		return nil
	}
	if err := get(); !errors.Is(err, topic.ErrNoTopic) || err.Error() != "topic missing: there is no such topic" {
		t.Errorf("error %v", err)
	}
	if _, err := s.Get(t.Context(), deadletter.Name{Topic: "missing"}); !errors.Is(err, topic.ErrNoTopic) {
		t.Errorf("error %v", err)
	}
	fake := b.RequireKfake(t)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "missing", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if err := get(); !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), "describe topic missing: ") {
		t.Errorf("error %v", err)
	}
}

func TestABrokerThatIsGoneForAWhileIsWaitedForInTheMiddle(t *testing.T) {
	for outage, wait := range map[time.Duration]bool{20 * time.Second: true, time.Hour: false} {
		t.Run(outage.String(), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(400, 10_000)...)
				n := 0
				var failure error
				begin := time.Now()
				for _, err := range d.Letters(w.t.Context(), oldestFirst) {
					if failure = err; err == nil {
						n++
					}
					if n == 1 {
						d.Sever()
						time.AfterFunc(outage, d.Restore)
					}
				}
				if wait && (n != 400 || failure != nil) {
					w.t.Errorf("%d are read, error %v", n, failure)
				}
				if !wait && (failure == nil || time.Since(begin) > time.Minute) {
					w.t.Errorf("after %v: error %v", time.Since(begin), failure)
				}
				d.Restore()
			})
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		d := newDesk(w)
		d.write(letters(400, 10_000)...)
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		var failure error
		for _, err := range d.Letters(ctx, oldestFirst) {
			failure = err
			d.Sever()
		}
		if !errors.Is(failure, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
			w.t.Errorf("after %v: error %v", time.Since(begin), failure)
		}
	})
}

func TestLettersAreReadOverTLSAndSASL(t *testing.T) {
	t.Parallel()
	secure := kafkatest.StartSecure(t)
	mutual, err := consumer.TLSFiles{CA: secure.CAFile, Cert: secure.CertFile, Key: secure.KeyFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	oneSided, err := consumer.TLSFiles{CA: secure.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	conns := map[string]consumer.Connection{"mutual TLS": {Brokers: secure.TLSAddrs, TLS: mutual}}
	for _, name := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		mechanism, err := consumer.SASL(name, secure.Username, secure.Password)
		if err != nil {
			t.Fatal(err)
		}
		conns[name] = consumer.Connection{Brokers: secure.SASLAddrs, TLS: oneSided, SASL: mechanism}
	}
	for rule, conn := range conns {
		t.Run(rule, func(t *testing.T) {
			letters := kafkatest.Name(t)
			client, err := topic.NewClient(conn)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for _, name := range []string{letters, letters + ".resolutions", letters + ".replay"} {
				if _, err := topic.Ensure(t.Context(), client, name, ""); err != nil {
					t.Fatal(err)
				}
			}
			writer := newWriter(t, conn, discard)
			write(t, writer, letters, letter("key", "value"))
			s, err := store.Open(conn, letters)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r, err := resolve.New(t.Context(), s, resolve.Run{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for e, err := range s.Letters(t.Context(), deadletter.Query{}) {
				if err != nil {
					t.Fatal(err)
				}
				if done, err := r.Replay(t.Context(), resolve.Replay{Entry: e, Topic: letters + ".replay"}); err != nil || len(done.Resolved) != 1 {
					t.Errorf("%s, error %v", summary(done), err)
				}
			}
		})
	}
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		return // the fake one just hangs up on a wrong password, which is tried again for a while
	}
	wrong, err := consumer.SASL("plain", secure.Username, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(consumer.Connection{Brokers: secure.SASLAddrs, TLS: oneSided, SASL: wrong}, "any")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err = s.Get(t.Context(), deadletter.Name{Topic: "any"}); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a wrong password: error %v", err)
	}
}

func TestLettersAreReadOnceBrokersKnowWhoLeadsTheirTopic(t *testing.T) {
	for rule, fault := range map[string]kfake.Fault{
		"the leader has not heard of it": {Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownTopicOrPartition},
		"there is no leader yet":         {Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable},
	} {
		t.Run(rule, func(t *testing.T) {
			kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
				fault.Topic, fault.Count = b.Topic(t, 2), -1
				b.Produce(t, kafkatest.Record{Topic: fault.Topic, Value: []byte("{}")})
				time.AfterFunc(3*time.Second, b.RequireKfake(t).Fault(fault).Remove)
				store, err := store.Open(connection(b), fault.Topic)
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				found, err := read(t.Context(), store, deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}})
				if len(found) != 1 || err != nil {
					t.Errorf("%d found, error %v", len(found), err)
				}
			})
		})
	}
}
