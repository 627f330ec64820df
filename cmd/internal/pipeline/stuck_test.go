package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestOneStuckEventRepeatsNothingBehindIt: an event that cannot be delivered
// holds up the commit of its partition; what was delivered behind it is not
// delivered again all the same.
func TestOneStuckEventRepeatsNothingBehindIt(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxPending, w.cfg.Batch.MaxRecords = 100, 50
		sick := new(msdktest.Outage)
		sick.Begin(msdktest.Answer{HTTP: 500})
		w.msdk.SetRules(func(r *msdktest.Request) msdktest.Answer {
			if r.Names("bad") {
				return sick.Rule(r)
			}
			return msdktest.Answer{}
		})
		const n = 600
		w.publish("bad", report("bad", 0))
		_, stop := w.start()
		for i := range n {
			user := fmt.Sprintf("player-%d", i)
			w.Produce(w.t, kafkatest.Record{Topic: w.topic, Partition: partitionOf("bad"), Key: []byte(user), Value: []byte(report(user, i))})
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		sick.End()
		_, stop = w.start()
		w.until("all is committed", 10*time.Minute, func() bool { return w.committed() == n+1 })
		stop()
		w.once("player", n)
		if got := len(w.accepted("bad")); got != 1 {
			w.t.Errorf("the one that was stuck was delivered %d times", got)
		}
	})
}

// TestManyHeldAppsLeaveRoomForTheOthers fails app after app.
func TestManyHeldAppsLeaveRoomForTheOthers(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.cfg.Delivery.MaxPending = 400
		w.cfg.Delivery.MaxHold = 24 * time.Hour
		var topics []string
		for i := range 9 { // the platform does not know them
			topic := w.Topic(w.t, 1)
			topics = append(topics, topic)
			w.addApp(fmt.Sprintf("wx404%d", i), topic)
		}
		_, stop := w.start()
		for i, topic := range topics {
			w.produceManyTo(topic, 1, "failing", max(300>>i, 60))
			time.Sleep(30 * time.Second)
		}
		w.produceMany(w.topic, "healthy", 1000)
		w.until("the healthy app's events are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(appID)) == 1000 })
		stop()
	})
}

func TestAThrottleStormDeadLettersNothing(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		storm := new(msdktest.Outage)
		storm.Begin(msdktest.Answer{Ret: -20000, Msg: "45009,reach max api limit"})
		w.msdk.SetRules(storm.Rule)
		w.publishMany("player", 100)
		p, stop := w.start()
		time.Sleep(20 * time.Minute) // four times retry.max_elapsed
		storm.End()
		w.settled(p, 100, 10*time.Minute)
		stop()
		w.once("player", 100)
		if l := w.letters(); len(l) > 0 {
			w.t.Errorf("%d letters: %v", len(l), l[0].Headers)
		}
	})
}
