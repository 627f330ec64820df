package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// asked is a request for partitions of two topics, of which each has a share of 1000
// bytes, in that version of the API.
func asked(t *testing.T, version int16) *request {
	c := &Consumer{}
	c.spoken.note(0, map[int16]versions{int16(kmsg.Fetch): {version, version}})
	f := &group{}
	for i := range 8 {
		w := newWish(&Partition{Topic: fmt.Sprint("topic", i/4), ID: i % 4}, 1000)
		w.from = position{topic: topicID{15: byte(1 + i/4)}, offset: int64(i), epoch: unknownEpoch}
		w.told = i%2 == 0
		f.waiting = append(f.waiting, w)
	}
	r := c.newRequest(t.Context(), f, 0)
	r.most = wire.NewestFetch
	return r
}

// hear has the request answered with these bytes, a few at a time, and returns what each
// of the wishes is told.
func (r *request) hear(answer []byte) (told map[*wish]fetched, err error) {
	wishes := slices.Clone(r.wishes)
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var size [4]byte
		_, _ = io.ReadFull(far, size[:])
		_, _ = io.CopyN(io.Discard, far, int64(binary.BigEndian.Uint32(size[:])))
		for piece := range slices.Chunk(answer, 7) {
			if _, err := far.Write(piece); err != nil {
				return
			}
		}
		_ = far.Close()
	}()
	_, err = r.RawExchange(near)
	_ = near.Close()
	<-done
	told = map[*wish]fetched{}
	for _, w := range wishes {
		select {
		case a := <-w.answer:
			told[w] = a
		default:
		}
	}
	return told, err
}

// anyAnswer says something of some of the partitions asked for.
func anyAnswer(random *rand.Rand, r *request, version int16) (*kmsg.FetchResponse, map[*wish]*kmsg.FetchResponseTopicPartition) {
	res := kmsg.NewPtrFetchResponse()
	res.Version, res.SessionID = version, random.Int32()
	said := map[*wish]*kmsg.FetchResponseTopicPartition{}
	for wishes := range slices.Chunk(r.wishes, 4) {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = wishes[0].p.Topic, wishes[0].from.topic
		for _, at := range random.Perm(4)[random.IntN(5):] {
			part := kmsg.NewFetchResponseTopicPartition()
			part.Partition = int32(wishes[at].p.ID)
			part.HighWatermark, part.LastStableOffset, part.LogStartOffset = random.Int64N(10), random.Int64N(10), random.Int64()
			for range random.IntN(3) * random.IntN(3) {
				part.AbortedTransactions = append(part.AbortedTransactions, abortedTransaction{ProducerID: random.Int64(), FirstOffset: random.Int64()})
			}
			switch random.IntN(5) {
			case 0:
				part.ErrorCode = kerr.NotLeaderForPartition.Code
			case 1:
				part.DivergingEpoch.Epoch, part.DivergingEpoch.EndOffset = random.Int32(), random.Int64()
			case 2:
				part.RecordBatches = []byte{}
			case 3:
				part.RecordBatches = bytes.Repeat([]byte{byte(at)}, 990+random.IntN(20))
			}
			if random.IntN(2) == 0 {
				part.UnknownTags.Set(7, []byte("new"))
				part.CurrentLeader.LeaderID = 3
			}
			topic.Partitions = append(topic.Partitions, part)
		}
		if len(topic.Partitions) == 0 {
			continue
		}
		for i := range topic.Partitions {
			at := slices.IndexFunc(wishes, func(w *wish) bool { return w.p.ID == int(topic.Partitions[i].Partition) })
			said[wishes[at]] = &topic.Partitions[i]
		}
		res.Topics = append(res.Topics, topic)
	}
	if random.IntN(2) == 0 {
		res.Brokers = []kmsg.FetchResponseBroker{{NodeID: 1, Host: "host"}}
	}
	return res, said
}

func TestWhatABrokerAnswersInAnyVersionIsToldToWhoAsked(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for version := int16(wire.OldestFetch); version <= wire.NewestFetch; version++ {
		for range 200 {
			r := asked(t, version)
			wishes := slices.Clone(r.wishes)
			res, said := anyAnswer(random, r, version)
			told, err := r.hear(wiretest.Answer(res))
			if err != nil {
				t.Fatalf("version %d: %v", version, err)
			}
			for _, w := range wishes {
				part := said[w]
				got, is := told[w]
				if part == nil {
					if is || !slices.Contains(r.wishes, w) {
						t.Fatalf("version %d: nothing is said of %s, and it is told %v", version, w.p, got)
					}
					continue
				}
				if slices.Contains(r.wishes, w) {
					t.Fatalf("version %d: %s is not told", version, w.p)
				}
				if !res.IsFlexible() {
					part.DivergingEpoch = kmsg.NewFetchResponseTopicPartitionDivergingEpoch()
				}
				want, err := newChunkOf(w.p, w.from, part, nil)
				size := len(part.RecordBatches)
				switch {
				case err != nil:
				case size > w.maxBytes, size == 0 && want.safe > w.from.offset:
					err = errAlone
				case size == 0 && !w.told:
					if is || !slices.Contains(r.empty, w) {
						t.Fatalf("version %d: there is nothing of %s, and it is told %v", version, w.p, got)
					}
					continue
				}
				if err != nil {
					if got.err == nil || got.err.Error() != err.Error() {
						t.Fatalf("version %d: %s is told the error %v, want %v", version, w.p, got.err, err)
					}
					continue
				}
				if got.err != nil {
					t.Fatalf("version %d: %s is told the error %v", version, w.p, got.err)
				}
				c := got.chunk
				if !bytes.Equal(c.Rest(), want.Rest()) || c.Next() != want.Next() || c.end != want.end || c.safe != want.safe {
					t.Fatalf("version %d: %s is told %+v, want %+v", version, w.p, c, want)
				}
			}
		}
	}
}

// What comes before an answer breaks off holds.
func TestAnAnswerThatIsCutOffIsAnErrorOfThoseThatItHasNotComeTo(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, version := range []int16{4, 12, 13} {
		r := asked(t, version)
		res, _ := anyAnswer(random, r, version)
		whole := wiretest.Answer(res)
		last := 0
		for cut := range len(whole) {
			r := asked(t, version)
			told, err := r.hear(whole[:cut])
			if err == nil {
				t.Fatalf("version %d, cut after %d of %d bytes: no error", version, cut, len(whole))
			}
			n := len(told) + len(r.empty)
			left := len(slices.DeleteFunc(r.wishes, func(w *wish) bool { return w == nil }))
			if n+left != 8 || n < last {
				t.Fatalf("version %d, cut after %d bytes: %d are told, %d are left", version, cut, n, left)
			}
			last = n
		}
	}
}

func TestAnAnswerThatIsGarbageIsAnErrorOrAnAnswer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 4_000 {
		version := wire.OldestFetch + random.Int32N(wire.NewestFetch-wire.OldestFetch+1)
		r := asked(t, int16(version))
		res, _ := anyAnswer(random, r, int16(version))
		b := wiretest.Answer(res)
		for range 1 + random.IntN(3) {
			b[4+random.IntN(len(b)-4)] = byte(random.Uint32())
		}
		told, err := r.hear(b)
		left := slices.DeleteFunc(r.wishes, func(w *wish) bool { return w == nil })
		if len(told)+len(r.empty)+len(left) != 8 {
			t.Fatalf("error %v: %d are told, %d left", err, len(told)+len(r.empty), len(left))
		}
	}
}

func TestAnAnswerIsAsWasAskedFor(t *testing.T) {
	t.Parallel()
	const version = 13
	id := topicID{15: 1}
	one := func(change func(*kmsg.FetchResponseTopicPartition)) *kmsg.FetchResponse {
		part := kmsg.NewFetchResponseTopicPartition()
		part.RecordBatches = []byte("records")
		if change != nil {
			change(&part)
		}
		res := kmsg.NewPtrFetchResponse()
		res.Version = version
		res.Topics = []kmsg.FetchResponseTopic{{TopicID: id, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
		return res
	}
	twice := one(nil)
	twice.Topics = append(twice.Topics, twice.Topics[0])
	other := one(nil)
	other.Topics[0].TopicID[0]++
	refused := one(nil)
	refused.ErrorCode = kerr.FetchSessionTopicIDError.Code
	throttled := one(nil)
	throttled.ThrottleMillis = 1 << 30
	large := wiretest.Answer(one(nil))
	binary.BigEndian.PutUint32(large, 1<<31-1)
	negative := slices.Clone(large)
	binary.BigEndian.PutUint32(negative, 1<<31)
	tagged := wiretest.Answer(one(func(p *kmsg.FetchResponseTopicPartition) { p.DivergingEpoch.EndOffset = 3 }))
	tagged[bytes.Index(tagged, []byte("records"))+len("records")+2] -= 8 // bytes of the tag
	for rule, test := range map[string]struct {
		answer []byte
		told   int
		want   error // nil: any
		good   bool
	}{
		"one partition":                       {wiretest.Answer(one(nil)), 1, nil, true},
		"a partition that was not asked for":  {wiretest.Answer(one(func(p *kmsg.FetchResponseTopicPartition) { p.Partition = 9 })), 0, errOtherPartition, false},
		"another topic":                       {wiretest.Answer(other), 0, errOtherPartition, false},
		"a partition twice":                   {wiretest.Answer(twice), 1, errOtherPartition, false},
		"an error of all":                     {wiretest.Answer(refused), 0, kerr.FetchSessionTopicIDError, false},
		"nothing":                             {nil, 0, nil, false},
		"a size beyond what comes":            {large, 1, nil, false},
		"a negative size":                     {negative, 0, nil, false},
		"a tag that is longer than its bytes": {tagged, 0, nil, false},
		"a demand to wait for days":           {wiretest.Answer(throttled), 1, nil, true},
	} {
		r := asked(t, version)
		told, err := r.hear(test.answer)
		if (err == nil) != test.good || test.want != nil && !errors.Is(err, test.want) || len(told) != test.told {
			t.Errorf("%s: %d are told, error %v, want %v", rule, len(told), err, test.want)
		}
		if r.throttled > maxThrottle {
			t.Errorf("%s: it waits for %s", rule, r.throttled)
		}
	}
}

func TestABrokerThatSpeaksTooOldAVersionIsNotAsked(t *testing.T) {
	t.Parallel()
	r := asked(t, wire.OldestFetch-1)
	if told, err := r.hear(nil); err == nil || err.Error() != tooOldError(wire.OldestFetch-1).Error() || len(told) != 0 {
		t.Errorf("%d are told, error %v", len(told), err)
	}
}

// Aborted transactions are named before the records, however many there are.
func TestAListOfAbortedTransactionsTakesNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	const abortedSize = 16
	for n, fits := range map[int]bool{wire.ResponseSlack / abortedSize: true, wire.ResponseSlack/abortedSize + 1: false} {
		r := asked(t, wire.NewestFetch)
		part := kmsg.NewFetchResponseTopicPartition()
		part.AbortedTransactions = make([]abortedTransaction, n)
		part.RecordBatches = []byte("records")
		res := kmsg.NewPtrFetchResponse()
		res.Version = wire.NewestFetch
		res.Topics = []kmsg.FetchResponseTopic{{TopicID: r.wishes[0].from.topic, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
		w := r.wishes[0]
		told, err := r.hear(wiretest.Answer(res))
		if err != nil || (told[w].err == nil) != fits || !fits && !errors.Is(told[w].err, errAlone) {
			t.Errorf("%d transactions: told %+v, error %v", n, told[w], err)
		}
	}
}
