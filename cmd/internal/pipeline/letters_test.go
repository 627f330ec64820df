package pipeline_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refuseLetters has the dead-letter topic refuse everything until the function
// returned is called.
func (w *world) refuseLetters() (accept func()) {
	fake := w.RequireKfake(w.t)
	var refusing atomic.Bool
	refusing.Store(true)
	fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !refusing.Load() || req.(*kmsg.ProduceRequest).Topics[0].Topic != w.topic+".dlq" {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.NotEnoughReplicas.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	return func() { refusing.Store(false) }
}

// TestLettersAreNeverLost has the dead-letter topic refuse everything for an
// hour.
func TestLettersAreNeverLost(t *testing.T) {
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxPending = 100
		accept := w.refuseLetters()
		p, stop := w.start()
		w.publish("bad", "no JSON")
		w.until("it is not ready", time.Minute, func() bool { return w.log.contains("taking nothing in") })
		if why := p.NotReady(); len(why) != 1 {
			t.Errorf("not ready: %q", why)
		}
		w.publishMany("player", 1000)
		time.Sleep(time.Hour)
		if s := p.Stats(); s.Pending > 100 {
			t.Errorf("%d pending, the bound is 100", s.Pending)
		}
		taken := w.msdk.Ledger.Len()
		time.Sleep(time.Hour)
		if now := w.msdk.Ledger.Len(); now != taken || now > 100 {
			t.Errorf("delivered %d, then %d: the intake did not stop", taken, now)
		}
		accept()
		w.settled(p, 1001, 10*time.Minute)
		if why := p.NotReady(); len(why) > 0 {
			t.Errorf("not ready again: %q", why)
		}
		stop()
		w.once("player", 1000)
		if l := w.letters(); len(l) != 1 {
			t.Errorf("%d letters, want 1", len(l))
		}
	})
}

// TestARebalanceWhileLettersWait: the member that takes over, or the same one,
// finds out by itself whether letters can be written.
func TestARebalanceWhileLettersWait(t *testing.T) {
	virtual(t, func(w *world) {
		accept := w.refuseLetters()
		p, stop := w.start()
		w.publish("bad", "no JSON")
		w.until("it is not ready", time.Minute, func() bool { return w.log.contains("taking nothing in") })
		_, stopOther := w.start()
		w.until("a rebalance", 5*time.Minute, func() bool { return w.log.contains("drain timeout") })
		stopOther()
		accept()
		w.publishMany("player", 50)
		w.until("all is delivered", 10*time.Minute, func() bool { return w.msdk.Ledger.Len() == 50 && len(w.letters()) == 1 })
		if why := p.NotReady(); len(why) > 0 {
			t.Errorf("not ready: %q", why)
		}
		stop()
		w.once("player", 50)
	})
}
