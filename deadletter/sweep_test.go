package deadletter_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

const day = 24 * time.Hour

// aged has letters, not yet to be deleted by retention, all of which were resolved so long ago.
func aged(t *testing.T, partitions int32, ago time.Duration, letters ...deadletter.Letter) *desk {
	t.Helper()
	d := newDesk(loopback(t, partitions, kept))
	d.write(letters...)
	d.resolveAll()
	d.backdate(ago)
	return d
}

// backdate writes the resolutions once more, as of then.
func (d *desk) backdate(ago time.Duration) {
	d.t.Helper()
	var records []kafkatest.Record
	for _, r := range d.committed(deadletter.ResolutionTopic(d.topic)) {
		records = append(records, kafkatest.Record{
			Topic: r.Topic, Partition: r.Partition, Timestamp: time.Now().Add(-ago), Key: r.Key, Value: r.Value,
		})
	}
	d.Produce(d.t, records...)
}

// resolveAll discards all letters that are pending.
func (d *desk) resolveAll() {
	d.t.Helper()
	r := d.resolver("run")
	defer r.Close()
	if _, err := r.Discard(d.t.Context(), "why", d.all(oldestFirst)...); err != nil {
		d.t.Fatal(err)
	}
}

// resolutions are the letters that have one, as they are left once the topic is compacted.
func (d *desk) resolutions() []string {
	d.t.Helper()
	left := map[string]bool{}
	for _, r := range d.committed(deadletter.ResolutionTopic(d.topic)) {
		left[string(r.Key)] = true
		if r.Value == nil {
			delete(left, string(r.Key))
		}
	}
	return slices.Sorted(maps.Keys(left))
}

func (d *desk) expectResolutions(when string, want int) {
	d.t.Helper()
	if got := d.resolutions(); len(got) != want {
		d.t.Errorf("%s: %d resolutions are left, want %d: %v", when, len(got), want, got)
	}
}

// expire deletes all letters.
func (d *desk) expire() {
	d.t.Helper()
	client := d.client()
	defer client.Close()
	for p, end := range d.ends(client, d.topic, 0) {
		d.deleteBefore(p, end)
	}
}

func TestResolutionsOfLettersThatAreGoneAreRemoved(t *testing.T) {
	for rule, test := range map[string]struct {
		ago  time.Duration // that they were resolved
		then func(d *desk)
		left int
	}{
		"once nothing else is there":                                                {32 * day, (*desk).expire, 0},
		"once all that is there was written 30 days after":                          {32 * day, func(d *desk) { d.expire(); d.write(letters(3, 50)...) }, 0},
		"at once, where nothing that is there is a twin":                            {0, func(d *desk) { d.expire(); d.write(letters(3, 50)...) }, 0},
		"at once, where nothing is there":                                           {0, (*desk).expire, 0},
		"at once, beside others that stay":                                          {0, func(d *desk) { d.deleteBefore(0, 1); d.deleteBefore(1, 1) }, 18},
		"not while they are there":                                                  {60 * day, func(*desk) {}, 20},
		"where more is there than is looked at, once all was written 30 days after": {32 * day, func(d *desk) { d.expire(); d.leave(140_000, 0) }, 0},
		"where more is there than is looked at, not before":                         {29 * day, func(d *desk) { d.expire(); d.leave(140_000, 0) }, 20},
		"where more is there than is looked at, not while anything is older":        {60 * day, func(d *desk) { d.expire(); d.leave(140_000, 40*day); d.leave(1, 0) }, 20},
		"of another topic that had the name, though letters are in their places":    {32 * day, func(d *desk) { d.anew(3, letters(30, 50)...) }, 0},
		"of another topic, not before":                                              {29 * day, func(d *desk) { d.anew(3, letters(30, 50)...) }, 20},
	} {
		t.Run(rule, func(t *testing.T) {
			d := aged(t, 3, test.ago, letters(20, 50)...)
			test.then(d)
			pending := len(d.all(oldestFirst))
			d.resolver("next").Close()
			d.expectResolutions("after the next run", test.left)
			if n := len(d.all(oldestFirst)); n != pending {
				t.Errorf("%d letters are pending, before %d", n, pending)
			}
			written := len(d.committed(deadletter.ResolutionTopic(d.topic)))
			d.resolver("the one after it").Close()
			if n := len(d.committed(deadletter.ResolutionTopic(d.topic))) - written; n != 0 {
				t.Errorf("the run after it writes %d records", n)
			}
		})
	}
}

// leave writes records that lie there for so long.
func (d *desk) leave(n int, ago time.Duration) {
	d.t.Helper()
	records := make([]kafkatest.Record, n)
	for i := range records {
		records[i] = kafkatest.Record{Topic: d.topic, Partition: int32(i % 3), Timestamp: time.Now().Add(-ago), Value: []byte("v")}
	}
	for some := range slices.Chunk(records, 10_000) {
		d.Produce(d.t, some...)
	}
}

// A member crashed when it had written a letter, which was resolved; the twin was written when it was back.
func TestRemovingAResolutionDoesNotFreeATwinThatIsThere(t *testing.T) {
	for _, later := range []time.Duration{0, day, 29 * day} {
		t.Run(fmt.Sprint("written ", later, " later"), func(t *testing.T) {
			all := letters(20, 50)
			d := aged(t, 1, later, all...)
			write(t, newWriter(t, connection(d.Broker), discard), d.topic, all...)
			d.deleteBefore(0, 20)
			d.old(1000, 3, time.Now().Add(-90*day)) // there is something to remove
			d.resolver("a run").Close()
			d.expectResolutions("while the twins are there", 20)
			d.Store = d.open()
			if n := len(d.all(oldestFirst)); n != 0 {
				t.Errorf("%d letters are pending that were resolved", n)
			}
			d.backdate(32 * day)
			d.deleteBefore(0, 40)
			d.resolver("a run").Close()
			d.expectResolutions("when the twins are gone too", 0)
		})
	}
}

func TestWhatIsResolvedAfterResolutionsWereRemovedStays(t *testing.T) {
	d := aged(t, 3, 40*day, letters(20, 50)...)
	d.expire()
	d.write(letters(10, 50)...)
	d.resolveAll() // by the one that removes the others' resolutions
	d.expectResolutions("after the run", 10)
	if n := len(d.all(oldestFirst)); n != 0 {
		t.Errorf("%d letters are pending", n)
	}
	d.resolver("next").Close()
	d.expectResolutions("after the next run", 10)
}

func TestReadingLettersRemovesNothing(t *testing.T) {
	d := aged(t, 3, 40*day, letters(20, 50)...)
	d.expire()
	d.write(letters(3, 50)...)
	written := len(d.committed(deadletter.ResolutionTopic(d.topic)))
	for _, e := range append(d.all(oldestFirst), d.all(anyState)...) {
		if _, err := d.Get(t.Context(), e.Name); err != nil {
			t.Error(err)
		}
		if _, err := d.History(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	if n := len(d.committed(deadletter.ResolutionTopic(d.topic))) - written; n != 0 {
		t.Errorf("%d records are written", n)
	}
}

func TestOfResolversThatComeTogetherTheLastOneRemovesResolutionsAndWorks(t *testing.T) {
	d := aged(t, 3, 40*day, letters(20, 50)...)
	d.expire()
	d.write(letters(3, 50)...)
	var coming sync.WaitGroup
	for range 5 {
		coming.Go(func() {
			if r, err := resolve.New(t.Context(), d.open(), resolve.Run{ID: "run", By: "tester"}); err == nil {
				r.Close()
			} else if !errors.Is(err, resolve.ErrFenced) {
				t.Error(err)
			}
		})
	}
	coming.Wait()
	d.resolveAll()
	d.expectResolutions("after them", 3)
}

// old writes resolutions of so many letters of a topic that had the name long ago, in the places from an offset on.
func (d *desk) old(from, n int, at time.Time) {
	d.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	for i := range n {
		r := deadletter.Resolution{
			State: deadletter.Replayed, Time: at, By: "somebody", Run: "20260101T000000Z-abcdef", Topic: d.replayTopic, TopicID: "AAAAAAAAAAAAAAAAAAAAAQ",
			Source: deadletter.Source{Topic: "battle-reports", Partition: i % 3, Offset: int64(i), Time: at},
		}
		value, err := r.MarshalJSON()
		if err != nil {
			d.t.Fatal(err)
		}
		client.Produce(d.t.Context(), &kgo.Record{
			Topic: deadletter.ResolutionTopic(d.topic), Key: fmt.Appendf(nil, "%s/%d/%d", d.topic, i%3, from+i/3), Value: value, Timestamp: at,
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				d.t.Error(err)
			}
		})
	}
	if err := client.Flush(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func TestAResolverRemovesAQuarterOfAMillionResolutionsAtMost(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 300,000 resolutions")
	}
	d := newDesk(loopback(t, 3, nil))
	d.write(letters(3, 50)...)
	const all, most = 300_000, 1 << 18
	d.old(0, all, time.Now().Add(-90*day))
	for i, want := range []int{all - most, 0, 0} {
		d.resolver("run").Close()
		d.expectResolutions(fmt.Sprint("after run ", i), want)
	}
}
