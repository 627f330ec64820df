package deadletter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// ways are those to resolve letters.
var ways = map[string]func(*desk, *resolve.Resolver, ...deadletter.Entry) (resolve.Done, error){
	"replay": func(d *desk, r *resolve.Resolver, entries ...deadletter.Entry) (resolve.Done, error) {
		return r.Replay(d.t.Context(), d.replays(entries)...)
	},
	"discard": func(d *desk, r *resolve.Resolver, entries ...deadletter.Entry) (resolve.Done, error) {
		return r.Discard(d.t.Context(), "why", entries...)
	},
}

func TestALetterReadBeforeItsTopicWasMadeAnewIsRefusedAndNothingIsWritten(t *testing.T) {
	for rule, test := range map[string]struct {
		before, worked bool // the resolver is opened, and has resolved letters, before the topic is made anew
		letters        int  // of the new topic
	}{
		"by a resolver of after":                                  {false, false, 5},
		"by one of before":                                        {true, false, 5},
		"by one of before that has worked":                        {true, true, 5},
		"by one of before, and there is none in its place":        {true, true, 0},
		"by one of after, and there is none in its place":         {false, false, 0},
		"by one of before, and the one in its place is discarded": {true, true, -5},
	} {
		for way, do := range ways {
			t.Run(way+" "+rule, func(t *testing.T) {
				d := newDesk(loopback(t, 1, nil))
				d.write(letters(5, 50)...)
				old := d.all(oldestFirst)
				var r *resolve.Resolver
				if test.before {
					r = d.resolver("run 1")
				}
				if test.worked {
					d.resolveSome(r)
				}
				d.anew(1, letters(max(test.letters, -test.letters), 50)...)
				if !test.before {
					r = d.resolver("run 2")
				}
				if test.letters < 0 {
					if _, err := r.Discard(t.Context(), "of the new one", d.all(oldestFirst)...); err != nil {
						t.Fatal(err)
					}
				}
				before := len(d.committed(d.replayTopic)) + len(d.committed(deadletter.ResolutionTopic(d.topic)))
				done, err := do(d, r, old...)
				d.expectDone(done, err, "resolved 0, skipped 0, refused 5, unknown 0, untouched 0")
				want := "letter " + old[0].Name.String() + " is gone: its topic has been deleted or made anew since it was read"
				if err := done.Refused[0].Err; !errors.Is(err, topic.ErrRecreated) || err.Error() != want {
					t.Errorf("refused since %v", err)
				}
				if n := len(d.committed(d.replayTopic)) + len(d.committed(deadletter.ResolutionTopic(d.topic))); n != before {
					t.Errorf("%d records are written", n-before)
				}
				if n := len(d.all(oldestFirst)); n != max(test.letters, 0) {
					t.Errorf("%d letters are pending", n)
				}
			})
		}
	}
}

func TestLettersOfBothTopicsAreToldApart(t *testing.T) {
	for way, do := range ways {
		t.Run(way, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(5, 50)...)
			old, r := d.all(oldestFirst), d.resolver("run 1")
			d.resolveSome(r)
			d.anew(1, letters(5, 50)...)
			fresh := d.all(anyState)
			byHand := deadletter.Entry{Name: fresh[4].Name, State: deadletter.Pending, Letter: fresh[4].Letter} // of no topic
			done, err := do(d, r, old[0], fresh[0], fresh[3], old[3], byHand)
			d.expectDone(done, err, "resolved 3, skipped 0, refused 2, unknown 0, untouched 0")
			for _, res := range done.Resolved {
				if res.TopicID != d.id() {
					t.Errorf("the resolution of %s is of topic %s", res.Name, res.TopicID)
				}
			}
			if got := names(d.all(oldestFirst)); got != "0/1 0/2" {
				t.Errorf("%s are pending", got)
			}
		})
	}
}

func TestALetterStillToComeIsRefusedWhereTheFormerTopicWasLonger(t *testing.T) {
	for way, do := range ways {
		t.Run(way, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(9, 50)...)
			r := d.resolver("run 1")
			d.resolveSome(r)
			d.anew(1, letters(2, 50)...)
			e := d.all(anyState)[0]
			for _, id := range []string{"", e.TopicID} {
				e.TopicID, e.Name.Offset = id, 5
				done, err := do(d, r, e)
				d.expectDone(done, err, "resolved 0, skipped 0, refused 1, unknown 0, untouched 0")
				if err := done.Refused[0].Err; !errors.Is(err, deadletter.ErrNotFound) {
					t.Errorf("refused since %v", err)
				}
			}
		})
	}
}

func TestLettersOfATopicDeletedStayUntouched(t *testing.T) {
	for way, do := range ways {
		t.Run(way, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(5, 50)...)
			old, r := d.all(oldestFirst), d.resolver("run 1")
			d.resolveSome(r)
			d.remove(d.topic)
			done, err := do(d, r, old[3:]...)
			if !errors.Is(err, topic.ErrNoTopic) || !strings.Contains(err.Error(), "topic "+d.topic+": ") || len(done.Untouched) != 2 {
				t.Errorf("%s, error %v", summary(done), err)
			}
			d.create(1, nil)
			d.write(letters(5, 50)...)
			done, err = do(d, r, d.all(oldestFirst)...)
			d.expectDone(done, err, "resolved 5, skipped 0, refused 0, unknown 0, untouched 0")
			d.remove(d.topic)
			if _, err := resolve.New(t.Context(), d.Store, resolve.Run{}); !errors.Is(err, topic.ErrNoTopic) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Which of both it is depends on what the client has heard of the topic.
func TestAResolverWhoseTopicOfResolutionsIsMadeAnewGoesOnOrSaysSo(t *testing.T) {
	for way, do := range ways {
		for rule, lettersToo := range map[string]bool{"that topic": false, "both topics": true} {
			t.Run(way+", "+rule, func(t *testing.T) {
				d := newDesk(loopback(t, 1, nil))
				d.write(letters(5, 50)...)
				r := d.resolver("run 1")
				d.resolveSome(r)
				if lettersToo {
					d.anew(1, letters(5, 50)...)
				}
				d.recreate(deadletter.ResolutionTopic(d.topic), 3, settings{"cleanup.policy": "compact"})
				entries := d.all(oldestFirst) // all: nobody else knows what was done about them
				done, err := do(d, r, entries[3])
				if err != nil && (!errors.Is(err, topic.ErrRecreated) || len(done.Untouched) != 1) || err == nil && len(done.Resolved) != 1 {
					t.Errorf("%s, error %v", summary(done), err)
				}
				if _, err = do(d, d.resolver("run 2"), entries[3:]...); err != nil {
					t.Error(err)
				}
				for _, s := range []*store.Store{d.Store, d.open()} {
					if left, err := read(t.Context(), s, oldestFirst); names(left) != "0/0 0/1 0/2" || err != nil {
						t.Errorf("%s are pending, error %v", names(left), err)
					}
				}
			})
		}
	}
}

func TestTheSameWorkGoesOnWithTheLettersOfTheNewTopic(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(300, 50)...)
	if err := d.replayAll("run 1", d.all(oldestFirst)[:200]); err != nil { // and it is stopped
		t.Fatal(err)
	}
	fresh := letters(300, 60)
	for i := range fresh {
		fresh[i].Key = append(fresh[i].Key, " new"...)
	}
	d.anew(2, fresh...)
	if err := d.replayAll("run 2", d.all(oldestFirst)); err != nil {
		t.Fatal(err)
	}
	times := d.replayed()
	for _, l := range fresh {
		if n := times[string(l.Key)]; n != 1 {
			t.Errorf("letter %s lies %d times in the replay topic", l.Key, n)
		}
	}
	if left := d.all(oldestFirst); len(times) != 500 || len(left) > 0 {
		t.Errorf("%d letters lie in the replay topic, %d are pending", len(times), len(left))
	}
}

// A letter that comes back may get the name that it had in the former topic.
func TestALetterThatComesBackUnderItsFormerNameIsANewOne(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("player", "1"))
	e := d.all(oldestFirst)[0]
	r := d.resolver("run 1")
	done, err := r.Replay(t.Context(), d.replays([]deadletter.Entry{e})...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	var headers []consumer.Header
	for _, h := range d.committed(d.replayTopic)[0].Headers {
		headers = append(headers, consumer.Header(h))
	}
	origin, ok := deadletter.OriginOf(headers)
	if !ok {
		t.Fatal("it does not say where it is from")
	}
	back := letter("player", "1")
	back.Source, back.Replays, back.Previous = origin.Source, origin.Replays, origin.Letter
	d.anew(1, back)
	got, err := d.Get(t.Context(), e.Name)
	if err != nil || got.State != deadletter.Pending || got.Letter.Previous != got.Name || got.Letter.Replays != 1 {
		t.Errorf("%s, of %s, is %s, error %v", got.Name, got.Letter.Previous, got.State, err)
	}
	if history, err := d.History(t.Context(), got); err != nil || len(history) > 0 {
		t.Errorf("history %v, error %v", history, err)
	}
	done, err = r.Replay(t.Context(), d.replays([]deadletter.Entry{e, got})...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 1, unknown 0, untouched 0")
	if n := d.replayed()["player"]; n != 2 {
		t.Errorf("it was replayed %d times", n)
	}
}

func TestATopicMadeAnewInTheMiddleOfATransaction(t *testing.T) {
	for rule, test := range map[string]struct {
		resolutions bool // the topic of resolutions is made anew, not that of letters
		cut         bool // the commit's answer is lost
		done        string
		pending     string
	}{
		"leaves its letters pending, which were not in it":                  {false, false, "resolved 3, skipped 0, refused 0, unknown 0, untouched 0", "0/0 0/1 0/2"},
		"leaves its letters pending, also if the answer is lost":            {false, true, "resolved 3, skipped 0, refused 0, unknown 0, untouched 0", "0/0 0/1 0/2"},
		"and the answer is lost, as are its resolutions: nobody can tell":   {true, true, "resolved 0, skipped 0, refused 0, unknown 3, untouched 0", "0/0 0/1 0/2"},
		"with its resolutions, which are lost: those of the former go, too": {true, false, "resolved 3, skipped 0, refused 0, unknown 0, untouched 0", "0/0 0/1 0/2"},
	} {
		t.Run(rule, func(t *testing.T) {
			anywhere(t, 1, func(w *world) {
				d := newDesk(w)
				all := letters(3, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				anew := func() {
					if test.resolutions {
						d.recreate(deadletter.ResolutionTopic(d.topic), 3, settings{"cleanup.policy": "compact"})
						return
					}
					d.anew(1, letters(3, 50)...)
				}
				conn := hooked(w.Broker, kmsg.EndTxn, "", once(anew))
				if test.cut {
					c := &cutter{broker: w.Broker, key: kmsg.EndTxn, answered: true, left: 1 << 30, first: anew}
					conn = c.connection()
				}
				store, err := store.Open(conn, d.topic)
				if err != nil {
					w.t.Fatal(err)
				}
				defer store.Close()
				r, err := resolve.New(w.t.Context(), store, resolve.Run{ID: "run", By: "tester"})
				if err != nil {
					w.t.Fatal(err)
				}
				defer r.Close()
				done, err := r.Replay(w.t.Context(), d.replays(entries)...)
				if got := summary(done); got != test.done || (err != nil) != (len(done.Unknown) > 0) {
					w.t.Errorf("%s, error %v; want %s", got, err, test.done)
				}
				d.expectOnce(all)
				if got := names(d.all(oldestFirst)); got != test.pending {
					w.t.Errorf("%s are pending, want %s", got, test.pending)
				}
			})
		})
	}
}

func TestABrokerThatIsGoneForLessThanHalfAMinuteIsWaitedForWhenATopicIsLookedAt(t *testing.T) {
	for way, do := range ways {
		t.Run(way, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(5, 50)...)
				entries, r := d.all(oldestFirst), d.resolver("run")
				d.Sever()
				time.AfterFunc(25*time.Second, d.Restore)
				done, err := do(d, r, entries...)
				d.expectDone(done, err, "resolved 5, skipped 0, refused 0, unknown 0, untouched 0")
			})
		})
	}
}
