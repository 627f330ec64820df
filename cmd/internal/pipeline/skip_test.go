package pipeline_test

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// An app is held meanwhile, and most of its records are deferred, from before the batches that cannot be read.
func TestBatchesThatCannotBeReadArePassedWithoutLossAndWithoutRepeatsAlsoOfAnAppThatIsHeld(t *testing.T) {
	t.Parallel()
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		const users = 40
		_, stop := w.start()
		w.until("taken", time.Minute, func() bool { return len(w.Committed(w.t, w.cfg.Kafka.Group, w.topic)) == 4 })
		w.mixed(2000, users, appID, otherApp)
		w.until("the free app is delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == 2000 })
		for partition := range int32(4) {
			w.ProduceUnreadable(w.t, w.topic, partition, 3)
		}
		w.mixedFrom(2000, 2000, users, appID, otherApp)
		w.until("it is said", time.Minute, func() bool { return w.log.contains("batch at ") })
		time.Sleep(time.Minute)
		stop()
		if n := len(w.msdk.Ledger.App(otherApp)); n != 2000 {
			w.t.Errorf("%d are delivered", n)
		}

		conn, err := w.cfg.Kafka.Connection(w.opts.DialKafka)
		if err != nil {
			w.t.Fatal(err)
		}
		c, err := consumer.New(consumer.Config{Connection: conn, Group: w.cfg.Kafka.Group, Topics: []string{w.topic}})
		if err != nil {
			w.t.Fatal(err)
		}
		defer c.Close()
		for partition := range 4 {
			u, err := c.Unreadable(w.t.Context(), w.topic, partition, -1)
			if err == nil {
				err = c.Skip(w.t.Context(), u)
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}

		p, stop := w.start()
		w.until("the free app is delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == 4000 })
		if deferred(p) == 0 {
			w.t.Error("nothing is deferred")
		}
		stop() // a deploy in between
		bar.End()
		_, stop = w.start()
		w.until("all are delivered", time.Hour, func() bool { return w.msdk.Ledger.Len() == 8000 })
		stop()
		w.expectOnceInOrder(appID, 4000, users)
		w.expectOnceInOrder(otherApp, 4000, users)
	})
}
