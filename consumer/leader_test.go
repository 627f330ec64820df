package consumer_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// They are together again.
func TestPartitionsWhoseLeaderMovesAreAskedForAtTheNew(t *testing.T) {
	const partitions = 30
	virtual(t, partitions, func(w *world) {
		w.ledBy(0, upTo(partitions)...)
		n, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		for round := range int32(6) {
			w.ledBy(round%3, upTo(partitions)[round:]...)
			for p := range int32(partitions) {
				w.publish(p, fmt.Sprint(round))
			}
			w.untilTaken(m, partitions*int(round+1))
			time.Sleep(time.Second)
		}
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
		time.Sleep(time.Minute)
		before := n.fetches.Load()
		time.Sleep(time.Minute)
		if n := n.fetches.Load() - before; n > 3*(2*60+1) {
			w.t.Errorf("%d requests in a minute", n)
		}
	})
}

func TestThatALeaderHasMovedIsSaidOnce(t *testing.T) {
	const partitions, moves = 3, 20
	virtual(t, partitions, func(w *world) {
		w.ledBy(0, upTo(partitions)...)
		_, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		for i := range int32(moves) {
			w.ledBy((i+1)%2, upTo(partitions)...)
			for p := range int32(partitions) {
				w.publish(p, "v")
			}
			time.Sleep(8*time.Second + time.Duration(i)*411*time.Millisecond)
		}
		if n := w.log.count("partition cannot be fetched"); n != moves*partitions {
			w.t.Errorf("%d moves of %d partitions are said %d times", moves, partitions, n)
		}
		if n := len(m.records()); n != moves*partitions {
			w.t.Errorf("%d records are taken", n)
		}
	})
}

// It serves the partition still, as a follower, and later than the leader.
func TestABrokerThatLeadsNoMoreIsNotAskedForLong(t *testing.T) {
	const partitions = 4
	virtual(t, partitions, func(w *world) {
		w.ledBy(0, upTo(partitions)...)
		_, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		time.Sleep(10 * time.Second)
		fake := w.RequireKfake(w.t)
		for p := range int32(partitions) {
			fake.SetFollowers(w.topic, p, []int32{0})
		}
		w.ledBy(1, upTo(partitions)...)
		time.Sleep(10 * time.Second)
		var before, after atomic.Int32
		fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			if fake.CurrentNode() == 0 {
				before.Add(1)
			} else {
				after.Add(1)
			}
			return nil, nil, false
		})
		time.Sleep(time.Minute)
		if before, after := before.Load(), after.Load(); before > 0 || after == 0 || after > 3*60 {
			w.t.Errorf("the old leader is asked %d times, the new one %d times", before, after)
		}
	})
}

// Its connections are open, and no answer comes.
func TestABrokerThatHangsIsGivenUpAndAskedAgain(t *testing.T) {
	const partitions = 40
	virtual(t, partitions, func(w *world) {
		n, watch := w.watched()
		m := w.join(watch)
		w.until("joined", m.serving)
		time.Sleep(time.Minute)
		fake := w.RequireKfake(w.t)
		var hangs atomic.Bool
		hangs.Store(true)
		fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			return nil, nil, hangs.Load()
		})
		time.Sleep(20 * time.Second)
		if n := w.log.count("partition cannot be fetched"); n != partitions {
			w.t.Errorf("it is said of %d partitions", n)
		}
		hangs.Store(false)
		for p := range int32(partitions) {
			w.publish(p, "v")
		}
		w.untilTaken(m, partitions)
		time.Sleep(time.Minute)
		before := n.fetches.Load()
		time.Sleep(time.Minute)
		if n := n.fetches.Load() - before; n > 3*(2*60+1) {
			w.t.Errorf("%d requests in a minute", n)
		}
	})
}
