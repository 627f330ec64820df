package deadletter_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// come is what a follower gives now.
func (w *world) come(f *store.Follower) (entries []deadletter.Entry) {
	w.t.Helper()
	entries, err := come(w, f)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

func come(w *world, f *store.Follower) (entries []deadletter.Entry, err error) {
	err = f.Read(w.t.Context(), func(e deadletter.Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// expectCome checks that a follower gives these letters, and nothing when it is asked again.
func (w *world) expectCome(f *store.Follower, want ...deadletter.Letter) {
	w.t.Helper()
	var wanted []string
	for _, l := range want {
		wanted = append(wanted, string(l.Key))
	}
	slices.Sort(wanted)
	if got := keys(w.come(f)); !slices.Equal(got, wanted) {
		w.t.Errorf("%q come, want %q", got, wanted)
	}
	if got := keys(w.come(f)); len(got) > 0 {
		w.t.Errorf("%q come again", got)
	}
}

// whatever selects letters whatever has been done about them.
var whatever = deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}}

// morePartitions gives the topic of letters so many.
func (w *world) morePartitions(n int32) {
	w.t.Helper()
	client := w.client()
	defer client.Close()
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = w.topic, n
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = append(req.Topics, more)
	resp, err := req.RequestWith(w.t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.AwaitTopic(w.t, w.topic)
}

func TestAFollowerGivesLettersAsTheyComeOnce(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	d.write(letters(5, 50)...)
	f := d.Follow(whatever)
	d.expectCome(f)
	for n := range 3 {
		more := letters(10*n+1, 60)
		d.write(more...)
		d.expectCome(f, more...)
	}
}

func TestAFollowerBeginsWithWhatHasComeSince(t *testing.T) {
	virtual(t, 2, nil, func(w *world) {
		d := newDesk(w)
		d.write(letters(3, 50)...)
		time.Sleep(time.Hour)
		since := time.Now()
		second := letters(4, 60)
		d.write(second...)
		q := whatever
		q.Filter.Since = since
		f := d.Follow(q)
		d.expectCome(f, second...)
		third := letters(2, 70)
		d.write(third...)
		d.expectCome(f, third...)
	})
}

func TestAFollowerGivesAllOfATopicThatCameLaterAndOfAPartitionThatWasAdded(t *testing.T) {
	w := loopback(t, 0, nil)
	f := (&desk{world: w}).open().Follow(whatever)
	for range 2 {
		if _, err := come(w, f); !errors.Is(err, topic.ErrNoTopic) {
			t.Fatalf("error %v", err)
		}
	}
	w.create(1, nil)
	first := letters(5, 50)
	w.write(first...)
	w.expectCome(f, first...)
	w.morePartitions(4)
	second := letters(40, 60) // some of them go there
	w.write(second...)
	w.expectCome(f, second...)
}

func TestATopicMadeAnewIsToldOnceAndFollowedFromItsFirstLetter(t *testing.T) {
	noIDs := []kfake.Opt{kfake.MaxVersions(kversion.V2_7_0())}
	for rule, test := range map[string]struct {
		opts   []kfake.Opt
		before int // letters of the former topic
	}{
		"with fewer letters than before":                          {nil, 9},
		"with more":                                               {nil, 1},
		"with fewer, where topics have no ids":                    {noIDs, 9},
		"with more, if it was seen to be gone where they have no": {noIDs, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			d := newDesk(newWorld(t, kafkatest.Start(t, test.opts...), 1, nil))
			f := d.Follow(whatever)
			d.expectCome(f)
			old := letters(test.before, 50)
			d.write(old...)
			d.expectCome(f, old...)
			d.remove(d.topic)
			if _, err := come(d.world, f); !errors.Is(err, topic.ErrNoTopic) {
				t.Errorf("error %v", err)
			}
			d.create(1, nil)
			second := letters(5, 60)
			d.write(second...)
			_, err := come(d.world, f)
			expectRecreated(t, err, d.topic)
			d.expectCome(f, second...)
		})
	}
}

func TestATopicMadeAnewWhileItIsReadIsToldOnceToo(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	f := d.Follow(whatever)
	d.expectCome(f)
	d.write(letters(800, 10_000)...) // more than is fetched ahead
	second, replaced := letters(5, 60), false
	err := f.Read(t.Context(), func(deadletter.Entry) error {
		if !replaced {
			replaced = true
			d.remove(d.topic)
			d.create(1, nil)
			d.write(second...)
		}
		return nil
	})
	expectRecreated(t, err, d.topic)
	d.expectCome(f, second...)
	d.remove(d.topic)
	d.create(1, nil)
	_, err = come(d.world, f)
	expectRecreated(t, err, d.topic)
}

func TestATopicThatWasNotSeenForAWhileIsFollowedWhereItWas(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	c := d.RequireKfake(t)
	f := d.Follow(whatever)
	d.expectCome(f)
	d.write(letters(3, 50)...)
	d.come(f)
	hidden := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.UnknownTopicOrPartition, Count: -1})
	if _, err := come(d.world, f); !errors.Is(err, topic.ErrNoTopic) {
		t.Errorf("error %v", err)
	}
	hidden.Remove()
	more := letters(2, 60)
	d.write(more...)
	d.expectCome(f, more...)
}

func TestAFollowerGoesOnAfterAnOutageWithoutALetterTwiceOrNever(t *testing.T) {
	virtual(t, 2, nil, func(w *world) {
		d := newDesk(w)
		f := d.Follow(whatever)
		d.expectCome(f)
		all := letters(400, 10_000)
		d.write(all...)
		got := map[string]int{}
		for began := time.Now(); len(got) < len(all) && time.Since(began) < time.Hour; {
			n := 0
			err := f.Read(w.t.Context(), func(e deadletter.Entry) error {
				got[string(e.Letter.Key)]++
				if n++; n == 30 {
					d.Sever()
				}
				return nil
			})
			if err != nil {
				d.Restore()
			}
		}
		for _, l := range all {
			if got[string(l.Key)] != 1 {
				w.t.Errorf("%s came %d times", l.Key, got[string(l.Key)])
			}
		}
	})
}

func TestAFollowerKnowsWhatIsPendingStill(t *testing.T) {
	for rule, test := range map[string]struct {
		change func(d *desk, entries []deadletter.Entry)
		want   int // of 5 letters
	}{
		"all, if nothing is done": {func(*desk, []deadletter.Entry) {}, 5},
		"not those replayed and discarded": {func(d *desk, entries []deadletter.Entry) {
			d.resolveSome(d.resolver("run"))
		}, 2},
		"nor those of a twin that is": {func(d *desk, entries []deadletter.Entry) {
			l := entries[0].Letter
			d.write(l)
			second := d.all(deadletter.Query{})[0]
			if second.Name == entries[0].Name {
				d.t.Fatal("it is the first")
			}
			if _, err := d.resolver("run").Discard(d.t.Context(), "why", second); err != nil {
				d.t.Fatal(err)
			}
		}, 4},
		"but what is taken back is": {func(d *desk, entries []deadletter.Entry) {
			d.resolveSome(d.resolver("run"))
			d.takeBack(deadletter.ResolutionTopic(d.topic), entries[0].Name.String(), nil)
		}, 3},
		"what retention has deleted is not": {func(d *desk, _ []deadletter.Entry) { d.deleteBefore(0, 3) }, 2},
	} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			f := d.Follow(whatever)
			d.come(f)
			d.write(letters(5, 50)...)
			entries := d.come(f)
			test.change(d, entries)
			d.come(f)
			pending := 0
			for _, e := range entries {
				if f.Pending(e.Name, e.Letter.Identity()) {
					pending++
				}
			}
			if len(entries) != 5 || pending != test.want {
				t.Errorf("%d of %d are pending", pending, len(entries))
			}
		})
	}
}

func TestALetterThatIsDoneAsItComesSaysSo(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letters(5, 50)...)
	d.resolveSome(d.resolver("run"))
	q := whatever
	q.Filter.Since = time.Now().Add(-time.Hour)
	states := map[deadletter.State]int{}
	for _, e := range d.come(d.Follow(q)) {
		states[e.State]++
	}
	if states[deadletter.Discarded] != 2 || states[deadletter.Replayed] != 1 || states[deadletter.Pending] != 2 {
		t.Errorf("%v", states)
	}
}

func TestTheErrorOfWhoFollowsEndsAReadAndTheNextGoesOnBehind(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	f := d.Follow(whatever)
	d.come(f)
	all := letters(5, 50)
	d.write(all...)
	stop := errors.New("enough")
	if err := f.Read(t.Context(), func(deadletter.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	d.expectCome(f, all[1:]...)
}
