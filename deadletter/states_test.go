package deadletter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestLettersKnowWhatWasDoneAboutThem(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(20, 50)...)
	entries := d.all(oldestFirst)
	r := d.resolver("run")
	if _, err := r.Replay(t.Context(), d.replays(entries[:5])...); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Discard(t.Context(), "why", entries[5:8]...); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[deadletter.State]int{
		"": 12, deadletter.Pending: 12, deadletter.Replayed: 5, deadletter.Discarded: 3, deadletter.AnyState: 20,
	} {
		got := d.all(deadletter.Query{Filter: deadletter.Filter{State: state}})
		if len(got) != want {
			t.Errorf("state %q: %d letters, want %d", state, len(got), want)
		}
		for _, e := range got {
			if state != "" && state != deadletter.AnyState && e.State != state {
				t.Errorf("%s is %s, asked for %s", e.Name, e.State, state)
			}
		}
	}
	// A tombstone takes back what was done; what is no resolution does nothing.
	resolutions := deadletter.ResolutionTopic(d.topic)
	d.takeBack(resolutions, entries[0].Name.String(), nil)
	d.takeBack(resolutions, entries[1].Name.String(), []byte("by hand"))
	d.takeBack(resolutions, "anything", []byte(`{"state":"replayed"}`))
	if got := d.all(deadletter.Query{}); len(got) != 13 {
		t.Errorf("%d letters are pending", len(got))
	}
}

func (d *desk) takeBack(topic, key string, value []byte) {
	d.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial))
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(d.t.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
}

func TestWithoutATopicOfResolutionsAllArePending(t *testing.T) {
	w := loopback(t, 1, nil)
	w.write(letters(3, 50)...)
	d := &desk{world: w}
	d.Store = d.open()
	entries := d.all(oldestFirst)
	if len(entries) != 3 {
		t.Errorf("%d letters are pending", len(entries))
	}
	if history, err := d.History(t.Context(), entries[0]); err != nil || history != nil {
		t.Errorf("history %v, error %v", history, err)
	}
	if _, err := resolve.New(t.Context(), d.Store, resolve.Run{}); !errors.Is(err, topic.ErrNoTopic) || !strings.Contains(err.Error(), w.topic+".resolutions") {
		t.Errorf("error %v", err)
	}
}
