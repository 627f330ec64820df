package cluster

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The housekeeping adds to what the group has committed, and may come before the group.
func TestAGroupThatThereIsNotYetHasCommittedAnEmptyMap(t *testing.T) {
	t.Parallel()
	addrs, stop, err := Start(0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	offsets, err := Committed(t.Context(), client, "sandbox")
	if err != nil || len(offsets) > 0 {
		t.Fatalf("committed %v, error %v", offsets, err)
	}
	offsets[""] = nil
}

// All brokers may know who leads a partition before that one does itself. Where several
// say so at once, the client asks only the first of them again.
func TestTheEndsOfATopicJustMadeAreAskedForAgain(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		const partitions = 12
		topic := b.Topic(t, partitions)
		refusals := 3 // one of each broker
		b.RequireKfake(t).ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
			b.RequireKfake(t).KeepControl()
			if refusals--; refusals < 0 {
				return nil, nil, false
			}
			res := req.ResponseKind().(*kmsg.ListOffsetsResponse)
			for _, asked := range req.(*kmsg.ListOffsetsRequest).Topics {
				told := kmsg.NewListOffsetsResponseTopic()
				told.Topic = asked.Topic
				for _, p := range asked.Partitions {
					one := kmsg.NewListOffsetsResponseTopicPartition()
					one.Partition, one.ErrorCode = p.Partition, kerr.NotLeaderForPartition.Code
					told.Partitions = append(told.Partitions, one)
				}
				res.Topics = append(res.Topics, told)
			}
			return res, nil, true
		})
		client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.Dialer(b.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		offsets, err := Ends(t.Context(), client, topic)
		if err != nil || len(offsets) != partitions {
			t.Errorf("ends %v, error %v", offsets, err)
		}
	})
}
