package deadletter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
)

// desk is a dead-letter topic with its resolutions, a replay topic, and a store.
type desk struct {
	*world
	*store.Store
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

func (d *desk) open() *store.Store {
	d.t.Helper()
	s, err := store.Open(connection(d.Broker), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.Close)
	return s
}

func (d *desk) resolver(run string) *resolve.Resolver {
	d.t.Helper()
	r, err := resolve.New(d.t.Context(), d.open(), resolve.Run{ID: run, By: "tester"})
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

func (d *desk) replays(entries []deadletter.Entry) []resolve.Replay {
	replays := make([]resolve.Replay, len(entries))
	for i, e := range entries {
		replays[i] = resolve.Replay{Entry: e, Topic: d.replayTopic}
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
	for i := range int32(len(d.metadata(client, topic).Topics[0].Partitions)) {
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
func summary(d resolve.Done) string {
	return fmt.Sprintf("resolved %d, skipped %d, refused %d, unknown %d, untouched %d",
		len(d.Resolved), len(d.Skipped), len(d.Refused), len(d.Unknown), len(d.Untouched))
}

func (d *desk) expectDone(done resolve.Done, err error, want string) {
	d.t.Helper()
	if got := summary(done); got != want || err != nil {
		d.t.Fatalf("%s, error %v; want %s", got, err, want)
	}
}
