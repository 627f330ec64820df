package consumer_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

func firstIsHeld(_ *consumer.Config, m *member) {
	m.held = func(r consumer.Record) bool { return r.Offset == 0 }
}

func TestWhatSettledOutOfTurnIsNotTakenAgain(t *testing.T) {
	planned(t, 1, func(w *world) {
		w.publish(0, "a", "b", "c")
		first := w.join(firstIsHeld)
		w.untilTaken(first, 3)
		first.stop()
		w.publish(0, "d")
		second := w.join()
		w.untilCommitted(map[int32]int64{0: 4})
		if got := second.values(); !slices.Equal(got, []string{"a", "d"}) {
			w.t.Errorf("taken %v, want what was not settled", got)
		}
	})
}

func TestABrokerThatTakesNoMetadataGetsCommitsWithoutIt(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a", "b")
		first := w.join(firstIsHeld)
		w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: 1})
		w.untilTaken(first, 2)
		w.until("it is said", func() bool { return w.log.count("offset.metadata.max.bytes") == 1 })
		first.records()[0].Settle()
		w.untilCommitted(map[int32]int64{0: 2})
		first.stop()
	})
}
