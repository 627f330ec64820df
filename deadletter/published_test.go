package deadletter_test

import (
	"math"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
)

func TestWhatIsReplayedIsSeenByAllWhenReplayReturns(t *testing.T) {
	for rule, test := range map[string]struct {
		code int16 // 0: the broker has not heard of the commit
	}{
		"once the broker has heard of the commit":      {0},
		"once the broker says what it has heard of":    {kerr.CoordinatorLoadInProgress.Code},
		"and what cannot be asked is not taken for it": {kerr.TopicAuthorizationFailed.Code},
	} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letter("player", "1"))
			resolver, replays := d.resolver("run 1"), d.replays(d.all(oldestFirst))
			asked := d.answerOffsets(deadletter.ResolutionTopic(d.topic), test.code, 2)
			done, err := resolver.Replay(t.Context(), replays...)
			d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
			if n := asked.Load(); n != 3 {
				t.Errorf("Replay has asked %d times what readers see, not until they see it", n)
			}
			done, err = resolver.Replay(t.Context(), replays...)
			d.expectDone(done, err, "resolved 0, skipped 1, refused 0, unknown 0, untouched 0")
			if n := asked.Load(); n != 3 {
				t.Error("Replay has written nothing and asks what readers see")
			}
		})
	}
}

func TestReplayDoesNotWaitForEverUntilItIsSeen(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("player", "1"), letter("player", "2"))
	resolver, replays := d.resolver("run 1"), d.replays(d.all(oldestFirst))
	asked := d.answerOffsets(deadletter.ResolutionTopic(d.topic), 0, math.MaxInt32)
	done, err := resolver.Replay(t.Context(), replays[0])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	before := asked.Load()
	if before < 2 {
		t.Error("Replay has not tried again")
	}
	done, err = resolver.Replay(t.Context(), replays[1])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	if n := asked.Load() - before; n > 1 { // the last question may have come after it was given up
		t.Errorf("Replay waits again, having waited in vain: it asks %d times", n)
	}
}

func TestATopicThatCannotBeDescribedIsNotTakenForSeen(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("player", "1"))
	resolver, replays := d.resolver("run 1"), d.replays(d.all(oldestFirst))
	var ended atomic.Bool
	var described atomic.Int32
	resolutions := deadletter.ResolutionTopic(d.topic)
	fake := d.RequireKfake(t)
	fake.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		ended.Store(true)
		return nil, nil, false
	})
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := r.(*kmsg.MetadataRequest)
		if !ended.Load() || len(req.Topics) != 1 || req.Topics[0].Topic == nil || *req.Topics[0].Topic != deadletter.ResolutionTopic(d.topic) || described.Add(1) > 2 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = &resolutions, kerr.TopicAuthorizationFailed.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	asked := d.answerOffsets(deadletter.ResolutionTopic(d.topic), 0, 0)
	done, err := resolver.Replay(t.Context(), replays...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	if described.Load() < 3 || asked.Load() != 1 {
		t.Errorf("the topic was described %d times and its offsets asked for %d times", described.Load(), asked.Load())
	}
}

// answerOffsets has the broker say for a while, when it is asked for the offsets of the topic, that there is nothing, or
// an error. It returns how often it is asked.
func (d *desk) answerOffsets(name string, code int16, times int32) *atomic.Int32 {
	var asked atomic.Int32
	fake := d.RequireKfake(d.t)
	fake.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := r.(*kmsg.ListOffsetsRequest)
		if req.Topics[0].Topic != name || asked.Add(1) > times {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = name
		for _, p := range req.Topics[0].Partitions {
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Partition, partition.Offset, partition.ErrorCode = p.Partition, 0, code
			topic.Partitions = append(topic.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	return &asked
}
