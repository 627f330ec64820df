package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// fetchCommit is what the group has committed of a partition, with its metadata.
func (w *world) fetchCommit(partition int32) kmsg.OffsetFetchResponseTopicPartition {
	w.t.Helper()
	topic := kmsg.NewOffsetFetchRequestTopic()
	topic.Topic, topic.Partitions = w.topic, []int32{partition}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = w.group, []kmsg.OffsetFetchRequestTopic{topic}
	res, err := req.RequestWith(context.Background(), w.client(kgo.MaxVersions(kversion.V3_0_0())))
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Topics[0].Partitions[0]
}

// commit has a tool commit an offset, as it can while the group has no members.
func (w *world) commit(partition int32, offset int64, metadata *string) {
	w.t.Helper()
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.Metadata = partition, offset, metadata
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = w.topic, []kmsg.OffsetCommitRequestTopicPartition{p}
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation, req.Topics = w.group, -1, []kmsg.OffsetCommitRequestTopic{topic}
	res, err := req.RequestWith(context.Background(), w.client(kgo.MaxVersions(kversion.V3_0_0())))
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

const saysIgnored = "what was committed beside the offset is ignored"

// 25 records, of which 10 to 14 were not settled when the first member ended; then somebody moves the commit.
func TestWhatIsCommittedBesideAnOffsetHoldsForThatOffsetAlone(t *testing.T) {
	for rule, test := range map[string]struct {
		move  func(w *world)
		taken string
		said  int
	}{
		"left alone, only what was not settled is taken": {
			func(*world) {}, "10 11 12 13 14", 0,
		},
		"moved back with its metadata, all from there on is taken": {
			func(w *world) { w.commit(0, 5, w.fetchCommit(0).Metadata) },
			"5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 1,
		},
		"moved back by little, likewise": {
			func(w *world) { w.commit(0, 8, w.fetchCommit(0).Metadata) },
			"8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 1,
		},
		"moved on with its metadata, likewise": {
			func(w *world) { w.commit(0, 12, w.fetchCommit(0).Metadata) },
			"12 13 14 15 16 17 18 19 20 21 22 23 24", 1,
		},
		"moved without metadata, as by Kafka's own tool, likewise": {
			func(w *world) { w.commit(0, 5, nil) },
			"5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 0,
		},
		"rewritten at its offset without metadata, likewise": {
			func(w *world) { w.commit(0, 10, nil) },
			"10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 0,
		},
		"rewritten by another program, which has metadata of its own, likewise": {
			func(w *world) { w.commit(0, 10, kmsg.StringPtr("host-7")) },
			"10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 1,
		},
		"of an unbound form, as it once was written, likewise": {
			func(w *world) { w.commit(0, 10, kmsg.StringPtr("settled:BQo")) },
			"10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", 1,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			planned(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				first := w.join(func(_ *consumer.Config, m *member) {
					m.held = func(r consumer.Record) bool { return r.Offset >= 10 && r.Offset < 15 }
				})
				w.untilTaken(first, 25)
				first.stop()
				w.untilCommitted(map[int32]int64{0: 10})
				test.move(w)
				second := w.join()
				w.untilCommitted(map[int32]int64{0: 25})
				if got := strings.Join(second.values(), " "); got != test.taken {
					w.t.Errorf("taken %s", got)
				}
				if n := w.log.count(saysIgnored); n != test.said {
					w.t.Errorf("said %d times", n)
				}
			})
		})
	}
}

// A mirror copies the records and the group's commit to another cluster, where the topic has another id. Were that
// taken for a topic made anew, all of it would be delivered again.
func TestACommitMirroredToAnotherClusterIsBelievedWithoutItsMetadata(t *testing.T) {
	for rule, offset := range map[string]int64{"at the same offset": 10, "at one translated": 7} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("", 25)...)
				first := w.join(func(_ *consumer.Config, m *member) {
					m.held = func(r consumer.Record) bool { return r.Offset >= 10 && r.Offset < 15 }
				})
				w.untilTaken(first, 25)
				first.stop()
				metadata := w.fetchCommit(0).Metadata

				mirror := &world{
					Broker: kafkatest.StartVirtual(w.t, kfake.ClusterID("another")), t: w.t, topic: w.topic, group: w.group,
					patience: w.patience, rest: w.rest, takes: map[at]int{},
				}
				if err := mirror.CreateTopic(w.t.Context(), w.topic, 1, nil); err != nil {
					w.t.Fatal(err)
				}
				mirror.publish(0, batch("", 25)...)
				mirror.commit(0, offset, metadata)
				second := mirror.join()
				mirror.untilCommitted(map[int32]int64{0: 25})
				var want []string
				for i := offset; i < 25; i++ {
					want = append(want, fmt.Sprint(i))
				}
				if got := strings.Join(second.values(), " "); got != strings.Join(want, " ") {
					w.t.Errorf("taken %s", got)
				}
				if n := mirror.log.count(saysIgnored); n != 1 {
					w.t.Errorf("said %d times", n)
				}
				second.stop()
			})
		})
	}
}

// Within a cluster, a commit copied from one topic to another.
func TestACommitCopiedToAnotherTopicIsBelievedWithoutItsMetadata(t *testing.T) {
	planned(t, 1, func(w *world) {
		w.publish(0, batch("", 25)...)
		first := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset >= 10 && r.Offset < 15 }
		})
		w.untilTaken(first, 25)
		first.stop()
		metadata := w.fetchCommit(0).Metadata
		w.topic += "-renamed"
		if err := w.CreateTopic(w.t.Context(), w.topic, 1, nil); err != nil {
			w.t.Fatal(err)
		}
		w.publish(0, batch("", 25)...)
		w.commit(0, 10, metadata)
		second := w.join()
		w.untilCommitted(map[int32]int64{0: 25})
		if got := second.values(); len(got) != 15 || got[0] != "10" {
			w.t.Errorf("taken %v", got)
		}
	})
}
