package consumer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// odd has a broker answer fetches of partition 1, with what change makes of it.
func (w *world) odd(change func(*kmsg.FetchResponseTopicPartition)) (stop func()) {
	fake := w.RequireKfake(w.t)
	var over atomic.Bool
	fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := r.(*kmsg.FetchRequest)
		if over.Load() {
			return nil, nil, false
		}
		for _, t := range req.Topics {
			for _, asked := range t.Partitions {
				if asked.Partition != 1 {
					continue
				}
				part := kmsg.NewFetchResponseTopicPartition()
				part.Partition, part.HighWatermark, part.LastStableOffset = 1, 4, 4
				change(&part)
				res := req.ResponseKind().(*kmsg.FetchResponse)
				res.Topics = []kmsg.FetchResponseTopic{{Topic: t.Topic, TopicID: t.TopicID, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
				return res, nil, true
			}
		}
		return nil, nil, false
	})
	return func() { over.Store(true) }
}

// fault has fetches of partition 1 fail.
func (w *world) fault(err *kerr.Error) (stop func()) {
	f := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: w.topic, Partitions: []int32{1}, Err: err, Count: -1})
	return func() { f.Remove() }
}

func TestWhatABrokerAnswersForEverIsSaidAndNotAskedForAllTheTime(t *testing.T) {
	for rule, begins := range map[string]func(w *world) (stop func()){
		"the offset is out of range":           func(w *world) func() { return w.fault(kerr.OffsetOutOfRange) },
		"it is not the leader":                 func(w *world) func() { return w.fault(kerr.NotLeaderForPartition) },
		"it does not know the topic's id":      func(w *world) func() { return w.fault(kerr.UnknownTopicID) },
		"it does not know the topic":           func(w *world) func() { return w.fault(kerr.UnknownTopicOrPartition) },
		"the leader's epoch is another":        func(w *world) func() { return w.fault(kerr.FencedLeaderEpoch) },
		"its disk fails":                       func(w *world) func() { return w.fault(kerr.KafkaStorageError) },
		"what is written is corrupt":           func(w *world) func() { return w.fault(kerr.CorruptMessage) },
		"it does not know what is the matter":  func(w *world) func() { return w.fault(kerr.UnknownServerError) },
		"there is nothing where there is much": func(w *world) func() { return w.odd(func(*kmsg.FetchResponseTopicPartition) {}) },
		"there is what was before": func(w *world) func() {
			return w.odd(func(p *kmsg.FetchResponseTopicPartition) {
				p.RecordBatches = wiretest.Of(0, 2, -1, false, 0, 1, 2).Encode()
			})
		},
		"the log is another, from where it was": func(w *world) func() {
			return w.odd(func(p *kmsg.FetchResponseTopicPartition) { p.DivergingEpoch.EndOffset = 3 })
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				m := w.join()
				w.publish(1, "a", "b", "c")
				w.untilCommitted(map[int32]int64{0: 0, 1: 3})
				var asked atomic.Int32 // of partition 1
				fake := w.RequireKfake(w.t)
				fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
					fake.KeepControl()
					for _, t := range r.(*kmsg.FetchRequest).Topics {
						for _, p := range t.Partitions {
							if p.Partition == 1 {
								asked.Add(1)
							}
						}
					}
					return nil, nil, false
				})
				stop := begins(w)
				w.publish(1, "d")
				time.Sleep(10 * time.Minute)
				if n := asked.Load(); n > 300 {
					w.t.Errorf("it is asked %d times in 10 minutes", n)
				}
				said := w.log.count("level=WARN msg=\"partition cannot be fetched, trying again\"")
				if said < 9 || said > 11 {
					w.t.Errorf("it is said %d times in 10 minutes", said)
				}
				stop()
				w.untilTaken(m, 4)
				w.until("it is said that it is over", func() bool { return w.log.count("partition is fetched again") == 1 })
				w.publish(0, "e")
				w.untilTaken(m, 5)
			})
		})
	}
}
