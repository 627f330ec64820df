package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// anyAnswer says something of some partitions of two topics.
func anyAnswer(random *rand.Rand, version int16) *kmsg.FetchResponse {
	res := kmsg.NewPtrFetchResponse()
	res.Version, res.ThrottleMillis, res.SessionID = version, random.Int32N(1000), random.Int32()
	for n := range 2 {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = fmt.Sprint("topic", n), [16]byte{15: byte(1 + n)}
		for _, at := range random.Perm(4)[random.IntN(5):] {
			part := kmsg.NewFetchResponseTopicPartition()
			part.Partition, part.ErrorCode = int32(at), int16(random.IntN(2))
			part.HighWatermark, part.LastStableOffset, part.LogStartOffset = random.Int64(), random.Int64(), random.Int64()
			for range random.IntN(3) * random.IntN(3) {
				part.AbortedTransactions = append(part.AbortedTransactions, abortedTransaction{ProducerID: random.Int64(), FirstOffset: random.Int64()})
			}
			part.RecordBatches = bytes.Repeat([]byte{byte(at)}, random.IntN(2)*random.IntN(2000))
			if random.IntN(3) == 0 {
				part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = random.Int32(), random.Int64()
			}
			if random.IntN(2) == 0 {
				part.UnknownTags.Set(7, []byte("new"))
				part.CurrentLeader.LeaderID = 3
			}
			topic.Partitions = append(topic.Partitions, part)
		}
		res.Topics = append(res.Topics, topic)
	}
	if random.IntN(2) == 0 {
		res.Brokers = []kmsg.FetchResponseBroker{{NodeID: 1, Host: "host"}}
	}
	return res
}

func TestAnAnswerInAnyVersionIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	const most = 1000
	random := rand.New(rand.NewPCG(1, 2))
	for version := int16(OldestFetch); version <= NewestFetch; version++ {
		for range 100 {
			res := anyAnswer(random, version)
			a := NewAnswer(iotest.OneByteReader(bytes.NewReader(wiretest.Answer(res))), version, func() error { return nil })
			var want []kmsg.FetchResponseTopicPartition
			for _, topic := range res.Topics {
				want = append(want, topic.Partitions...)
			}
			i, last := 0, len(res.Topics[0].Partitions)
			for range a.Partitions {
				topic := &res.Topics[0]
				if i >= last {
					topic = &res.Topics[1]
				}
				w := &want[i]
				i++
				if !a.IsOf(topic.Topic, topic.TopicID, int(w.Partition)) || a.IsOf(topic.Topic, topic.TopicID, 9) || a.IsOf("other", [16]byte{1}, int(w.Partition)) {
					t.Fatalf("version %d: partition %d of %s goes by another name", version, w.Partition, topic.Topic)
				}
				part, m, fits := a.Read(most)
				if fits != (len(w.RecordBatches) <= most) || (m != nil) != (fits && len(w.RecordBatches) > 0) {
					t.Fatalf("version %d: it fits: %t, in %v; there are %d bytes", version, fits, m, len(w.RecordBatches))
				}
				got := kmsg.NewFetchResponseTopicPartition() // what is read, of what there is
				got.Partition, got.ErrorCode, got.HighWatermark, got.LastStableOffset = w.Partition, w.ErrorCode, w.HighWatermark, w.LastStableOffset
				got.AbortedTransactions = w.AbortedTransactions
				if version >= firstFlexible {
					got.DivergingEpoch = w.DivergingEpoch
				}
				if m != nil {
					got.RecordBatches = w.RecordBatches
				}
				if !reflect.DeepEqual(*part, got) {
					t.Fatalf("version %d: read %+v, want %+v", version, *part, got)
				}
			}
			if a.Err() != nil || i != len(want) || a.Throttle().Milliseconds() != int64(res.ThrottleMillis) {
				t.Fatalf("version %d: %d of %d partitions, to wait for %s, error %v", version, i, len(want), a.Throttle(), a.Err())
			}
		}
	}
}

func TestAnAnswerThatIsNotToBeBelievedIsAnError(t *testing.T) {
	t.Parallel()
	const version = 13
	res := kmsg.NewPtrFetchResponse()
	res.Version = version
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches, part.DivergingEpoch.EndOffset = []byte("records"), 3
	res.Topics = []kmsg.FetchResponseTopic{{Partitions: []kmsg.FetchResponseTopicPartition{part}}}
	good := wiretest.Answer(res)
	tagged := slices.Clone(good)
	tagged[bytes.Index(tagged, []byte("records"))+len("records")+2] -= 8 // bytes of the tag
	res.ErrorCode = kerr.FetchSessionTopicIDError.Code
	late := errors.New("late")
	for rule, test := range map[string]struct {
		answer []byte
		comes  error
		want   error
	}{
		"a tag that is longer than its bytes": {tagged, nil, errLies},
		"an error of all":                     {wiretest.Answer(res), nil, kerr.FetchSessionTopicIDError},
		"one that comes too late":             {good, late, late},
	} {
		a := NewAnswer(bytes.NewReader(test.answer), version, func() error { return test.comes })
		for range a.Partitions {
			a.Read(1000)
		}
		if !errors.Is(a.Err(), test.want) {
			t.Errorf("%s: error %v, want %v", rule, a.Err(), test.want)
		}
	}
}
