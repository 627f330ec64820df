package pipeline_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// oftenVirtual runs a test in virtual time several times: which of the three brokers coordinates the group, and which
// are asked first, is a matter of chance.
func oftenVirtual(t *testing.T, test func(w *world)) {
	t.Helper()
	times := 6
	if testing.Short() {
		times = 2
	}
	for i := range times {
		t.Run(fmt.Sprint(i), func(t *testing.T) { virtualWith(t, msdktest.Config{NoUserLimit: true}, test) })
	}
}

func (w *world) begun() {
	w.t.Helper()
	w.until("it has begun", time.Minute, func() bool { return w.log.contains("generation begun") })
}

func TestADrainLongerThanTheSessionRepeatsNothing(t *testing.T) {
	t.Parallel()
	oftenVirtual(t, func(w *world) {
		w.cfg.MSDK.Timeout = 30 * time.Second
		w.cfg.Delivery.DrainTimeout = 40 * time.Second
		w.msdk.SetRules(msdktest.Latency(19 * time.Second)) // the session timeout is 10 s
		_, stop := w.start()
		w.begun()
		w.publishMany("player", 200)
		time.Sleep(time.Second)
		stop()
		_, stop = w.start()
		time.Sleep(2 * time.Minute)
		stop()
		w.once("player", 200)
	})
}

// With Apache Kafka it takes the time that it takes.
func TestADrainLongerThanTheSessionRepeatsNothingOnAKafkaOfOnesOwn(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("takes 20 s, which in virtual time are none: set " + kafkatest.BrokersVariable + " to run it")
	}
	t.Parallel()
	w := real(t)
	w.opts.HeartbeatInterval = 0
	w.cfg.MSDK.Timeout, w.cfg.Kafka.SessionTimeout = 30*time.Second, 10*time.Second
	w.cfg.Delivery.DrainTimeout = 40 * time.Second
	var slow atomic.Bool
	w.msdk.SetRules(func(r *msdktest.Request) msdktest.Answer {
		if slow.Load() {
			r.Wait(18 * time.Second)
		}
		return msdktest.Answer{}
	})
	p, stop := w.start()
	w.publishMany("first", 10)
	w.settled(p, 10, time.Minute)
	slow.Store(true)
	w.publishMany("player", 200)
	time.Sleep(2 * time.Second)
	stop()
	slow.Store(false)
	_, stop = w.start()
	w.publishMany("last", 10)
	w.until("all are delivered", 5*time.Minute, func() bool { return w.msdk.Ledger.Len() >= 220 })
	stop()
	w.once("player", 200)
	if w.log.contains("has given this member up") || w.log.contains("could not be committed") {
		t.Error("the group has given the member up")
	}
}

func TestADrainThatWaitsForLettersRepeatsNothing(t *testing.T) {
	t.Parallel()
	oftenVirtual(t, func(w *world) {
		_, stop := w.start()
		w.begun()
		refusal := w.RequireKfake(w.t).Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: w.topic + ".dlq", Err: kerr.NotEnoughReplicas, Count: -1,
		})
		for n := range 40 {
			w.publish(fmt.Sprintf("bad-%d", n), `{"baseinfo": {"openid":"x"}}`)
		}
		time.Sleep(time.Second)
		go func() { time.Sleep(17 * time.Second); refusal.Remove() }()
		stop()
		_, stop = w.start()
		time.Sleep(time.Minute)
		stop()
		if got := len(w.letters()); got != 40 {
			w.t.Errorf("%d letters of 40 records", got)
		}
	})
}

// A topic is made anew while the pipeline serves it, and is soon longer than the old one was.
func TestOfATopicMadeAnewEachEventIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	oftenVirtual(t, func(w *world) {
		fake := w.RequireKfake(w.t)
		p, stop := w.start()
		w.begun()
		w.publishMany("old", 100)
		w.settled(p, 100, time.Minute)
		if err := fake.DeleteTopic(w.topic); err != nil {
			w.t.Fatal(err)
		}
		if err := fake.CreateTopic(w.topic, 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.publishMany("new", 300)
		w.settled(p, 400, 10*time.Minute)
		stop()
		_, stop = w.start()
		time.Sleep(time.Minute)
		stop()
		w.once("old", 100)
		w.once("new", 300)
		if got := w.committed(); got != 300 {
			w.t.Errorf("committed %d of 300", got)
		}
	})
}

// The same beside a held app, of which events of the old topic still wait.
func TestATopicMadeAnewBesideAHeldAppIsDeliveredOnceItIsLetGo(t *testing.T) {
	t.Parallel()
	oftenVirtual(t, func(w *world) {
		fake := w.RequireKfake(w.t)
		outage := new(msdktest.Outage)
		w.msdk.SetRules(outage.Rule)
		p, stop := w.start()
		w.begun()
		w.publishMany("old", 100)
		w.settled(p, 100, time.Minute)
		outage.Begin(msdktest.Answer{Ret: -303, Msg: "no permission"})
		w.publishMany("held", 50)
		time.Sleep(time.Minute)
		if err := fake.DeleteTopic(w.topic); err != nil {
			w.t.Fatal(err)
		}
		if err := fake.CreateTopic(w.topic, 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.publishMany("new", 300)
		time.Sleep(5 * time.Minute)
		outage.End()
		w.settled(p, 450, 10*time.Minute)
		stop()
		w.once("old", 100)
		w.once("held", 50)
		w.once("new", 300)
	})
}
