package deadletter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// network loses, or delays, answers to produce requests that the broker has
// carried out.
type network struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	lose  atomic.Int32 // how many of the next answers
	late  atomic.Int32 // how many of the next, of those that are not lost
	delay time.Duration
}

func (n *network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: conn, network: n, closed: make(chan struct{})}, nil
}

type lossyConn struct {
	net.Conn
	network *network
	asked   atomic.Bool // a produce request was written, its answer not yet read
	once    sync.Once
	closed  chan struct{}
}

func (c *lossyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if len(b) >= 6 && binary.BigEndian.Uint16(b[4:]) == uint16(kmsg.Produce) {
		c.asked.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.asked.Swap(false) {
		switch {
		case c.network.lose.Add(-1) >= 0:
			_ = c.Close()
			return 0, io.ErrUnexpectedEOF
		case c.network.late.Add(-1) >= 0:
			select {
			case <-time.After(c.network.delay):
			case <-c.closed:
			}
		}
	}
	return n, err
}

// over is a world whose writer goes over the network.
func (w *world) over(n *network) {
	n.dial = w.Dial
	conn := connection(w.Broker)
	conn.Dial = n.Dial
	w.Writer = newWriter(w.t, conn, discard)
}

// numbered are letters of different records.
func numbered(from, n int) []deadletter.Letter {
	all := letters(n, 40)
	for i := range all {
		all[i].Key = fmt.Appendf(nil, "key %d", (from+i)%7)
		all[i].Value = fmt.Appendf(nil, "value %d", from+i)
		all[i].Source.Offset = int64(from + i)
	}
	return all
}

func TestALetterLiesThereOnceWhateverBecomesOfTheAnswer(t *testing.T) {
	for rule, fails := range map[string]func(w *world, n *network){
		"nothing":                func(*world, *network) {},
		"it is lost":             func(_ *world, n *network) { n.lose.Store(1) },
		"five times":             func(_ *world, n *network) { n.lose.Store(5) },
		"it is late":             func(_ *world, n *network) { n.late.Store(1) },
		"it is late three times": func(_ *world, n *network) { n.late.Store(3) },
		"late and lost": func(_ *world, n *network) {
			n.lose.Store(2)
			n.late.Store(2)
		},
		"the replicas are late": func(w *world, _ *network) {
			w.fault(kerr.RequestTimedOut, 3)
		},
		"it is lost and then the broker is not the leader": func(w *world, n *network) {
			n.lose.Store(1)
			w.faultAfter(1, kerr.NotLeaderForPartition, 3)
		},
		"it is lost and then the replicas are too few": func(w *world, n *network) {
			n.lose.Store(1)
			w.faultAfter(1, kerr.NotEnoughReplicas, 5)
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				n := &network{delay: 12 * time.Second}
				w.over(n)
				first, second := numbered(0, 5), numbered(5, 5)
				w.write(first...)
				fails(w, n)
				w.write(second...)
				w.write(numbered(10, 5)...)
				w.expectEachOnce(numbered(0, 15))
			})
		})
	}
}

// fault makes the broker answer the next produce requests with an error.
func (w *world) fault(err *kerr.Error, n int) { w.faultAfter(0, err, n) }

// faultAfter does so after some that it answers well.
func (w *world) faultAfter(well int, err *kerr.Error, n int) {
	var seen int
	w.RequireKfake(w.t).Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: n,
		When: func(kmsg.Request) bool { seen++; return seen > well },
	})
}

func TestALetterWhoseAnswerIsLostLiesThereOnceOnLoopback(t *testing.T) {
	w := loopback(t, 3, nil)
	n := &network{}
	w.over(n)
	for i := range 10 {
		n.lose.Store(int32(i % 4))
		w.write(numbered(20*i, 20)...)
	}
	w.expectEachOnce(numbered(0, 200))
}

func TestAWriteThatIsCutOffAndAnotherOfTheSameLettersLeaveOneOfEach(t *testing.T) {
	for rule, between := range map[string][]deadletter.Letter{
		"at once":                    nil,
		"after letters of others":    numbered(100, 3),
		"after more than one batch":  numbered(100, 300),
		"after some of them already": numbered(4, 1),
	} {
		for fate, fails := range map[string]func(w *world, n *network){
			"the answer is late":             func(_ *world, n *network) { n.late.Store(1) },
			"the request has not arrived":    func(w *world, _ *network) { w.fault(kerr.NotLeaderForPartition, 20) },
			"the replicas do not all answer": func(w *world, _ *network) { w.fault(kerr.RequestTimedOut, 20) },
		} {
			t.Run(rule+", "+fate, func(t *testing.T) {
				virtual(t, 1, nil, func(w *world) {
					n := &network{delay: time.Minute}
					w.over(n)
					w.write(numbered(0, 3)...)
					fails(w, n)
					w.cutOff(4*time.Second, numbered(3, 3)...)
					w.write(between...)
					again := numbered(3, 5) // and others
					if rule == "after some of them already" {
						again = slices.Delete(again, 1, 2)
					}
					for i := range again {
						again[i].Detail, again[i].Time = "in other words", time.Now()
					}
					w.write(again...)
					w.expectEachOnce(slices.Concat(numbered(0, 3), between, again))
				})
			})
		}
	}
}

// cutOff writes for so long, which must not be enough, and returns what is left.
func (w *world) cutOff(after time.Duration, letters ...deadletter.Letter) []deadletter.Letter {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), after)
	defer cancel()
	left, err := w.Write(ctx, w.topic, letters...)
	if !errors.Is(err, context.DeadlineExceeded) {
		w.t.Fatalf("got error %v", err)
	}
	return chosen(letters, left)
}

func chosen(letters []deadletter.Letter, which []int) (chosen []deadletter.Letter) {
	for _, i := range which {
		chosen = append(chosen, letters[i])
	}
	return chosen
}

// Whoever takes over has written it meanwhile.
func TestALetterOfAWriteThatWasCutOffIsNotWrittenLater(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		w.write(numbered(0, 1)...)
		w.fault(kerr.NotEnoughReplicas, 20)
		w.cutOff(4*time.Second, numbered(1, 1)...)
		w.write(numbered(2, 1)...)
		time.Sleep(time.Hour)
		w.write(numbered(3, 1)...)
		for _, r := range w.ReadAll(w.t, w.topic) {
			if string(r.Value) == "value 1" {
				w.t.Error("it is")
			}
		}
	})
}

func TestAProducerThatTheBrokersHaveForgottenBeginsAnewAndNothingIsSaid(t *testing.T) {
	for _, code := range []*kerr.Error{
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
	} {
		t.Run(code.Message, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				w.write(numbered(0, 3)...)
				var former int64
				w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code, Count: -1, When: func(r kmsg.Request) bool {
					id := producerOf(r)
					if former == 0 {
						former = id
					}
					return id == former
				}})
				w.write(numbered(3, 3)...)
				w.write(numbered(6, 3)...)
				w.expectEachOnce(numbered(0, 9))
				if n := w.log.count(saysTrouble); n > 0 {
					w.t.Error("it counts as trouble")
				}
			})
		})
	}
}

func producerOf(r kmsg.Request) int64 {
	var b kmsg.RecordBatch
	if err := b.ReadFrom(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records); err != nil {
		panic(err)
	}
	return b.ProducerID
}

func TestLettersGoOnInATopicThatIsMadeAnew(t *testing.T) {
	for rule, partitions := range map[string]int32{"with as many partitions": 5, "with fewer": 2, "with more": 9} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 5, nil, func(w *world) {
				w.write(numbered(0, 50)...)
				w.recreate(w.topic, partitions, nil)
				w.write(numbered(50, 50)...)
				w.expectEachOnce(numbered(50, 50))
				w.remove(w.topic)
				written := make(chan error, 1)
				go func() { written <- fails(w.Write(w.t.Context(), w.topic, numbered(100, 50)...)) }()
				time.Sleep(time.Minute)
				w.create(5, nil)
				if err := <-written; err != nil {
					w.t.Error(err)
				}
				w.expectEachOnce(numbered(100, 50))
				fault := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1})
				go func() { written <- fails(w.Write(w.t.Context(), w.topic, numbered(150, 50)...)) }()
				time.Sleep(time.Second)
				w.recreate(w.topic, partitions, nil)
				fault.Remove()
				if err := <-written; err != nil {
					w.t.Error(err)
				}
				w.expectEachOnce(numbered(150, 50))
			})
		})
	}
}

func TestALetterWithoutAKeyGoesWhereItWentBefore(t *testing.T) {
	virtual(t, 7, nil, func(w *world) {
		n := &network{delay: time.Minute}
		w.over(n)
		all := numbered(0, 20)
		for i := range all {
			all[i].Key = nil
			all[i].Source.Partition = i % 3
		}
		n.late.Store(7)
		w.write(w.cutOff(4*time.Second, all...)...)
		for i := range all {
			all[i].Key = []byte{}
		}
		w.expectEachOnce(all)
	})
}

// round is what happens at the same time in [TestOneOfEachLetterWhateverHappens].
type round struct {
	lost, late   int32
	well, faults int
	fault        *kerr.Error
	letters      []int   // of each writer
	patience     [][]int // of each, in milliseconds, one time after the other
}

func drawRound(t *rapid.T) round {
	writers := rapid.IntRange(1, 3).Draw(t, "writers")
	return round{
		lost:   rapid.Int32Range(0, 3).Draw(t, "lost"),
		late:   rapid.Int32Range(0, 3).Draw(t, "late"),
		well:   rapid.IntRange(0, 3).Draw(t, "well"),
		faults: rapid.IntRange(0, 5).Draw(t, "faults"),
		fault: rapid.SampledFrom([]*kerr.Error{
			kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.KafkaStorageError,
		}).Draw(t, "fault"),
		letters:  rapid.SliceOfN(rapid.IntRange(1, 9), writers, writers).Draw(t, "letters"),
		patience: rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(1, 40_000), 0, 4), writers, writers).Draw(t, "patience"),
	}
}

// Whatever becomes of answers, whenever writes are cut off, and however many there
// are at a time: letters that are written again until that succeeds lie there once.
func TestOneOfEachLetterWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var (
			partitions = rapid.Int32Range(1, 3).Draw(rt, "partitions")
			delay      = rapid.SampledFrom([]time.Duration{time.Second, 12 * time.Second, time.Minute}).Draw(rt, "delay")
			rounds     = rapid.SliceOfN(rapid.Custom(drawRound), 1, 4).Draw(rt, "rounds")
		)
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, kafkatest.StartVirtual(t), partitions, nil)
			n := &network{delay: delay}
			w.over(n)
			next := 0
			for _, r := range rounds {
				n.lose.Store(r.lost)
				n.late.Store(r.late)
				if r.faults > 0 {
					w.faultAfter(r.well, r.fault, r.faults)
				}
				var wg sync.WaitGroup
				for i := range r.letters {
					letters := numbered(next, r.letters[i])
					next += len(letters)
					wg.Go(func() {
						for _, millis := range r.patience[i] {
							ctx, cancel := context.WithTimeout(t.Context(), time.Duration(millis)*time.Millisecond)
							left, _ := w.Write(ctx, w.topic, letters...)
							cancel()
							letters = chosen(letters, left)
						}
						w.write(letters...)
					})
				}
				wg.Wait()
			}
			times := map[string]int{}
			for _, r := range w.ReadAll(t, w.topic) {
				for _, h := range r.Headers { // it may lie there without its value
					if h.Key == deadletter.HeaderSourceOffset {
						times[string(h.Value)]++
					}
				}
			}
			for i := range next {
				if n := times[strconv.Itoa(i)]; n != 1 {
					rt.Errorf("the letter of record %d lies there %d times", i, n)
				}
			}
		})
	})
}
