package deadletter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/deadletter"
)

// twins has n letters, each of which lies there twice, the second time by another
// writer and in other words.
func twins(t *testing.T, n int) *desk {
	t.Helper()
	d := newDesk(loopback(t, 3, nil))
	all := letters(n, 50)
	d.write(all...)
	other := newWriter(t, connection(d.Broker), discard)
	for i := range all {
		all[i].Detail, all[i].Time = "the second time", time.Now()
	}
	write(t, other, d.topic, all...)
	return d
}

func keys(entries []deadletter.Entry) []string {
	var keys []string
	for _, e := range entries {
		keys = append(keys, string(e.Letter.Key))
	}
	slices.Sort(keys)
	return keys
}

func wantKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("key %03d", i))
	}
	return keys
}

func TestTwinsAreReadAsOneLetter(t *testing.T) {
	d := twins(t, 20)
	for _, q := range []deadletter.Query{{}, oldestFirst, anyState} {
		if got := keys(d.all(q)); !slices.Equal(got, wantKeys(20)) {
			t.Errorf("read %q", got)
		}
	}
	second := d.all(deadletter.Query{Filter: deadletter.Filter{Where: mustCompile(t, `.letter.detail == "the second time"`)}})
	if got := keys(second); !slices.Equal(got, wantKeys(20)) {
		t.Errorf("of those that only the second matches, read %q", got)
	}
	both := slices.Concat(d.all(oldestFirst), second)
	var names []deadletter.Name
	for _, e := range both {
		names = append(names, e.Name)
	}
	if got := d.all(deadletter.Query{Filter: deadletter.Filter{Names: names}}); len(got) != 40 {
		t.Errorf("of 40 that are named, %d are read", len(got))
	}
}

func mustCompile(t *testing.T, expr string) *deadletter.Where {
	t.Helper()
	w, err := deadletter.CompileWhere(expr)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// eachTwice returns the first and the second of all twins.
func (d *desk) eachTwice() (first, second []deadletter.Entry) {
	d.t.Helper()
	second = d.all(deadletter.Query{OldestFirst: true, Filter: deadletter.Filter{
		State: deadletter.AnyState, Where: mustCompile(d.t, `.letter.detail == "the second time"`),
	}})
	first = d.all(deadletter.Query{OldestFirst: true, Filter: deadletter.Filter{
		State: deadletter.AnyState, Where: mustCompile(d.t, `.letter.detail != "the second time"`),
	}})
	return first, second
}

func TestTwinsAreReplayedAsOne(t *testing.T) {
	for rule, replay := range map[string]func(d *desk, first, second []deadletter.Entry){
		"those that are read": func(d *desk, _, _ []deadletter.Entry) {
			done, err := d.resolver("a").Replay(d.t.Context(), d.replays(d.all(oldestFirst))...)
			d.expectDone(done, err, "resolved 12, skipped 0, refused 0, unknown 0, untouched 0")
		},
		"both in one call": func(d *desk, first, second []deadletter.Entry) {
			done, err := d.resolver("a").Replay(d.t.Context(), d.replays(slices.Concat(first, second))...)
			d.expectDone(done, err, "resolved 12, skipped 12, refused 0, unknown 0, untouched 0")
		},
		"one after the other": func(d *desk, first, second []deadletter.Entry) {
			r := d.resolver("a")
			done, err := r.Replay(d.t.Context(), d.replays(second)...)
			d.expectDone(done, err, "resolved 12, skipped 0, refused 0, unknown 0, untouched 0")
			done, err = r.Replay(d.t.Context(), d.replays(first)...)
			d.expectDone(done, err, "resolved 0, skipped 12, refused 0, unknown 0, untouched 0")
		},
		"in runs of their own": func(d *desk, first, second []deadletter.Entry) {
			done, err := d.resolver("a").Replay(d.t.Context(), d.replays(first)...)
			d.expectDone(done, err, "resolved 12, skipped 0, refused 0, unknown 0, untouched 0")
			done, err = d.resolver("b").Replay(d.t.Context(), d.replays(second)...)
			d.expectDone(done, err, "resolved 0, skipped 12, refused 0, unknown 0, untouched 0")
		},
	} {
		t.Run(rule, func(t *testing.T) {
			d := twins(t, 12)
			first, second := d.eachTwice()
			replay(d, first, second)
			for key, times := range d.replayed() {
				if times != 1 {
					t.Errorf("%s is replayed %d times", key, times)
				}
			}
			if n := len(d.replayed()); n != 12 {
				t.Errorf("%d letters are replayed", n)
			}
			d.expectTwinsAre(deadletter.Replayed, slices.Concat(first, second))
		})
	}
}

// expectTwinsAre checks what is said of letters, and of those that are pending.
func (d *desk) expectTwinsAre(state deadletter.State, entries []deadletter.Entry) {
	d.t.Helper()
	pending := d.all(oldestFirst)
	if state == deadletter.Pending && len(pending) != len(entries)/2 || state != deadletter.Pending && len(pending) > 0 {
		d.t.Errorf("%d are pending", len(pending))
	}
	for _, e := range d.all(anyState) {
		if e.State != state {
			d.t.Errorf("%s is %s", e.Name, e.State)
		}
	}
	for _, e := range entries {
		if e, err := d.Get(d.t.Context(), e.Name); err != nil || e.State != state {
			d.t.Errorf("%s is %s, error %v", e.Name, e.State, err)
		}
		history, err := d.History(d.t.Context(), e)
		if err != nil || state != deadletter.Pending && (len(history) != 1 || history[0].State != state) {
			d.t.Errorf("of %s the history is %v, error %v", e.Name, history, err)
		}
	}
}

func TestTwinsAreDiscardedAsOneAndTakenBackAsOne(t *testing.T) {
	d := twins(t, 5)
	first, second := d.eachTwice()
	done, err := d.resolver("a").Discard(t.Context(), "a test", second...)
	d.expectDone(done, err, "resolved 5, skipped 0, refused 0, unknown 0, untouched 0")
	all := slices.Concat(first, second)
	d.expectTwinsAre(deadletter.Discarded, all)
	client := d.client()
	defer client.Close()
	for _, e := range second { // by hand
		if err := client.ProduceSync(t.Context(), &kgo.Record{
			Topic: deadletter.ResolutionTopic(d.topic), Key: []byte(e.Name.String()),
		}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	d.expectTwinsAre(deadletter.Pending, all)
	done, err = d.resolver("b").Replay(t.Context(), d.replays(d.all(oldestFirst))...)
	d.expectDone(done, err, "resolved 5, skipped 0, refused 0, unknown 0, untouched 0")
}

func TestLettersOfARecordWithoutATimeAreTwins(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	like := letter("key", "value")
	like.Source.Time = time.Time{}
	d.write(like)
	d.write(like)
	entries := d.all(oldestFirst)
	if len(entries) != 1 || !entries[0].Letter.Source.Time.IsZero() {
		t.Fatalf("%v are read", entries)
	}
	done, err := d.resolver("a").Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	d.Store = d.open() // which knows what lies in the topic alone
	if pending := d.all(oldestFirst); len(pending) != 0 {
		t.Errorf("%v are pending", pending)
	}
	for _, h := range d.committed(d.replayTopic)[0].Headers {
		if h.Key == deadletter.HeaderSourceTimestamp {
			t.Errorf("the replay says %s", h.Value)
		}
	}
}

func TestLettersThatDifferInWhatTheyAreOfAreNoTwins(t *testing.T) {
	like := letter("key", "value")
	for rule, change := range map[string]func(l *deadletter.Letter){
		"topic":     func(l *deadletter.Letter) { l.Source.Topic = "other" },
		"partition": func(l *deadletter.Letter) { l.Source.Partition++ },
		"offset":    func(l *deadletter.Letter) { l.Source.Offset++ },
		"timestamp": func(l *deadletter.Letter) { l.Source.Time = l.Source.Time.Add(time.Millisecond) },
		"replays":   func(l *deadletter.Letter) { l.Replays++ },
	} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			other := like
			change(&other)
			d.write(like)
			d.write(other)
			entries := d.all(oldestFirst)
			if len(entries) != 2 {
				t.Fatalf("%d letters are read", len(entries))
			}
			done, err := d.resolver("a").Replay(t.Context(), d.replays(entries[:1])...)
			d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
			if pending := d.all(oldestFirst); len(pending) != 1 || pending[0].Name != entries[1].Name {
				t.Errorf("%d letters are pending", len(pending))
			}
		})
	}
}

// Nor is one whose name a letter of the former topic had.
func TestATwinInATopicThatWasMadeAnewIsPending(t *testing.T) {
	d := twins(t, 3)
	done, err := d.resolver("a").Replay(t.Context(), d.replays(d.all(oldestFirst))...)
	d.expectDone(done, err, "resolved 3, skipped 0, refused 0, unknown 0, untouched 0")
	records := d.ReadAll(t, d.topic)
	d.recreate(d.topic, 3, nil)
	d.Produce(t, records...)
	if got := keys(d.all(oldestFirst)); !slices.Equal(got, wantKeys(3)) {
		t.Errorf("pending are %s", strings.Join(got, ", "))
	}
}

// People may write resolutions by hand: the state alone decides.
func TestAResolutionCountsForItsNameWhateverElseIsInIt(t *testing.T) {
	for rule, value := range map[string]string{
		"nothing":         `{"state": "discarded"}`,
		"a time in words": `{"state": "discarded", "time": "yesterday"}`,
		"no whole source": `{"state": "discarded", "source": {"topic": "source"}}`,
		"an odd source":   `{"state": "discarded", "source": "source/0/7", "replays": "once"}`,
		"a number for by": `{"state": "discarded", "by": 7, "run": null}`,
	} {
		t.Run(rule, func(t *testing.T) {
			d := twins(t, 1)
			first, second := d.eachTwice()
			client := d.client()
			defer client.Close()
			if err := client.ProduceSync(t.Context(), &kgo.Record{
				Topic: deadletter.ResolutionTopic(d.topic), Key: []byte(first[0].Name.String()), Value: []byte(value),
			}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if e, err := d.Get(t.Context(), first[0].Name); err != nil || e.State != deadletter.Discarded {
				t.Errorf("it is %s, error %v", e.State, err)
			}
			if e, err := d.Get(t.Context(), second[0].Name); err != nil || e.State != deadletter.Pending {
				t.Errorf("its twin, of which it does not tell, is %s, error %v", e.State, err)
			}
		})
	}
}
