package consumer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// outsider is who looks at the group, and is no member.
func (w *world) outsider() *consumer.Consumer {
	w.t.Helper()
	c, err := consumer.New(consumer.Config{Connection: w.connection(), Group: w.group, Topics: []string{w.topic}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// stuck waits until a member has said that the batch that begins there cannot be read, and stops it.
func (w *world) stuck(m *member, begin int64) {
	w.t.Helper()
	w.until("it is said", func() bool { return w.log.count(fmt.Sprintf("batch at %d", begin)) > 0 })
	m.stop()
}

// skip moves the group past what cannot be read at an offset of partition 0.
func (w *world) skip(offset int64) *consumer.Unreadable {
	w.t.Helper()
	c := w.outsider()
	u, err := c.Unreadable(w.t.Context(), w.topic, 0, offset)
	if err == nil {
		err = c.Skip(w.t.Context(), u)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// expect checks what was taken, by all members, each value once.
func (w *world) expect(want string, members ...*member) {
	w.t.Helper()
	var got []string
	for _, m := range members {
		got = append(got, m.values()...)
	}
	if r := w.repeats(); strings.Join(got, " ") != want || len(r) > 0 {
		w.t.Errorf("taken %q, and twice %v; want %q", got, r, want)
	}
}

const whereItStands = -1

func TestAGroupIsMovedPastWhatCannotBeReadAndNothingElse(t *testing.T) {
	for rule, test := range map[string]struct {
		readable    []string // of the batch
		asked       int64
		held        string // not settled by the first member
		first, last int64
		moved       int64
		before, all string // taken, by the first member and in all
	}{
		"where it stands":                           {nil, whereItStands, "", 2, 4, 5, "a b", "a b c d"},
		"at an offset in the batch":                 {nil, 3, "", 2, 4, 5, "a b", "a b c d"},
		"what can be read of the batch is taken":    {[]string{"x", "y"}, whereItStands, "", 4, 6, 7, "a b x y", "a b x y c d"},
		"likewise where that is asked for":          {[]string{"x", "y"}, 2, "", 4, 6, 7, "a b x y", "a b x y c d"},
		"what is not settled before it is taken":    {nil, whereItStands, "a", 2, 4, 0, "a b", "a b a c d"},
		"and what is settled behind that is not":    {nil, 4, "a", 2, 4, 0, "a b", "a b a c d"},
		"what is not settled of the batch is taken": {[]string{"x", "y"}, 6, "x", 4, 6, 2, "a b x y", "a b x y x c d"},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, "a", "b")
				begin := w.ProduceUnreadable(w.t, w.topic, 0, 3, test.readable...)
				w.publish(0, "c", "d")
				one := w.join(func(_ *consumer.Config, m *member) {
					m.held = func(r consumer.Record) bool { return string(r.Value) == test.held }
				})
				w.stuck(one, begin)
				u := w.skip(test.asked)
				if u.Begin != begin || u.First != test.first || u.Last != test.last || u.Moved != test.moved || u.Records != 3+len(test.readable) || u.Why == nil {
					w.t.Errorf("found %+v", u)
				}
				if at := w.Committed(w.t, w.group, w.topic)[0]; at != test.moved {
					w.t.Errorf("the group is at %d", at)
				}
				two := w.join()
				w.untilCommitted(map[int32]int64{0: test.last + 3})
				two.stop()
				got := strings.Join(append(one.values(), two.values()...), " ")
				if strings.Join(one.values(), " ") != test.before || got != test.all {
					w.t.Errorf("taken %q", got)
				}
			})
		})
	}
}

// Records of a strand that is deferred lie before the batch and behind it: both cursors have to pass it, whoever takes the partition.
func TestWhatIsDeferredFromBeforeABatchThatIsPassedIsTakenFromBothSides(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "A0", "b0", "A1", "b1")
		begin := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		w.publish(0, "A2", "b2")
		barred := bar("A")
		one := w.join(barred.defers)
		w.stuck(one, begin)
		if u := w.skip(whereItStands); u.First != 4 || u.Last != 6 || u.Committed != 0 || u.Moved != 0 {
			w.t.Errorf("found %+v", u)
		}
		two := w.join(barred.defers)
		w.untilTaken(two, 1)
		two.stop()
		w.publish(0, "A3", "b3")
		three := w.join(barred.defers)
		w.untilTaken(three, 1)
		if n := three.deferred(); n != 4 {
			w.t.Errorf("%d are deferred", n)
		}
		barred.open("")
		w.untilCommitted(map[int32]int64{0: 11})
		w.expect("b0 b1 b2 b3 A0 A1 A2 A3", one, two, three)
		if _, err := w.outsider().Unreadable(w.t.Context(), w.topic, 0, 4); !errors.As(err, new(*consumer.OccupiedError)) {
			w.t.Errorf("error %v", err)
		}
		three.stop()
		if _, err := w.outsider().Unreadable(w.t.Context(), w.topic, 0, 4); !errors.Is(err, consumer.ErrPast) {
			w.t.Errorf("error %v", err)
		}
	})
}

// A batch ahead of the group is passed when the group comes to it.
func TestSeveralBatchesArePassedOneByOne(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a")
		first := w.ProduceUnreadable(w.t, w.topic, 0, 2)
		second := w.ProduceUnreadable(w.t, w.topic, 0, 2)
		w.publish(0, "b")
		third := w.ProduceUnreadable(w.t, w.topic, 0, 2)
		w.publish(0, "c")
		one := w.join()
		w.stuck(one, first)
		for i, asked := range []int64{third, whereItStands, second} {
			if u := w.skip(asked); u.Moved != []int64{1, 3, 5}[i] {
				w.t.Errorf("found %+v", u)
			}
		}
		two := w.join()
		w.untilCommitted(map[int32]int64{0: 9})
		w.expect("a b c", one, two)
	})
}

// What lies before a batch whose head is damaged is another.
func TestABatchWhoseHeadIsDamagedIsNotLookedForBeforeTheOffset(t *testing.T) {
	virtual(t, 2, func(w *world) {
		w.publish(1, "a", "b", "c", "d", "e", "f")
		w.commit(1, 0, nil)
		answers := [][]byte{wiretest.Of(4, 5, -1, false, 4, 5).Encode()[:40], wiretest.Of(0, 3, -1, false, 0, 1, 2, 3).Encode()}
		w.odd(func(p *kmsg.FetchResponseTopicPartition) {
			p.HighWatermark, p.LastStableOffset, p.RecordBatches = 6, 6, answers[0]
			answers = answers[len(answers)-1:]
		})
		if u, err := w.outsider().Unreadable(w.t.Context(), w.topic, 1, 4); !errors.Is(err, consumer.ErrNoEnd) {
			w.t.Errorf("found %+v, error %v", u, err)
		}
	})
}

func TestABatchIsPassedOfWhichTheFirstRecordsWereDeleted(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a")
		begin := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		w.publish(0, "b")
		one := w.join()
		w.stuck(one, begin)
		w.deleteRecords(0, begin+1)
		if u := w.skip(whereItStands); u.Begin != begin || u.First != begin+1 || u.Last != begin+2 {
			w.t.Errorf("found %+v", u)
		}
		two := w.join()
		w.untilCommitted(map[int32]int64{0: begin + 4})
		w.expect("a b", one, two)
	})
}

func TestWhereBrokersTakeNoMetadataAGroupIsMovedIfThereIsNothingToNote(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.refuseMetadata(0)
		w.publish(0, "a")
		first := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		w.publish(0, "b")
		second := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		w.publish(0, "c")
		one := w.join()
		w.stuck(one, first)
		c := w.outsider()
		u, err := c.Unreadable(w.t.Context(), w.topic, 0, second)
		if err == nil {
			err = c.Skip(w.t.Context(), u)
		}
		if !errors.Is(err, consumer.ErrNoRoom) {
			w.t.Errorf("error %v", err)
		}
		w.skip(first)
		two := w.join()
		w.stuck(two, second)
		w.skip(second)
		three := w.join()
		w.untilCommitted(map[int32]int64{0: 9})
		w.expect("a b c", one, two, three)
	})
}

func TestAGroupWithMembersIsNotMoved(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a")
		begin := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		c := w.outsider()
		m := w.join()
		w.until("it is said", func() bool { return w.log.count("batch at 1") > 0 })
		occupied := new(consumer.OccupiedError)
		if _, err := c.Unreadable(w.t.Context(), w.topic, 0, begin); !errors.As(err, &occupied) || len(occupied.Members) != 1 || occupied.Members[0].ClientID != "test" {
			w.t.Errorf("error %v: %+v", err, occupied)
		}
		m.stop()
		u, err := c.Unreadable(w.t.Context(), w.topic, 0, begin)
		if err != nil {
			w.t.Fatal(err)
		}
		m = w.join() // meanwhile
		w.until("serving", m.serving)
		if err := c.Skip(w.t.Context(), u); !errors.As(err, &occupied) || !errors.As(err, new(*consumer.RefusedError)) {
			w.t.Errorf("error %v", err)
		}
		m.stop()
		w.untilCommitted(map[int32]int64{0: 1})
		if err := c.Skip(w.t.Context(), u); err != nil { // it stands where it stood
			w.t.Error(err)
		}
		w.untilCommitted(map[int32]int64{0: 4})
	})
}

func TestAGroupThatWasMovedMeanwhileIsNotMovedAgain(t *testing.T) {
	virtual(t, 1, func(w *world) {
		begin := w.ProduceUnreadable(w.t, w.topic, 0, 3)
		w.publish(0, "a", "b")
		w.stuck(w.join(), begin)
		c := w.outsider()
		u, err := c.Unreadable(w.t.Context(), w.topic, 0, whereItStands)
		if err != nil {
			w.t.Fatal(err)
		}
		for range 2 { // the answer may have been lost
			if err := c.Skip(w.t.Context(), u); err != nil {
				w.t.Error(err)
			}
		}
		if _, err := c.Unreadable(w.t.Context(), w.topic, 0, begin); !errors.Is(err, consumer.ErrPast) {
			w.t.Errorf("error %v", err)
		}
		m := w.join()
		w.untilCommitted(map[int32]int64{0: 5})
		m.stop()
		if err := c.Skip(w.t.Context(), u); !errors.Is(err, consumer.ErrMoved) {
			w.t.Errorf("error %v", err)
		}
		w.untilCommitted(map[int32]int64{0: 5})
	})
}

func TestAGroupIsNotMovedPast(t *testing.T) {
	for rule, test := range map[string]struct {
		offset int64
		change func(w *world)
		want   error
	}{
		"what can be read":                    {0, func(*world) {}, consumer.ErrReadable},
		"what can be read, where it stands":   {whereItStands, func(*world) {}, consumer.ErrReadable},
		"what has not been written":           {7, func(*world) {}, consumer.ErrNoBatch},
		"what retention has deleted":          {0, func(w *world) { w.deleteRecords(0, 1) }, consumer.ErrNoBatch},
		"what is of a topic that was deleted": {0, func(w *world) { w.recreate(1); w.publish(0, "x") }, consumer.ErrNotBegun},
		"what it has committed nothing of":    {0, func(w *world) { w.group += "-other" }, consumer.ErrNotBegun},
		"the marker of a transaction": {3, func(w *world) {
			w.transaction(w.client(kgo.TransactionalID(kafkatest.Name(w.t))), kgo.TryCommit, "x")
			w.AwaitTransactions(w.t, w.topic)
		}, consumer.ErrReadable},
		"what was aborted": {2, func(w *world) {
			w.transaction(w.client(kgo.TransactionalID(kafkatest.Name(w.t))), kgo.TryAbort, "x")
			w.AwaitTransactions(w.t, w.topic)
		}, consumer.ErrReadable},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, "a", "b")
				m := w.join()
				w.untilCommitted(map[int32]int64{0: 2})
				m.stop()
				test.change(w)
				_, err := w.outsider().Unreadable(w.t.Context(), w.topic, 0, test.offset)
				if !errors.Is(err, test.want) || !errors.As(err, new(*consumer.RefusedError)) {
					w.t.Errorf("error %v", err)
				}
			})
		})
	}
}

// What a damaged head says of its batch is believed only as far as it agrees with what follows.
func TestWhereADamagedBatchEnds(t *testing.T) {
	good := wiretest.Of(4, 5, -1, false, 4, 5).Encode()
	damaged := func(last int64, records int) []byte {
		b := wiretest.Of(0, last, -1, false)
		for i := range records {
			b.Records = append(b.Records, wiretest.Record{Offset: int64(i), Value: []byte("v")})
		}
		text := b.Encode()
		text[len(text)-1] ^= 1 // the checksum finds it
		return text
	}
	bad := slices.Clone(good)
	bad[len(bad)-1] ^= 1
	for rule, test := range map[string]struct {
		asked   int64
		batches []byte
		last    int64
		want    error
	}{
		"as it says":                                  {0, append(damaged(3, 4), good...), 3, nil},
		"as it says, though it was compacted":         {2, append(damaged(3, 2), good...), 3, nil},
		"as it says, if what is before was compacted": {whereItStands, bad, 5, nil},
		"nowhere near what was compacted":             {0, bad, 0, consumer.ErrNoBatch},
		"not behind where the next begins":            {0, append(damaged(4, 5), good...), 0, consumer.ErrNoEnd},
		"not before its begin":                        {0, append(damaged(-9, 4), good...), 0, consumer.ErrNoEnd},
		"not behind the end of the log":               {0, damaged(6, 7), 0, consumer.ErrNoEnd},
		"as many records as it has, if alone":         {0, damaged(3, 4), 3, nil},
		"not if it has fewer, and nothing is behind":  {0, damaged(3, 2), 0, consumer.ErrNoEnd},
		"nowhere, if it is cut off":                   {0, good[:40], 0, consumer.ErrNoEnd},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 2, func(w *world) {
				w.publish(1, "a", "b", "c", "d", "e", "f")
				w.commit(1, 0, nil)
				w.odd(func(p *kmsg.FetchResponseTopicPartition) {
					p.HighWatermark, p.LastStableOffset, p.RecordBatches = 6, 6, test.batches
				})
				u, err := w.outsider().Unreadable(w.t.Context(), w.topic, 1, test.asked)
				if !errors.Is(err, test.want) || err == nil && (u.Last != test.last || u.Moved != test.last+1) {
					w.t.Errorf("found %+v, error %v", u, err)
				}
			})
		})
	}
}
