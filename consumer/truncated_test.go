package consumer_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

const saysTruncated = "level=ERROR msg=\"the log has lost records that were taken"

// truncated has the broker say that the log ends, or differs from what was read, at the offset. (The fake has no
// elections in which records are lost: those behind the offset stand for the ones written since.)
var truncated = map[string]func(w *world, offset int64){
	"by the leader epoch": func(w *world, offset int64) {
		fake := w.RequireKfake(w.t)
		fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			req := r.(*kmsg.FetchRequest)
			asked := req.Topics[0].Partitions[0]
			switch {
			case asked.LastFetchedEpoch < 0:
				return nil, nil, false
			case asked.FetchOffset <= offset: // it has gone back
				fake.DropControl()
				return nil, nil, false
			}
			fake.KeepControl()
			return differs(req, offset), nil, true
		})
	},
	"by the log's end": func(w *world, offset int64) {
		fake := w.RequireKfake(w.t)
		fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: w.topic, Err: kerr.OffsetOutOfRange, Count: 1})
		fake.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
			req := r.(*kmsg.ListOffsetsRequest)
			asked := req.Topics[0].Partitions[0]
			part := kmsg.NewListOffsetsResponseTopicPartition()
			part.Partition = asked.Partition
			if asked.Timestamp == -1 {
				part.Offset = offset
				fake.DropControl()
			} else {
				part.Offset = 0
				fake.KeepControl()
			}
			topic := kmsg.NewListOffsetsResponseTopic()
			topic.Topic, topic.Partitions = w.topic, []kmsg.ListOffsetsResponseTopicPartition{part}
			res := req.ResponseKind().(*kmsg.ListOffsetsResponse)
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		})
	},
}

// differs is the answer that the log differs from what was read of it, from the offset on.
func differs(req *kmsg.FetchRequest, offset int64) *kmsg.FetchResponse {
	part := kmsg.NewFetchResponseTopicPartition()
	part.DivergingEpoch.Epoch = max(0, req.Topics[0].Partitions[0].LastFetchedEpoch-1)
	part.DivergingEpoch.EndOffset = offset
	topic := kmsg.NewFetchResponseTopic()
	topic.TopicID, topic.Partitions = req.Topics[0].TopicID, []kmsg.FetchResponseTopicPartition{part}
	res := req.ResponseKind().(*kmsg.FetchResponse)
	res.Topics = append(res.Topics, topic)
	return res
}

func TestALogThatHasLostItsLastRecordsIsTakenFromWhereItDiffers(t *testing.T) {
	for how, truncate := range truncated {
		for _, start := range []consumer.Start{consumer.Earliest, consumer.Latest} {
			t.Run(how, func(t *testing.T) {
				virtual(t, 1, func(w *world) {
					m := w.join(func(cfg *consumer.Config, _ *member) { cfg.Start = start })
					w.until("pinned", w.pinned(1))
					w.publish(0, batch("", 10)...)
					w.untilCommitted(map[int32]int64{0: 10})
					truncate(w, 7)
					w.untilTaken(m, 13)
					if got := strings.Join(m.values(), " "); got != "0 1 2 3 4 5 6 7 8 9 7 8 9" {
						w.t.Errorf("taken %s", got)
					}
					w.untilCommitted(map[int32]int64{0: 10})
					if n := w.log.count(saysTruncated); n != 1 {
						w.t.Errorf("said %d times", n)
					}
				})
			})
		}
	}
}

func TestALogThatHasLostRecordsWhileNobodyReadItIsTakenFromWhereItDiffers(t *testing.T) {
	for how, truncate := range truncated {
		t.Run(how, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				first := w.join()
				w.publish(0, batch("", 10)...)
				w.untilCommitted(map[int32]int64{0: 10})
				first.stop()
				truncate(w, 7)
				second := w.join()
				w.untilTaken(second, 3)
				if got := strings.Join(second.values(), " "); got != "7 8 9" {
					w.t.Errorf("taken %s", got)
				}
			})
		})
	}
}

// What settled out of turn counts up to where the log differs: behind that there are other records.
func TestWhatSettledOutOfTurnDoesNotCountWhereTheLogDiffers(t *testing.T) {
	virtual(t, 1, func(w *world) {
		first := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 5 }
		})
		w.publish(0, batch("", 10)...)
		w.untilTaken(first, 10)
		first.stop()
		w.untilCommitted(map[int32]int64{0: 5}) // and 6 to 9 beside it
		time.Sleep(time.Second)                 // the broker has no request any more
		// The fetch is from 5 on: what differs has not been read, and only the ranges beside the commit are wrong.
		fake := w.RequireKfake(w.t)
		fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			return differs(r.(*kmsg.FetchRequest), 8), nil, true
		})
		second := w.join()
		w.untilCommitted(map[int32]int64{0: 10})
		if got := strings.Join(second.values(), " "); got != "5 8 9" {
			w.t.Errorf("taken %s", got)
		}
	})
}

func TestALogThatDiffersIsNotTakenBeforeTheOldRecordsAreSettled(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 3 || r.Offset == 8 }
		})
		w.publish(0, batch("", 10)...)
		w.untilTaken(m, 10)
		truncated["by the leader epoch"](w, 7)
		time.Sleep(10 * time.Minute)
		if n := w.log.count("going back to offset 7 once the records in flight from there on have settled, 1 of them"); n < 5 || n > 11 {
			w.t.Errorf("said %d times in ten minutes", n)
		}
		if got := len(m.values()); got != 10 {
			w.t.Errorf("%d records were taken", got)
		}
		m.records()[8].Settle() // and 3 is still the same
		w.until("it goes back", func() bool { return len(m.values()) == 13 })
		m.records()[3].Settle()
		m.records()[11].Settle()
		w.untilCommitted(map[int32]int64{0: 10})
		if got := strings.Join(m.values(), " "); got != "0 1 2 3 4 5 6 7 8 9 7 8 9" {
			w.t.Errorf("taken %s", got)
		}
	})
}

// It says so again and again, of what it has just served.
func TestABrokerThatNeverStopsSayingThatTheLogDiffersIsAskedAtLeisure(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.publish(0, batch("", 10)...)
		w.untilCommitted(map[int32]int64{0: 10})
		fake := w.RequireKfake(w.t)
		var wrong atomic.Bool
		wrong.Store(true)
		fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			if req := r.(*kmsg.FetchRequest); wrong.Load() && req.Topics[0].Partitions[0].FetchOffset > 7 {
				return differs(req, 7), nil, true
			}
			return nil, nil, false
		})
		time.Sleep(time.Minute)
		if n := len(m.values()); n > 2000 {
			w.t.Errorf("in a minute %d records were taken", n)
		}
		wrong.Store(false)
		w.publish(0, "last")
		w.until("taken", func() bool { return len(m.of("last")) == 1 })
	})
}

// The offset is in range by the broker's own account.
func TestABrokerThatDisputesAnOffsetInRangeIsAskedAtLeisure(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.publish(0, batch("", 5)...)
		w.untilCommitted(map[int32]int64{0: 5})
		dispute := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: w.topic, Err: kerr.OffsetOutOfRange, Count: -1})
		time.Sleep(5 * time.Minute)
		if n := dispute.Hits(); n > 150 {
			w.t.Errorf("it was asked %d times in five minutes", n)
		}
		if n := w.log.count("partition cannot be fetched, trying again"); n < 5 || n > 7 {
			w.t.Errorf("said %d times in five minutes", n)
		}
		dispute.Remove()
		w.publish(0, "5")
		w.untilTaken(m, 6)
		expectAll(w, "", 6, m)
	})
}
