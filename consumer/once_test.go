package consumer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer"
)

// once has the world's topic taken once, whatever group comes.
func (w *world) once(cfg *consumer.Config, _ *member) { cfg.Once = []string{w.topic} }

func hold(from, to int64) func(*consumer.Config, *member) {
	return func(_ *consumer.Config, m *member) {
		m.held = func(r consumer.Record) bool { return r.Offset >= from && r.Offset < to }
	}
}

// takenBy has a group take all there is, settle it but for what opts hold, and leave.
func (w *world) takenBy(group string, opts ...func(*consumer.Config, *member)) *member {
	w.t.Helper()
	mine := w.group
	w.group = group
	defer func() { w.group = mine }()
	m := w.join(opts...)
	w.until("located", m.Joined)
	time.Sleep(10 * time.Second)
	m.stop()
	return m
}

// numbers are the values from one number to another, with a space between them.
func numbers(from, to int) string {
	return strings.Join(batch("", to)[from:], " ")
}

const (
	saysOthers = "going on where it has come to"

	saysTwice = "which a group may have taken whose offsets have expired"
)

// 25 records lie in the topic when the group comes, and 5 come later.
func TestWhatIsTakenOnceIsTakenByANewGroupUnlessAnotherHas(t *testing.T) {
	for rule, test := range map[string]struct {
		before func(w *world)
		taken  string
		says   string
	}{
		"another has taken all": {
			func(w *world) { w.takenBy(w.group + "-a") }, numbers(25, 30), saysOthers,
		},
		"another has taken all, but has not settled some": {
			func(w *world) { w.takenBy(w.group+"-a", hold(10, 15)) }, numbers(10, 15) + " " + numbers(25, 30), saysOthers,
		},
		"nobody has": {
			func(*world) {}, numbers(0, 30), saysTwice,
		},
		"of two others one has come farther": {
			func(w *world) {
				w.takenBy(w.group+"-a", hold(20, 22))
				w.takenBy(w.group+"-b", hold(5, 7))
				w.takenBy(w.group+"-c", hold(20, 22))
			}, numbers(20, 22) + " " + numbers(25, 30), saysOthers,
		},
		"another has committed an offset that it has been set to": {
			func(w *world) { w.committedBy(w.group+"-a", 25, nil) }, numbers(0, 30), saysTwice,
		},
		"another program has committed, which has metadata of its own": {
			func(w *world) { w.committedBy(w.group+"-a", 25, kmsg.StringPtr("monitor-7")) }, numbers(0, 30), saysTwice,
		},
		"another's commit has been moved, with its metadata": {
			func(w *world) {
				w.takenBy(w.group+"-a", hold(10, 15))
				mine := w.group
				w.group += "-a"
				metadata := w.fetchCommit(0).Metadata
				w.group = mine
				w.committedBy(w.group+"-a", 25, metadata)
			}, numbers(0, 30), saysTwice,
		},
		"another has taken those of a topic that was deleted": {
			func(w *world) {
				w.takenBy(w.group + "-a")
				w.recreate(1)
				w.publish(0, batch("", 25)...)
			}, numbers(0, 30), saysTwice,
		},
		"another has taken what retention has deleted, and more": {
			func(w *world) {
				w.takenBy(w.group+"-a", hold(20, 22))
				w.deleteRecords(0, 10)
			}, numbers(20, 22) + " " + numbers(25, 30), saysOthers,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				test.before(w)
				m := w.join(w.once, latest)
				w.until("located", m.Joined)
				w.publish(0, batch("", 30)[25:]...)
				w.until("the last is taken", func() bool { return slices.Contains(m.values(), "29") })
				time.Sleep(time.Minute)
				if got := strings.Join(m.values(), " "); got != test.taken {
					w.t.Errorf("taken %s, want %s", got, test.taken)
				}
				if w.log.count(test.says) == 0 {
					w.t.Errorf("not said: %s", test.says)
				}
				w.untilCommitted(map[int32]int64{0: 30})
			})
		})
	}
}

// committedBy has a tool commit an offset of another group.
func (w *world) committedBy(group string, offset int64, metadata *string) {
	w.t.Helper()
	mine := w.group
	w.group = group
	defer func() { w.group = mine }()
	w.commit(0, offset, metadata)
}

// Three brokers coordinate some of ten groups each, which all have come to other offsets; members of the new one
// hold other partitions each.
func TestOfWhatIsTakenOnceAllBrokersAreAsked(t *testing.T) {
	virtual(t, 4, func(w *world) {
		for p := range int32(4) {
			w.publish(p, batch(fmt.Sprint(p, "-"), 20)...)
		}
		for g := range 10 {
			w.takenBy(fmt.Sprint(w.group, "-", g), hold(int64(g), 20))
		}
		first, second := w.join(w.once), w.join(w.once)
		taken := func() int { return len(first.values()) + len(second.values()) }
		w.until("taken", func() bool { return taken() >= 4*11 })
		time.Sleep(time.Minute)
		if n := taken(); n != 4*11 { // the last of the ten has settled 0 to 8
			w.t.Errorf("%d taken, want %d", n, 4*11)
		}
	})
}

func TestAPartitionAddedToWhatIsTakenOnceIsTakenFromItsFirstRecord(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("old", 3)...)
		w.takenBy(w.group + "-a")
		m := w.join(w.once)
		w.until("located", m.Joined)
		w.addPartitions(2)
		w.publish(1, batch("new", 20)...)
		w.until("taken", func() bool { return len(m.values()) >= 20 })
		expectAll(w, "new", 20, m)
		expectAll(w, "old", 0, m)
	})
}

func TestATopicMadeAnewThatIsTakenOnceGoesOnWhereOthersHaveComeTo(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("old", 3)...)
		w.takenBy(w.group)
		w.recreate(1)
		w.publish(0, batch("", 25)...)
		w.takenBy(w.group + "-a")
		m := w.takenBy(w.group, w.once)
		if got := m.values(); len(got) > 0 {
			w.t.Errorf("taken %v", got)
		}
		w.untilCommitted(map[int32]int64{0: 25})
	})
}

// As a group that is renamed, on whatever brokers there are.
func TestAGroupThatIsRenamedGoesOnWithWhatIsTakenOnce(t *testing.T) {
	planned(t, 2, func(w *world) {
		for p := range int32(2) {
			w.publish(p, batch(fmt.Sprint(p, "-"), 25)...)
		}
		former := w.join(w.once, hold(10, 15))
		w.untilTaken(former, 50)
		former.stop()
		w.untilCommitted(map[int32]int64{0: 10, 1: 10})
		w.group += "-renamed"
		m := w.join(w.once)
		w.untilCommitted(map[int32]int64{0: 25, 1: 25})
		if n := len(m.values()); n != 10 {
			w.t.Errorf("%d taken, of 10 that were not settled", n)
		}
	})
}

// Each group takes on its own what comes once it is there.
func TestTwoGroupsBesideEachOtherEachTakeWhatComes(t *testing.T) {
	virtual(t, 1, func(w *world) {
		first := w.join(w.once)
		w.until("located", first.Joined)
		w.publish(0, batch("old", 3)...)
		w.untilCommitted(map[int32]int64{0: 3})
		w.group += "-beside"
		second := w.join(w.once)
		w.untilCommitted(map[int32]int64{0: 3})
		w.publish(0, batch("new", 3)...)
		w.untilCommitted(map[int32]int64{0: 6})
		expectAll(w, "new", 3, first)
		expectAll(w, "new", 3, second)
		expectAll(w, "old", 0, second)
	})
}

func TestWhereOthersCannotBeKnownWhatIsTakenOnceIsTaken(t *testing.T) {
	const saysUnknown = "what other groups have is not known"
	answers := func(err *kerr.Error, times int) func(*world, *consumer.Config) {
		return func(w *world, _ *consumer.Config) {
			w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListGroups}, TopLevel: true, Err: err, Count: times})
		}
	}
	hang := func(w *world, cfg *consumer.Config) {
		cfg.Connection.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := w.Dial(ctx, network, address)
			return unanswered{conn, kmsg.ListGroups}, err
		}
	}
	for rule, test := range map[string]struct {
		brokers func(*world, *consumer.Config)
		waits   time.Duration // about, for what is taken once
		taken   string
	}{
		"soon, if the client may not list groups":       {answers(kerr.ClusterAuthorizationFailed, -1), 0, numbers(0, 25)},
		"after half a minute, if a broker says no more": {answers(kerr.CoordinatorLoadInProgress, -1), 29 * time.Second, numbers(0, 25)},
		"after half a minute, if brokers do not answer": {hang, 29 * time.Second, numbers(0, 25)},
		"not, if it passes":                             {answers(kerr.CoordinatorLoadInProgress, 12), 0, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				w.takenBy(w.group + "-a")
				other := w.Topic(w.t, 1)
				began := time.Now()
				m := w.join(w.once, func(cfg *consumer.Config, _ *member) {
					cfg.Topics = append(cfg.Topics, other)
					test.brokers(w, cfg)
				})
				w.until("located", m.Joined)
				if took := time.Since(began); took > 7*time.Second {
					w.t.Errorf("the other topics waited for %s", took)
				}
				w.untilCommitted(map[int32]int64{0: 25})
				if took := time.Since(began); took < test.waits || took > test.waits+15*time.Second {
					w.t.Errorf("it waited for %s", took)
				}
				if got := strings.Join(m.values(), " "); got != test.taken {
					w.t.Errorf("taken %s, want %s", got, test.taken)
				}
				if said := w.log.count(saysUnknown) > 0; said != (test.taken != "") {
					w.t.Errorf("said: %t", said)
				}
			})
		})
	}
}

// unanswered is a connection to a broker that does not answer one kind of request.
type unanswered struct {
	net.Conn
	key kmsg.Key
}

func (c unanswered) Write(b []byte) (int, error) {
	if len(b) > 6 && binary.BigEndian.Uint16(b[4:]) == uint16(c.key) {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func TestAGroupThatMayNotBeSeenIsPassedOver(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, batch("", 25)...)
		w.takenBy(w.group+"-a", hold(10, 25))
		for g := range 30 {
			hidden := fmt.Sprint(w.group, "-hidden-", g)
			w.committedBy(hidden, 20, nil)
			w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: hidden, Err: kerr.GroupAuthorizationFailed, Count: -1})
		}
		m := w.takenBy(w.group, w.once)
		if got := strings.Join(m.values(), " "); got != numbers(10, 25) {
			w.t.Errorf("taken %s", got)
		}
	}, kfake.MaxVersions(kversion.V2_7_0())) // which are asked for one after the other
}

// Before Kafka 3.0 a broker is asked for each group, and topics may have no ids.
func TestOlderBrokersTellWhereOthersHaveComeToLikewise(t *testing.T) {
	for name, versions := range map[string]*kversion.Versions{"2.7": kversion.V2_7_0(), "2.0": kversion.V2_0_0()} {
		t.Run(name, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				for g := range 9 {
					w.takenBy(fmt.Sprint(w.group, "-", g), hold(int64(5+g), 25))
				}
				w.takenBy(w.group + "-last")
				m := w.takenBy(w.group, w.once)
				if got := m.values(); len(got) > 0 {
					w.t.Errorf("taken %v", got)
				}
			}, kfake.MaxVersions(versions))
		})
	}
}

// retentions are for how long commits are asked to be kept: of each topic what was asked last.
func (w *world) retentions() func(topic string) time.Duration {
	asked := map[string]time.Duration{}
	w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true, Count: -1, When: func(req kmsg.Request) bool {
		r := req.(*kmsg.OffsetCommitRequest)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, t := range r.Topics {
			asked[t.Topic] = 0
			if r.Version <= 4 {
				asked[t.Topic] = time.Duration(r.RetentionTimeMillis) * time.Millisecond
			}
		}
		return true
	}})
	return func(topic string) time.Duration {
		w.mu.Lock()
		defer w.mu.Unlock()
		defer delete(asked, topic)
		return asked[topic]
	}
}

func TestCommitsOfWhatIsTakenOnceAreKeptForAYear(t *testing.T) {
	virtual(t, 1, func(w *world) {
		kept := w.retentions()
		other := w.Topic(w.t, 1)
		both := func(cfg *consumer.Config, _ *member) { cfg.Topics = append(cfg.Topics, other) }
		for range 2 { // the second time nothing is new
			m := w.join(w.once, both)
			w.until("located", m.Joined)
			time.Sleep(time.Minute)
			if got, want := kept(w.topic), 365*24*time.Hour; got != want {
				w.t.Errorf("kept for %s, want %s", got, want)
			}
			if got := kept(other); got > 0 {
				w.t.Errorf("others are kept for %s", got)
			}
			m.stop()
		}
	})
}
