package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer"
)

// traffic is what goes between a member and its brokers.
type traffic struct{ fetches, ends, open atomic.Int32 }

// watched has a member wait for records as it does unless told otherwise, and counts its traffic.
func (w *world) watched() (*traffic, func(*consumer.Config, *member)) {
	n := new(traffic)
	fake := w.RequireKfake(w.t)
	fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		n.fetches.Add(1)
		return nil, nil, false
	})
	fake.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		n.ends.Add(1)
		return nil, nil, false
	})
	return n, func(cfg *consumer.Config, _ *member) {
		cfg.FetchWait = 500 * time.Millisecond
		dial := cfg.Connection.Dial
		cfg.Connection.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil {
				n.open.Add(1)
				conn = &counted{Conn: conn, closed: sync.OnceFunc(func() { n.open.Add(-1) })}
			}
			return conn, err
		}
	}
}

// ledBy has a broker lead partitions.
func (w *world) ledBy(broker int32, partitions ...int32) {
	w.t.Helper()
	for _, p := range partitions {
		if err := w.RequireKfake(w.t).MoveTopicPartition(w.topic, p, broker); err != nil {
			w.t.Fatal(err)
		}
	}
}

func upTo(n int32) (all []int32) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func TestPartitionsOfABrokerAreAskedForTogether(t *testing.T) {
	for rule, opts := range map[string][]kfake.Opt{
		"by the topic's id":   nil,
		"by the topic's name": {kfake.MaxVersions(kversion.V2_7_0())},
	} {
		t.Run(rule, func(t *testing.T) {
			const partitions, groups = 70, 1
			virtual(t, partitions, func(w *world) {
				w.ledBy(0, upTo(partitions)...)
				n, watch := w.watched()
				m := w.join(watch, func(_ *consumer.Config, m *member) {
					m.held = func(consumer.Record) bool {
						time.Sleep(10 * time.Millisecond)
						return false
					}
				})
				w.until("joined", m.serving)
				time.Sleep(time.Minute) // connections of the beginning are closed
				before, ends := n.fetches.Load(), n.ends.Load()
				time.Sleep(time.Minute)
				if n := n.ends.Load() - ends; n > 0 {
					w.t.Errorf("where the logs end is asked for %d times", n)
				}
				if n := n.fetches.Load() - before; n > 2*60*groups+groups {
					w.t.Errorf("%d requests in a minute", n)
				}
				if n := n.open.Load(); n > groups+4 {
					w.t.Errorf("%d connections", n)
				}
				// A record leads to some requests more until they are together again.
				before = n.fetches.Load()
				for i := range 60 {
					w.publish(int32(i%partitions), "v")
					time.Sleep(time.Second)
				}
				w.untilTaken(m, 60)
				if n := n.fetches.Load() - before; n > 2*60*groups+60*16 {
					w.t.Errorf("%d requests in a minute with 60 records", n)
				}
			}, opts...)
		})
	}
}

// All are of one broker and in one group.
func TestAPartitionInTroubleDoesNotSlowTheOthers(t *testing.T) {
	const partitions = 8
	for rule, trouble := range map[string]func(w *world, fake *kfake.Cluster){
		"there is no room for its records": func(w *world, _ *kfake.Cluster) { w.publish(0, "held") },
		"it is answered an error": func(w *world, fake *kfake.Cluster) {
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: w.topic, Partitions: []int32{0}, Err: kerr.KafkaStorageError, Count: -1})
		},
		"its batches are large": func(w *world, _ *kfake.Cluster) {
			for range 20 {
				w.publish(0, strings.Repeat("v", 900<<10))
			}
		},
		"the broker hangs up when asked for it": func(w *world, fake *kfake.Cluster) {
			fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				for _, t := range r.(*kmsg.FetchRequest).Topics {
					if slices.ContainsFunc(t.Partitions, func(p kmsg.FetchRequestTopicPartition) bool { return p.Partition == 0 }) {
						return nil, errors.New("hang up"), true
					}
				}
				return nil, nil, false
			})
		},
		"the broker refuses to answer for it": func(w *world, fake *kfake.Cluster) {
			fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				for _, t := range r.(*kmsg.FetchRequest).Topics {
					if slices.ContainsFunc(t.Partitions, func(p kmsg.FetchRequestTopicPartition) bool { return p.Partition == 0 }) {
						res := r.ResponseKind().(*kmsg.FetchResponse)
						res.ErrorCode = kerr.InvalidRequest.Code
						return res, nil, true
					}
				}
				return nil, nil, false
			})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, partitions, func(w *world) {
				w.ledBy(0, upTo(partitions)...)
				n, watch := w.watched()
				room := make(chan struct{})
				m := w.join(watch, func(cfg *consumer.Config, m *member) {
					cfg.FetchTotal = 2 << 20
					m.held = func(r consumer.Record) bool {
						if string(r.Value) == "held" {
							<-room
						}
						return false
					}
				})
				w.until("joined", m.serving)
				time.Sleep(10 * time.Second)
				trouble(w, w.RequireKfake(w.t))
				time.Sleep(5 * time.Second)
				before, others := n.fetches.Load(), func() int {
					return len(slices.DeleteFunc(m.records(), func(r consumer.Record) bool { return r.Partition.ID == 0 }))
				}
				var longest time.Duration
				for i := range 100 {
					time.Sleep(37 * time.Millisecond)
					w.publish(int32(1+i%(partitions-1)), fmt.Sprint(i))
					began := time.Now()
					for others() < i+1 && time.Since(began) < time.Second {
						time.Sleep(time.Millisecond)
					}
					longest = max(longest, time.Since(began))
				}
				if longest > 5*time.Millisecond {
					w.t.Errorf("a record of another partition is taken after %s", longest)
				}
				if n := n.fetches.Load() - before; n > 500 {
					w.t.Errorf("there are %d requests", n)
				}
				close(room)
			})
		})
	}
}

// What a broker says when a client is beyond its quota: nothing of what is asked for, and for how long not to ask.
func TestABrokerThatDemandsSilenceIsNotAskedMeanwhile(t *testing.T) {
	virtual(t, 4, func(w *world) {
		w.ledBy(0, upTo(4)...)
		n, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		time.Sleep(10 * time.Second)
		var before atomic.Int32
		w.RequireKfake(w.t).ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			before.Store(n.fetches.Load())
			res := r.ResponseKind().(*kmsg.FetchResponse)
			res.ThrottleMillis = 8000
			return res, nil, true
		})
		time.Sleep(time.Second)
		w.publish(1, "v")
		time.Sleep(6 * time.Second)
		if n := n.fetches.Load() - before.Load(); n > 0 {
			w.t.Errorf("it is asked %d times meanwhile", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(m.records()); n != 1 {
			w.t.Errorf("%d records are taken then", n)
		}
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
	})
}

// Nobody waits for what it would bring.
func TestAGenerationThatEndsLeavesNoRequestBehind(t *testing.T) {
	virtual(t, 40, func(w *world) {
		n, watch := w.watched()
		long := func(cfg *consumer.Config, _ *member) { cfg.FetchWait = time.Hour }
		first := w.join(watch, long)
		w.until("joined", first.serving)
		time.Sleep(time.Minute)
		open := n.open.Load()
		for range 5 {
			other := w.join()
			w.until("both hold some", func() bool { return len(first.partitions()) == 20 && len(other.partitions()) == 20 })
			other.stop()
			w.until("one holds all", func() bool { return len(first.partitions()) == 40 })
		}
		time.Sleep(time.Minute)
		if now := n.open.Load(); now > open {
			w.t.Errorf("%d connections, and %d before", now, open)
		}
	})
}

// All others wait at the broker for long.
func TestWhoComesLateIsAskedForSoon(t *testing.T) {
	const partitions = 4
	virtual(t, partitions, func(w *world) {
		w.ledBy(0, upTo(partitions)...)
		_, watch := w.watched()
		m := w.join(watch, func(_ *consumer.Config, m *member) {
			m.held = func(consumer.Record) bool {
				time.Sleep(15 * time.Millisecond)
				return false
			}
		})
		w.until("joined", m.serving)
		time.Sleep(10 * time.Second)
		for i := range 50 {
			w.publish(0, "v")
			began := time.Now()
			for len(m.records()) < i+1 && time.Since(began) < time.Second {
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(began); took > 60*time.Millisecond {
				w.t.Fatalf("record %d is taken after %s", i, took)
			}
			time.Sleep(time.Duration(i) * time.Millisecond)
		}
	})
}

// Brokers answer as soon as they have something of one of them.
func TestPartitionsOfWhichRecordsComeAllTheTimeAreAskedForTogether(t *testing.T) {
	const partitions, records = 8, 2000
	virtual(t, partitions, func(w *world) {
		w.ledBy(0, upTo(partitions)...)
		n, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		time.Sleep(10 * time.Second)
		before, began := n.fetches.Load(), time.Now()
		for i := range int32(records) {
			w.publish(i%partitions, "v")
			time.Sleep(250 * time.Microsecond)
		}
		took := time.Since(began)
		time.Sleep(10 * time.Millisecond)
		if n := len(m.records()); n != records {
			w.t.Errorf("%d of %d records are taken soon after the last", n, records)
		}
		if n := time.Duration(n.fetches.Load() - before); n > took/(5*time.Millisecond)+10 {
			w.t.Errorf("%d requests in %s", n, took)
		}
	})
}
