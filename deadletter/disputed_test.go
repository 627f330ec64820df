package deadletter_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// odd has fetches answered with what change makes of the first partition asked for.
func odd(fake *kfake.Cluster, change func(*kmsg.FetchResponseTopicPartition)) {
	fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := r.(*kmsg.FetchRequest)
		asked := req.Topics[0]
		part := kmsg.NewFetchResponseTopicPartition()
		part.Partition, part.HighWatermark, part.LastStableOffset = asked.Partitions[0].Partition, 9, 9
		change(&part)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		res.Topics = []kmsg.FetchResponseTopic{{Topic: asked.Topic, TopicID: asked.TopicID, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
		return res, nil, true
	})
}

func TestWhatABrokerAnswersForEverEndsTheReadingOfLettersWithWhatItIs(t *testing.T) {
	fails := func(err *kerr.Error) func(*kfake.Cluster, string) {
		return func(fake *kfake.Cluster, name string) {
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: name, Err: err, Count: -1})
		}
	}
	for rule, test := range map[string]struct {
		begins func(*kfake.Cluster, string)
		says   string
	}{
		"an offset that it lists is out of range": {fails(kerr.OffsetOutOfRange), "the broker answers OFFSET_OUT_OF_RANGE: The requested offset is not within the range of offsets maintained by the server., and lists the offsets 0 to 2"},
		"it is not the leader":                    {fails(kerr.NotLeaderForPartition), "NOT_LEADER_FOR_PARTITION"},
		"it does not know the topic's id":         {fails(kerr.UnknownTopicID), "UNKNOWN_TOPIC_ID"},
		"it does not know the topic":              {fails(kerr.UnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PARTITION"},
		"the leader's epoch is another":           {fails(kerr.FencedLeaderEpoch), "FENCED_LEADER_EPOCH"},
		"its disk fails":                          {fails(kerr.KafkaStorageError), "KAFKA_STORAGE_ERROR"},
		"what is written is corrupt":              {fails(kerr.CorruptMessage), "CORRUPT_MESSAGE"},
		"it does not know what is the matter":     {fails(kerr.UnknownServerError), "UNKNOWN_SERVER_ERROR"},
		"there is nothing where there is much": {func(fake *kfake.Cluster, _ string) {
			odd(fake, func(*kmsg.FetchResponseTopicPartition) {})
		}, "the broker answers with nothing, and that there is something"},
		"it has a quota, and does not say for how long": {func(fake *kfake.Cluster, _ string) {
			fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				return r.ResponseKind(), nil, true
			})
		}, "the broker answers without the partition"},
	} {
		for how, read := range map[string]func(d *desk) error{
			"one by its name": func(d *desk) error {
				_, err := d.Get(d.t.Context(), deadletter.Name{Topic: d.topic, Offset: 1})
				return err
			},
			"all, the newest first": func(d *desk) error {
				for _, err := range d.Letters(d.t.Context(), deadletter.Query{}) {
					if err != nil {
						return err
					}
				}
				return nil
			},
			"all, the oldest first": func(d *desk) error {
				for _, err := range d.Letters(d.t.Context(), oldestFirst) {
					if err != nil {
						return err
					}
				}
				return nil
			},
		} {
			t.Run(rule+"/"+how, func(t *testing.T) {
				virtual(t, 1, nil, func(w *world) {
					d := newDesk(w)
					d.write(letters(3, 100)...)
					fake := w.RequireKfake(w.t)
					var asked atomic.Int32
					fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
						fake.KeepControl()
						asked.Add(1)
						return nil, nil, false
					})
					test.begins(fake, d.topic)
					began := time.Now()
					err := read(d)
					if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), d.topic) {
						w.t.Errorf("error %v, want %s", err, test.says)
					}
					if took := time.Since(began); took > topic.Patience+15*time.Second {
						w.t.Errorf("it ends after %v", took)
					}
					if n := asked.Load(); n == 0 || n > 100 {
						w.t.Errorf("it asks %d times", n)
					}
				})
			})
		}
	}
}
