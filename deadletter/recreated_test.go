package deadletter_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// client is another than the store's.
func (w *world) client() *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Addrs()...), kgo.Dialer(w.Dial))
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// metadata is what brokers say of a topic.
func (w *world) metadata(brokers kmsg.Requestor, topic string) *kmsg.MetadataResponse {
	w.t.Helper()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(w.t.Context(), brokers)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp
}

// uuid is a topic's id.
func (w *world) uuid(topic string) [16]byte {
	w.t.Helper()
	client := w.client()
	defer client.Close()
	return w.metadata(client, topic).Topics[0].TopicID
}

// id is that of the topic of letters, as Kafka's tools show it.
func (w *world) id() string {
	w.t.Helper()
	id := w.uuid(w.topic)
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// remove deletes a topic, and waits until no broker knows it.
func (w *world) remove(topic string) {
	w.t.Helper()
	client := w.client()
	defer client.Close()
	brokers := w.metadata(client, topic).Brokers
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{topic}, append(req.Topics, t)
	resp, err := req.RequestWith(w.t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range brokers {
		for w.metadata(client.Broker(int(b.NodeID)), topic).Topics[0].ErrorCode == 0 {
			time.Sleep(10 * time.Millisecond) // a topic does not call
		}
	}
}

// recreate deletes a topic and makes it anew, empty.
func (w *world) recreate(topic string, partitions int32, s settings) {
	w.t.Helper()
	w.remove(topic)
	for {
		err := w.CreateTopic(w.t.Context(), topic, partitions, s)
		if err == nil {
			return
		}
		if !errors.Is(err, kerr.TopicAlreadyExists) { // which it does until it is gone from the disk
			w.t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expectRecreated checks an error that says that the topic was made anew.
func expectRecreated(t *testing.T, err error, name string) {
	t.Helper()
	want := "topic " + name + " has been deleted or made anew while it was read"
	if !errors.Is(err, topic.ErrRecreated) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestTheLastResolutionOfANameCountsIfItIsOfTheTopicThatIsThere(t *testing.T) {
	const now, former, none, tombstone = "now", "q83vEjRWeJCrze8SNFZ4kA", "", "-"
	for rule, test := range map[string]struct {
		written []string // the ids of topics
		want    deadletter.State
		history int
	}{
		"it is":                          {[]string{now}, deadletter.Discarded, 1},
		"it is of one that had its name": {[]string{former}, deadletter.Pending, 0},
		"it says none, since an older version wrote it":        {[]string{none}, deadletter.Discarded, 1},
		"it is, after one of a topic that had its name":        {[]string{former, now}, deadletter.Discarded, 1},
		"it says none, after one of a topic that had its name": {[]string{former, none}, deadletter.Discarded, 1},
		"it is of one that had its name, after one of none":    {[]string{none, former}, deadletter.Pending, 0},
		"it says none, after one of this":                      {[]string{now, none}, deadletter.Discarded, 2},
		"it takes back what was done about this":               {[]string{now, tombstone}, deadletter.Pending, 1},
		"it takes back what was done about one before":         {[]string{former, tombstone}, deadletter.Pending, 0},
		"it is, after whatever there can be":                   {[]string{none, former, tombstone, now}, deadletter.Discarded, 1},
	} {
		for compacted, written := range map[string][]string{"": test.written, ", compacted": test.written[len(test.written)-1:]} {
			t.Run(rule+compacted, func(t *testing.T) {
				d := newDesk(loopback(t, 1, nil))
				d.write(letter("player", "1"))
				e := d.all(oldestFirst)[0]
				for _, id := range written {
					if id == now {
						id = d.id()
					}
					value := `{"state":"discarded","time":"2026-01-02T03:04:05.678Z","by":"ann","run":"1"`
					if id != none {
						value += `,"topic_id":"` + id + `"`
					}
					resolution := []byte(value + "}")
					if id == tombstone {
						resolution = nil
					}
					d.takeBack(deadletter.ResolutionTopic(d.topic), e.Name.String(), resolution)
				}
				if got := d.all(anyState); len(got) != 1 || got[0].State != test.want {
					t.Errorf("Letters has %v, want %s", got, test.want)
				}
				if got, err := d.Get(t.Context(), e.Name); err != nil || got.State != test.want {
					t.Errorf("Get has %s, error %v, want %s", got.State, err, test.want)
				}
				history, err := d.History(t.Context(), e)
				if err != nil || compacted == "" && len(history) != test.history {
					t.Errorf("History has %v, error %v, want %d", history, err, test.history)
				}
			})
		}
	}
}

// resolveSome discards two letters and replays a third.
func (d *desk) resolveSome(r *resolve.Resolver) {
	d.t.Helper()
	entries := d.all(oldestFirst)
	done, err := r.Discard(d.t.Context(), "of the former", entries[:2]...)
	d.expectDone(done, err, "resolved 2, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = r.Replay(d.t.Context(), d.replays(entries[2:3])...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
}

// anew makes the topic of letters anew, and writes letters to it.
func (d *desk) anew(partitions int32, letters ...deadletter.Letter) {
	d.t.Helper()
	d.recreate(d.topic, partitions, nil)
	d.write(letters...)
}

func TestLettersOfATopicMadeAnewArePendingWhateverWasDoneAboutTheFormerOnes(t *testing.T) {
	for rule, test := range map[string]struct {
		open    bool // the store and the resolver are from before
		letters int
	}{
		"for who comes after, as many":                  {false, 5},
		"for who comes after, more":                     {false, 9},
		"for who was there before, as many":             {true, 5},
		"for who was there before, fewer":               {true, 1},
		"for who was there before, of another topic on": {true, 9},
	} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(5, 50)...)
			r := d.resolver("run 1")
			d.resolveSome(r)
			if left := d.all(oldestFirst); len(left) != 2 {
				t.Fatalf("%d of 5 letters are pending", len(left))
			}
			d.anew(1, letters(test.letters, 60)...)
			if !test.open {
				d.Store, r = d.open(), d.resolver("run 2")
			}
			entries := d.all(oldestFirst)
			if len(entries) != test.letters {
				t.Fatalf("%d of %d letters are pending", len(entries), test.letters)
			}
			for _, e := range entries {
				got, err := d.Get(t.Context(), e.Name)
				if err != nil || got.State != deadletter.Pending || got.TopicID != d.id() || e.TopicID != d.id() {
					t.Errorf("%s is %s, of topic %s, error %v", e.Name, got.State, got.TopicID, err)
				}
				if history, err := d.History(t.Context(), e); err != nil || len(history) > 0 {
					t.Errorf("history %v, error %v", history, err)
				}
			}
			done, err := r.Discard(t.Context(), "of the new one", entries...)
			d.expectDone(done, err, fmt.Sprintf("resolved %d, skipped 0, refused 0, unknown 0, untouched 0", test.letters))
			for _, s := range []*store.Store{d.Store, d.open()} {
				e, err := s.Get(t.Context(), entries[0].Name)
				history, historyErr := s.History(t.Context(), e)
				if err != nil || historyErr != nil || e.State != deadletter.Discarded || len(history) != 1 || history[0].Because != "of the new one" || history[0].TopicID != d.id() {
					t.Errorf("it is %s, %v, errors %v, %v", e.State, history, err, historyErr)
				}
			}
			done, err = d.resolver("run 3").Discard(t.Context(), "again", entries...)
			d.expectDone(done, err, fmt.Sprintf("resolved 0, skipped %d, refused 0, unknown 0, untouched 0", test.letters))
		})
	}
}

func TestATopicOfResolutionsMadeAnewIsReadFromItsBegin(t *testing.T) {
	for rule, more := range map[string]int{"empty": 0, "shorter": 1, "as long as it was": 2, "longer": 7} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(10, 50)...)
			resolutions := deadletter.ResolutionTopic(d.topic)
			d.recreate(resolutions, 1, settings{"cleanup.policy": "compact"}) // of one partition
			entries := d.all(oldestFirst)
			note := func(e deadletter.Entry) {
				d.takeBack(resolutions, e.Name.String(), []byte(`{"state":"discarded","topic_id":"`+d.id()+`"}`))
			}
			note(entries[0])
			note(entries[1])
			if left := d.all(oldestFirst); len(left) != 8 {
				t.Fatalf("%d of 10 letters are pending", len(left))
			}
			d.recreate(resolutions, 1, settings{"cleanup.policy": "compact"})
			for _, e := range entries[2 : 2+more] {
				note(e)
			}
			left := d.all(oldestFirst)
			if want := slices.Concat(entries[:2], entries[2+more:]); names(left) != names(want) {
				t.Errorf("%s are pending, want %s", names(left), names(want))
			}
		})
	}
}

func TestATopicOfResolutionsThatIsGoneLeavesAllPending(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letters(5, 50)...)
	r := d.resolver("run 1")
	d.resolveSome(r)
	d.remove(deadletter.ResolutionTopic(d.topic))
	if left := d.all(oldestFirst); len(left) != 5 {
		t.Errorf("%d of 5 letters are pending", len(left))
	}
}
