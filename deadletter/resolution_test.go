package deadletter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

func TestAResolutionSaysWhoDidWhatAndWhen(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(4, 50)...)
	entries := d.all(oldestFirst)
	r := d.resolver("run 1")
	begin := time.Now().Truncate(time.Millisecond)
	done, err := r.Replay(t.Context(), resolve.Replay{Entry: entries[0], Topic: d.replayTopic, Value: []byte("new"), Repaired: true})
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
