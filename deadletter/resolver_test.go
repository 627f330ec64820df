package deadletter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// desk is a dead-letter topic with its resolutions, a replay topic, and a store.
type desk struct {
	*world
	*deadletter.Store
	replayTopic string
}

func newDesk(w *world) *desk {
	w.t.Helper()
	d := &desk{world: w, replayTopic: w.topic + ".replay"}
	for topic, s := range map[string]settings{
		deadletter.ResolutionTopic(w.topic): {"cleanup.policy": "compact"}, d.replayTopic: nil,
	} {
		if err := w.CreateTopic(w.t.Context(), topic, 3, s); err != nil {
			w.t.Fatal(err)
		}
	}
	d.Store = d.open()
	return d
}

func (d *desk) open() *deadletter.Store {
	d.t.Helper()
	s, err := deadletter.Open(connection(d.Broker), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.Close)
	return s
}

func (d *desk) resolver(run string) *deadletter.Resolver {
	d.t.Helper()
	r, err := d.open().Resolver(d.t.Context(), deadletter.Run{ID: run, By: "tester"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(r.Close)
	return r
}

// all reads the letters that a query asks for.
func (d *desk) all(q deadletter.Query) []deadletter.Entry {
	d.t.Helper()
	var entries []deadletter.Entry
	for e, err := range d.Letters(d.t.Context(), q) {
		if err != nil {
			d.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

var (
	oldestFirst = deadletter.Query{OldestFirst: true}
	anyState    = deadletter.Query{OldestFirst: true, Filter: deadletter.Filter{State: deadletter.AnyState}}
)

func (d *desk) replays(entries []deadletter.Entry) []deadletter.Replay {
	replays := make([]deadletter.Replay, len(entries))
	for i, e := range entries {
		replays[i] = deadletter.Replay{Entry: e, Topic: d.replayTopic}
	}
	return replays
}

// replayed counts how often each key lies in the replay topic, committed.
func (d *desk) replayed() map[string]int {
	d.t.Helper()
	times := map[string]int{}
	for _, r := range d.committed(d.replayTopic) {
		times[string(r.Key)]++
	}
	return times
}

// committed reads a topic as a reader of committed records, from end to end.
func (d *desk) committed(topic string) (records []*kgo.Record) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Minute) // it only ends what would never end
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
	)
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	written, ends := d.ends(client, topic, 0), d.ends(client, topic, 1)
	for p := range written {
		for ends[p] < written[p] { // a transaction is being ended
			time.Sleep(20 * time.Millisecond)
			ends = d.ends(client, topic, 1)
		}
	}
	offsets := map[int32]kgo.Offset{}
	for p, end := range ends {
		if end > 0 {
			offsets[p] = kgo.NewOffset().AtStart()
		}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets})
	for len(offsets) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			d.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset+1 >= ends[r.Partition] {
				delete(offsets, r.Partition)
			}
		})
	}
	return records
}

func (d *desk) ends(client *kgo.Client, topic string, isolation int8) map[int32]int64 {
	d.t.Helper()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for i := range int32(partitions(d.t, d.Broker, topic)) {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = i, -1
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(d.t.Context(), client)
	if err != nil {
		d.t.Fatal(err)
	}
	ends := map[int32]int64{}
	for _, p := range resp.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			d.t.Fatal(err)
		}
		ends[p.Partition] = p.Offset
	}
	return ends
}

// expectOnce checks that each letter lies once in the replay topic.
func (d *desk) expectOnce(want []deadletter.Letter) {
	d.t.Helper()
	times := d.replayed()
	for _, l := range want {
		if n := times[string(l.Key)]; n != 1 {
			d.t.Errorf("letter %s lies %d times in the replay topic", l.Key, n)
		}
	}
	if len(times) != len(want) {
		d.t.Errorf("%d letters lie in the replay topic, want %d", len(times), len(want))
	}
}

// summary writes what was done in short.
func summary(d deadletter.Done) string {
	return fmt.Sprintf("resolved %d, skipped %d, refused %d, unknown %d, untouched %d",
		len(d.Resolved), len(d.Skipped), len(d.Refused), len(d.Unknown), len(d.Untouched))
}

func (d *desk) expectDone(done deadletter.Done, err error, want string) {
	d.t.Helper()
	if got := summary(done); got != want || err != nil {
		d.t.Fatalf("%s, error %v; want %s", got, err, want)
	}
}

func TestAReplayedLetterIsTheRecordThatSaysWhereItIsFrom(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	l := letter("player", `{"a":1.0}`)
	l.Headers = append(l.Headers, consumer.Header{Key: "empty", Value: []byte{}}, consumer.Header{Key: "appid", Value: []byte("again")})
	l.Source = deadletter.Source{Topic: "source", Partition: 5, Offset: 99, Time: time.UnixMilli(1700000000123).UTC()}
	l.Replays = 2
	d.write(l)
	e := d.all(oldestFirst)[0]
	done, err := d.resolver("run 1").Replay(t.Context(), d.replays([]deadletter.Entry{e})...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")

	r := d.committed(d.replayTopic)[0]
	if string(r.Key) != "player" || string(r.Value) != `{"a":1.0}` {
		t.Errorf("key %s, value %s lie there", r.Key, r.Value)
	}
	headers := make([]consumer.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = consumer.Header(h)
	}
	if got := fmt.Sprint(headers[:3]); got != fmt.Sprint(l.Headers) {
		t.Errorf("headers %s lie there", got)
	}
	want := deadletter.Origin{Source: l.Source, Replays: 3, Letter: e.Name}
	if o, ok := deadletter.OriginOf(headers); !ok || o != want {
		t.Errorf("its origin is %v, %v, want %v", o, ok, want)
	}
	other, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if like, err := other.ProduceSync(t.Context(), &kgo.Record{Topic: d.replayTopic, Key: l.Key}).First(); err != nil || like.Partition != r.Partition {
		t.Errorf("it lies in partition %d, other clients choose %d (%v)", r.Partition, like.Partition, err)
	}
}

func TestAResolutionSaysWhoDidWhatAndWhen(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(4, 50)...)
	entries := d.all(oldestFirst)
	r := d.resolver("run 1")
	begin := time.Now().Truncate(time.Millisecond)
	done, err := r.Replay(t.Context(), deadletter.Replay{Entry: entries[0], Topic: d.replayTopic, Value: []byte("new"), Repaired: true})
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = r.Discard(t.Context(), "a test\nof \"mine\"", entries[1])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	for i, want := range []deadletter.Resolution{
		{Name: entries[0].Name, TopicID: d.id(), State: deadletter.Replayed, By: "tester", Run: "run 1", Topic: d.replayTopic, Repaired: true},
		{Name: entries[1].Name, TopicID: d.id(), State: deadletter.Discarded, By: "tester", Run: "run 1", Because: "a test\nof \"mine\""},
	} {
		history, err := d.History(t.Context(), entries[i])
		if err != nil || len(history) != 1 {
			t.Fatalf("history %v, error %v", history, err)
		}
		if at := history[0].Time; at.Before(begin) || at.After(time.Now()) {
			t.Errorf("it was done at %v", at)
		}
		want.Time, want.Source = history[0].Time, entries[i].Letter.Source
		if history[0] != want {
			t.Errorf("got %v, want %v", history[0], want)
		}
		if e, err := d.Get(t.Context(), entries[i].Name); err != nil || e.State != want.State {
			t.Errorf("state %s, error %v", e.State, err)
		}
	}
	if history, err := d.History(t.Context(), entries[2]); err != nil || len(history) != 0 {
		t.Errorf("history %v, error %v of a pending letter", history, err)
	}
	// What lies in the topic is a contract.
	for _, r := range d.committed(deadletter.ResolutionTopic(d.topic)) {
		history, err := d.History(t.Context(), deadletter.Entry{Name: mustParse(t, string(r.Key))})
		if err != nil {
			t.Fatal(err)
		}
		at := history[0].Time.Format("2006-01-02T15:04:05.000Z")
		source := fmt.Sprintf(`,"source":{"topic":"source","partition":0,"offset":%d,"timestamp":"1970-01-01T00:00:00.000Z"}}`, history[0].Source.Offset)
		want := map[string]string{
			entries[0].Name.String(): `{"state":"replayed","time":"` + at + `","by":"tester","run":"run 1","topic_id":"` + d.id() + `","replay_topic":"` + d.replayTopic + `","repaired":true` + source,
			entries[1].Name.String(): `{"state":"discarded","time":"` + at + `","by":"tester","run":"run 1","topic_id":"` + d.id() + `","because":"a test\nof \"mine\""` + source,
		}[string(r.Key)]
		if string(r.Value) != want {
			t.Errorf("%s lies there, want %s", r.Value, want)
		}
	}
	if left := d.all(oldestFirst); len(left) != 2 {
		t.Errorf("%d letters are pending", len(left))
	}
	if string(d.committed(d.replayTopic)[0].Value) != "new" {
		t.Error("the repaired value does not lie there")
	}
}

func mustParse(t *testing.T, name string) deadletter.Name {
	t.Helper()
	n, err := deadletter.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

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
	if asked.Load() != before {
		t.Error("Replay waits again, having waited in vain")
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

func TestWhatIsResolvedIsSkipped(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(10, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	first := d.resolver("run 1")
	done, err := first.Replay(t.Context(), d.replays(entries[:6])...)
	d.expectDone(done, err, "resolved 6, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = first.Discard(t.Context(), "why", entries[5:7]...)
	d.expectDone(done, err, "resolved 1, skipped 1, refused 0, unknown 0, untouched 0")
	if s := done.Skipped[0]; s.State != deadletter.Replayed || s.Name != entries[5].Name {
		t.Errorf("skipped %v", s)
	}
	// Another one knows from the topic what the first knew by itself.
	done, err = d.resolver("run 2").Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 3, skipped 7, refused 0, unknown 0, untouched 0")
	want := slices.DeleteFunc(slices.Clone(all), func(l deadletter.Letter) bool { return string(l.Key) == string(entries[6].Letter.Key) })
	d.expectOnce(want)
}

func TestALetterGivenTwiceIsReplayedOnce(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(3, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	done, err := d.resolver("run").Replay(t.Context(), d.replays(slices.Concat(entries, entries))...)
	d.expectDone(done, err, "resolved 3, skipped 3, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}

func TestWhatIsNoWholeLetterIsNotReplayed(t *testing.T) {
	d := newDesk(loopback(t, 1, settings{"max.message.bytes": "5000"}))
	whole, cut := letter("whole", "value"), letter("cut", strings.Repeat("x", 6000))
	d.write(whole, cut)
	d.Produce(t, kafkatest.Record{Topic: d.topic, Key: []byte("foreign"), Value: []byte("value")})
	entries := d.all(oldestFirst)
	stranger := entries[0]
	stranger.Name.Topic = "another"
	future := entries[0]
	future.Name.Offset = 3
	r := d.resolver("run")
	done, err := r.Replay(t.Context(), d.replays(append(entries, stranger, future))...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 4, unknown 0, untouched 0")
	for i, want := range []error{deadletter.ErrOmitted, deadletter.ErrForeign, deadletter.ErrNotFound, deadletter.ErrNotFound} {
		if got := done.Refused[i]; !errors.Is(got.Err, want) {
			t.Errorf("%s is refused since %v, want %v", got.Name, got.Err, want)
		}
	}
	d.expectOnce([]deadletter.Letter{whole})
	// What went without its value can be given one, and a foreign record be discarded.
	done, err = r.Replay(t.Context(), deadletter.Replay{Entry: entries[1], Topic: d.replayTopic, Value: []byte("new"), Repaired: true})
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = r.Discard(t.Context(), "not ours", entries[2])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
}

func TestALetterTooLargeForTheReplayTopicIsRefusedAlone(t *testing.T) {
	w := loopback(t, 1, nil)
	d := newDesk(w)
	d.replayTopic = w.topic + ".small"
	if err := w.CreateTopic(t.Context(), d.replayTopic, 3, settings{"max.message.bytes": "5000"}); err != nil {
		t.Fatal(err)
	}
	all := letters(50, 200)
	d.write(all...)
	d.write(random("large", 6000))
	d.write(letter("after", "value"))
	done, err := d.resolver("run").Replay(t.Context(), d.replays(d.all(oldestFirst))...)
	d.expectDone(done, err, "resolved 51, skipped 0, refused 1, unknown 0, untouched 0")
	if !errors.Is(done.Refused[0].Err, deadletter.ErrTooLarge) {
		t.Errorf("refused since %v", done.Refused[0].Err)
	}
	d.expectOnce(append(all, letter("after", "value")))
	if left := d.all(oldestFirst); len(left) != 1 || string(left[0].Letter.Key) != "large" {
		t.Errorf("%d letters are pending", len(left))
	}
}

// random makes a letter that does not compress.
func random(key string, bytes int) deadletter.Letter {
	value := make([]byte, bytes)
	x := uint32(1)
	for i := range value {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		value[i] = byte(x)
	}
	return letter(key, string(value))
}

func TestTheLastResolverFencesTheFormer(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(30, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	first := d.resolver("run 1")
	done, err := first.Replay(t.Context(), d.replays(entries[:10])...)
	d.expectDone(done, err, "resolved 10, skipped 0, refused 0, unknown 0, untouched 0")
	second := d.resolver("run 2")
	for range 2 { // it stays so
		done, err = first.Replay(t.Context(), d.replays(entries[10:20])...)
		if !errors.Is(err, deadletter.ErrFenced) || len(done.Untouched) != 10 {
			t.Fatalf("%s, error %v", summary(done), err)
		}
	}
	done, err = second.Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 20, skipped 10, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}

// replayAll replays the letters in many transactions.
func (d *desk) replayAll(run string, entries []deadletter.Entry) error {
	r, err := d.open().Resolver(d.t.Context(), deadletter.Run{ID: run})
	if err != nil {
		return err
	}
	defer r.Close()
	for chunk := range slices.Chunk(entries, 100) {
		if _, err := r.Replay(d.t.Context(), d.replays(chunk)...); err != nil {
			return err
		}
	}
	return nil
}

func TestManyResolversAtOnceReplayEachLetterOnce(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	all := letters(2000, 100)
	d.write(all...)
	entries := d.all(oldestFirst)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 5 {
				err := d.replayAll(fmt.Sprint(i), entries)
				if err == nil {
					return
				}
				if !errors.Is(err, deadletter.ErrFenced) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := d.replayAll("last", entries); err != nil {
		t.Error(err)
	}
	d.expectOnce(all)
}

// cutter cuts connections at a kind of request, before the broker gets it or when
// it has answered.
type cutter struct {
	broker   *kafkatest.Broker
	key      kmsg.Key
	answered bool

	first func() // called before the first cut

	mu   sync.Mutex // not held while first is called, which may need time: virtual time stands while a mutex is waited for
	left int        // so many times
	done int
}

func (c *cutter) connection() consumer.Connection {
	return consumer.Connection{Brokers: c.broker.Addrs(), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := c.broker.Dial(ctx, network, address)
		return &cuttable{Conn: conn, cutter: c}, err
	}}
}

func (c *cutter) cuts(request []byte) bool {
	n := c.count(request)
	if n == 1 && c.first != nil {
		c.first()
	}
	return n > 0
}

// count says which cut the request is, 0 for none.
func (c *cutter) count(request []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(request) < 6 || int16(binary.BigEndian.Uint16(request[4:])) != int16(c.key) || c.left == 0 {
		return 0
	}
	c.left--
	c.done++
	return c.done
}

type cuttable struct {
	net.Conn
	cutter *cutter
	cut    atomic.Bool
}

func (c *cuttable) Write(p []byte) (int, error) {
	if c.cutter.cuts(p) {
		if !c.cutter.answered {
			_ = c.Close()
			return 0, net.ErrClosed
		}
		c.cut.Store(true)
	}
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) { // as a connection of the virtual network says it; an answer to something else came first
		err = net.ErrClosed
	}
	return n, err
}

func (c *cuttable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.cut.Load() {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// anywhere runs a test on a real cluster in real time, or else in virtual time.
func anywhere(t *testing.T, partitions int32, test func(w *world)) {
	t.Helper()
	if os.Getenv(kafkatest.BrokersVariable) != "" {
		test(loopback(t, partitions, nil))
		return
	}
	virtual(t, partitions, nil, test)
}

func TestABrokenConnectionDoesNotRepeatALetter(t *testing.T) {
	for rule, test := range map[string]struct {
		key      kmsg.Key
		answered bool
		times    int
	}{
		"the commit does not arrive, once":            {kmsg.EndTxn, false, 1},
		"the commit's answer is lost, once":           {kmsg.EndTxn, true, 1},
		"the commit does not arrive, until given up":  {kmsg.EndTxn, false, 1 << 30},
		"the commit's answer is lost, until given up": {kmsg.EndTxn, true, 1 << 30},
		"records do not arrive, some times":           {kmsg.Produce, false, 3},
		"records' answers are lost, some times":       {kmsg.Produce, true, 3},
	} {
		t.Run(rule, func(t *testing.T) {
			anywhere(t, 1, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				c := &cutter{broker: w.Broker, key: test.key, answered: test.answered}
				r := c.resolver(d, test.times)
				done, err := r.Replay(w.t.Context(), d.replays(entries[:10])...)
				w.t.Logf("%s, error %v, cut %d", summary(done), err, c.times())
				if c.times() == 0 {
					w.t.Error("nothing was cut")
				}
				if len(done.Unknown) > 0 {
					w.t.Error("it did not find out")
				}
				if times := d.replayed(); len(times) != len(done.Resolved) {
					w.t.Errorf("%d letters lie there, it says %s", len(times), summary(done))
				}
				c.set(0)
				done, err = d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...)
				if err != nil || len(done.Resolved)+len(done.Skipped) != 20 {
					w.t.Errorf("%s, error %v", summary(done), err)
				}
				d.expectOnce(all)
			})
		})
	}
}

// resolver opens a resolver whose connections the cutter cuts from now on.
func (c *cutter) resolver(d *desk, times int) *deadletter.Resolver {
	d.t.Helper()
	store, err := deadletter.Open(c.connection(), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(store.Close)
	r, err := store.Resolver(d.t.Context(), deadletter.Run{ID: "run"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(r.Close)
	c.set(times)
	return r
}

// times is how often it has cut.
func (c *cutter) times() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

func (c *cutter) set(times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = times
}

// The client asks for a new epoch by itself after a broken connection. That must
// not fence off whoever has come in between.
func TestAResolverInTroubleDoesNotFenceTheOneThatTookOver(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("the fake broker gives a new epoch to whoever asks with an old one; needs " + kafkatest.BrokersVariable)
	}
	d := newDesk(loopback(t, 1, nil))
	all := letters(20, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	opened := make(chan *deadletter.Resolver, 1)
	c := &cutter{broker: d.Broker, key: kmsg.EndTxn, first: func() { opened <- d.resolver("run 2") }}
	first := c.resolver(d, 1<<30)
	done, err := first.Replay(t.Context(), d.replays(entries[:10])...)
	if !errors.Is(err, deadletter.ErrFenced) || len(done.Resolved) > 0 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	done, err = (<-opened).Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 20, skipped 0, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}

func TestReplayEndsSoonWithItsContextAndLeavesNothingOpen(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			anywhere(t, 1, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				ctx, cancel := context.WithCancel(w.t.Context())
				defer cancel()
				c := &cutter{broker: w.Broker, key: key, answered: true, first: cancel}
				begin := time.Now()
				done, err := c.resolver(d, 1).Replay(ctx, d.replays(entries)...)
				took := time.Since(begin)
				w.t.Logf("%s, error %v, after %v", summary(done), err, took)
				if took > 7*time.Second && os.Getenv(kafkatest.BrokersVariable) == "" { // a cluster takes the time that it takes
					w.t.Errorf("it took %v", took)
				}
				if err == nil && len(done.Resolved) != 20 || err != nil && !errors.Is(err, context.Canceled) {
					w.t.Errorf("%s, error %v", summary(done), err)
				}
				if len(done.Unknown) == 0 { // else it may be open until another comes
					if n := len(d.replayed()); n != len(done.Resolved) {
						w.t.Errorf("%d letters lie there, it says %s", n, summary(done))
					}
				}
				if _, err := d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...); err != nil {
					w.t.Error(err)
				}
				d.expectOnce(all)
			})
		})
	}
}

func TestABrokerThatIsGoneIsWaitedForWhileReplaying(t *testing.T) {
	for outage, wait := range map[time.Duration]bool{10 * time.Second: true, time.Hour: false} {
		t.Run(outage.String(), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				r := d.resolver("run")
				if _, err := r.Replay(w.t.Context(), d.replays(entries[:10])...); err != nil {
					w.t.Fatal(err)
				}
				d.Sever()
				time.AfterFunc(outage, d.Restore)
				begin := time.Now()
				done, err := r.Replay(w.t.Context(), d.replays(entries)...)
				w.t.Logf("%s, error %v, after %v", summary(done), err, time.Since(begin))
				if wait {
					d.expectDone(done, err, "resolved 10, skipped 10, refused 0, unknown 0, untouched 0")
				} else if err == nil || time.Since(begin) > 90*time.Second || len(done.Untouched)+len(done.Unknown) != 20 {
					w.t.Errorf("%s, error %v, after %v", summary(done), err, time.Since(begin))
				}
				d.Restore()
				if _, err := d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...); err != nil {
					w.t.Error(err)
				}
				d.expectOnce(all)
			})
		})
	}
}

// TestABrokerThatGoesInTheMiddleOfACommitIsWaitedFor has it go as soon as it is asked to commit, before it hears of it, or
// before it answers.
func TestABrokerThatGoesInTheMiddleOfACommitIsWaitedFor(t *testing.T) {
	for _, answered := range []bool{false, true} {
		t.Run(fmt.Sprintf("heard=%t", answered), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				c := &cutter{broker: w.Broker, key: kmsg.EndTxn, answered: answered, left: 1, first: func() {
					go w.Sever()
					time.AfterFunc(20*time.Second, w.Restore)
				}}
				store, err := deadletter.Open(c.connection(), d.topic)
				if err != nil {
					w.t.Fatal(err)
				}
				defer store.Close()
				r, err := store.Resolver(w.t.Context(), deadletter.Run{ID: "run", By: "tester"})
				if err != nil {
					w.t.Fatal(err)
				}
				defer r.Close()
				done, err := r.Replay(w.t.Context(), d.replays(entries)...)
				d.expectDone(done, err, "resolved 20, skipped 0, refused 0, unknown 0, untouched 0")
				d.expectOnce(all)
			})
		})
	}
}

func TestWhatMayNotBeWrittenIsNamed(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("key", "value"))
	entries := d.all(oldestFirst)
	fake := d.RequireKfake(t)
	fault := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: d.replayTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	done, err := d.resolver("run").Replay(t.Context(), d.replays(entries)...)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "write to topic "+d.replayTopic) || len(done.Untouched) != 1 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	fault.Remove()
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1})
	_, err = d.Resolver(t.Context(), deadletter.Run{})
	if !errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || !strings.Contains(err.Error(), d.topic+".resolutions") {
		t.Errorf("error %v", err)
	}
}

func TestAReplayTopicThatIsMissingIsNamed(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("key", "value"))
	entries := d.all(oldestFirst)
	done, err := d.resolver("run").Replay(t.Context(), deadletter.Replay{Entry: entries[0], Topic: d.topic + ".missing"})
	if !errors.Is(err, deadletter.ErrNoTopic) || !strings.Contains(err.Error(), "write to topic "+d.topic+".missing") || len(done.Untouched) != 1 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	if got := d.all(oldestFirst); len(got) != 1 {
		t.Errorf("%d letters are pending", len(got))
	}
}

// What a client writes first it writes before it has stored what it has learned of the topics, so whoever commits must wait
// for that. Under load it takes longer than the brokers' answer, one time in a hundred.
func TestTheFirstThatAResolverDoesIsDoneWhenItSaysSoAndTheNextCanBeDone(t *testing.T) {
	for way, resolve := range ways {
		t.Run(way, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(20, 50)...)
			for pair := range slices.Chunk(d.all(oldestFirst), 2) {
				r := d.resolver("run")
				for _, e := range pair {
					done, err := resolve(d, r, e)
					d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
					if got, err := d.Get(t.Context(), e.Name); err != nil || got.State == deadletter.Pending {
						t.Errorf("%s is %s, error %v", e.Name, got.State, err)
					}
				}
			}
		})
	}
}
