package deadletter_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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
