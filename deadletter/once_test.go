package deadletter_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
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
