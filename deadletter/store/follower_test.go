package store

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// The day is taken off the follower: in virtual time brokers and clients tick through it.
func TestWhatWasDoneIsReadAnewOnceADayAndKnownAllTheSame(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	letters := b.Topic(t, 1)
	if err := b.CreateTopic(t.Context(), deadletter.ResolutionTopic(letters), 1, nil); err != nil {
		t.Fatal(err)
	}
	s, err := Open(consumer.Connection{Brokers: b.Addrs(), Dial: b.Dial}, letters)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := s.Follow(deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}})
	read := func(want int) (entries []deadletter.Entry) {
		t.Helper()
		err := f.Read(t.Context(), func(e deadletter.Entry) error {
			entries = append(entries, e)
			return nil
		})
		if err != nil || len(entries) != want {
			t.Fatalf("%d letters come, want %d, error %v", len(entries), want, err)
		}
		return entries
	}
	read(0)
	letter := kafkatest.Record{Topic: letters, Value: []byte("no letter, but it can be discarded")}
	b.Produce(t, letter, letter, letter)
	entries := read(3)
	b.Produce(t, kafkatest.Record{Topic: deadletter.ResolutionTopic(letters), Key: []byte(entries[1].Name.String()), Value: []byte(`{"state":"discarded"}`)})
	read(0)
	for age, anew := range map[time.Duration]bool{23 * time.Hour: false, 25 * time.Hour: true} {
		before := f.states
		f.since = time.Now().Add(-age)
		read(0)
		if anew != (f.states != before) {
			t.Errorf("after %v: read anew: %v", age, !anew)
		}
		for i, e := range entries {
			if f.Pending(e.Name, e.Letter.Identity()) != (i != 1) {
				t.Errorf("%s, after %v: pending: %v", e.Name, age, i == 1)
			}
		}
	}
	b.Produce(t, letter)
	read(1)
}
