package deadletter_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
)

// brokersOf starts brokers of a version of Kafka.
func brokersOf(t *testing.T, v *kversion.Versions) *desk {
	t.Helper()
	t.Parallel()
	return newDesk(newWorld(t, kafkatest.Start(t, kfake.MaxVersions(v)), 1, nil))
}

func TestWhereBrokersHaveNoTopicIdsNamesCount(t *testing.T) {
	d := brokersOf(t, kversion.V2_7_0())
	d.write(letters(5, 50)...)
	r := d.resolver("run 1")
	entries := d.all(oldestFirst)
	d.resolveSome(r)
	for _, r := range d.committed(deadletter.ResolutionTopic(d.topic)) {
		if strings.Contains(string(r.Value), "topic_id") {
			t.Errorf("%s lies there", r.Value)
		}
	}
	if id := entries[0].TopicID; id != "" {
		t.Errorf("the topic has the id %s", id)
	}
	d.takeBack(deadletter.ResolutionTopic(d.topic), entries[3].Name.String(), []byte(`{"state":"discarded","topic_id":"q83vEjRWeJCrze8SNFZ4kA"}`))
	for _, s := range []*store.Store{d.Store, d.open()} {
		if left, err := read(t.Context(), s, oldestFirst); names(left) != "0/4" || err != nil {
			t.Errorf("%s are pending, error %v", names(left), err)
		}
	}
	entries[4].TopicID = "q83vEjRWeJCrze8SNFZ4kA" // from when there were ids
	done, err := r.Discard(t.Context(), "why", entries[4])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	d.anew(1, letters(7, 50)...)
	if got := names(d.all(oldestFirst)); got != "0/5 0/6" {
		t.Errorf("%s are pending", got)
	}
}

func TestWhereBrokersHaveNoTopicIdsATopicOfResolutionsThatIsShorterIsAnother(t *testing.T) {
	d := brokersOf(t, kversion.V2_7_0())
	d.write(letters(5, 50)...)
	resolutions := deadletter.ResolutionTopic(d.topic)
	entries := d.all(oldestFirst)
	note := func(e deadletter.Entry) {
		d.takeBack(resolutions, e.Name.String(), []byte(`{"state":"discarded"}`))
	}
	d.recreate(resolutions, 1, nil)
	note(entries[0])
	note(entries[1])
	if got := names(d.all(oldestFirst)); got != "0/2 0/3 0/4" {
		t.Errorf("%s are pending", got)
	}
	d.recreate(resolutions, 1, nil)
	note(entries[2])
	if got := names(d.all(oldestFirst)); got != "0/0 0/1 0/3 0/4" {
		t.Errorf("%s are pending", got)
	}
}

func TestWhereBrokersHaveNoTopicIdsATopicMadeAnewThatIsShorterIsAnError(t *testing.T) {
	for order, q := range map[string]deadletter.Query{"oldest first": {OldestFirst: true}, "newest first": {}} {
		t.Run(order, func(t *testing.T) {
			d := brokersOf(t, kversion.V2_7_0())
			d.fill(d.topic, "old", 1000)
			n := 0
			var failure error
			for _, failure = range d.Letters(t.Context(), q) {
				if n++; n == 10 {
					d.anew(1)
				}
			}
			expectRecreated(t, failure, d.topic)
		})
	}
}

func TestWhereBrokersFetchByNameATopicMadeAnewIsAnErrorToo(t *testing.T) {
	d := brokersOf(t, kversion.V3_0_0())
	d.fill(d.topic, "old", 1000)
	n := 0
	var failure error
	for e, err := range d.Letters(t.Context(), oldestFirst) {
		if failure = err; err != nil {
			break
		}
		if string(e.Letter.Key) != "old" {
			t.Fatalf("%s is %s", e.Name, e.Letter.Key)
		}
		if n++; n == 10 {
			d.recreate(d.topic, 1, nil)
			d.fill(d.topic, "new", 1500)
		}
	}
	expectRecreated(t, failure, d.topic)
}
