package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestAReplayedLetterIsTheRecordThatSaysWhereItIsFrom(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	l := letter("player", `{"a":1.0}`)
	l.Headers = append(l.Headers, consumer.Header{Key: "empty", Value: []byte{}}, consumer.Header{Key: "appid", Value: []byte("again")})
	l.Source = deadletter.Source{Topic: "source", Partition: 5, Offset: 99, Time: time.UnixMilli(1700000000123).UTC()}
	l.Replays = 2
	d.write(l)
	e := d.all(oldestFirst)[0]
	done, err := d.resolver("run 1").Replay(t.Context(), d.replays([]deadletter.Entry{e})...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")

	r := d.committed(d.replayTopic)[0]
	if string(r.Key) != "player" || string(r.Value) != `{"a":1.0}` {
		t.Errorf("key %s, value %s lie there", r.Key, r.Value)
	}
	headers := make([]consumer.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = consumer.Header(h)
	}
	if got := fmt.Sprint(headers[:3]); got != fmt.Sprint(l.Headers) {
		t.Errorf("headers %s lie there", got)
	}
	want := deadletter.Origin{Source: l.Source, Replays: 3, Letter: e.Name}
	if o, ok := deadletter.OriginOf(headers); !ok || o != want {
		t.Errorf("its origin is %v, %v, want %v", o, ok, want)
	}
	other, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if like, err := other.ProduceSync(t.Context(), &kgo.Record{Topic: d.replayTopic, Key: l.Key}).First(); err != nil || like.Partition != r.Partition {
		t.Errorf("it lies in partition %d, other clients choose %d (%v)", r.Partition, like.Partition, err)
	}
}

func TestWhatIsResolvedIsSkipped(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(10, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	first := d.resolver("run 1")
	done, err := first.Replay(t.Context(), d.replays(entries[:6])...)
	d.expectDone(done, err, "resolved 6, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = first.Discard(t.Context(), "why", entries[5:7]...)
	d.expectDone(done, err, "resolved 1, skipped 1, refused 0, unknown 0, untouched 0")
	if s := done.Skipped[0]; s.State != deadletter.Replayed || s.Name != entries[5].Name {
		t.Errorf("skipped %v", s)
	}
	// Another one knows from the topic what the first knew by itself.
	done, err = d.resolver("run 2").Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 3, skipped 7, refused 0, unknown 0, untouched 0")
	want := slices.DeleteFunc(slices.Clone(all), func(l deadletter.Letter) bool { return string(l.Key) == string(entries[6].Letter.Key) })
	d.expectOnce(want)
}

func TestALetterGivenTwiceIsReplayedOnce(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(3, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	done, err := d.resolver("run").Replay(t.Context(), d.replays(slices.Concat(entries, entries))...)
	d.expectDone(done, err, "resolved 3, skipped 3, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}

func TestWhatIsNoWholeLetterIsNotReplayed(t *testing.T) {
	d := newDesk(loopback(t, 1, settings{"max.message.bytes": "5000"}))
	whole, cut := letter("whole", "value"), letter("cut", strings.Repeat("x", 6000))
	d.write(whole, cut)
	d.Produce(t, kafkatest.Record{Topic: d.topic, Key: []byte("foreign"), Value: []byte("value")})
	entries := d.all(oldestFirst)
	stranger := entries[0]
	stranger.Name.Topic = "another"
	future := entries[0]
	future.Name.Offset = 3
	r := d.resolver("run")
	done, err := r.Replay(t.Context(), d.replays(append(entries, stranger, future))...)
	d.expectDone(done, err, "resolved 1, skipped 0, refused 4, unknown 0, untouched 0")
	for i, want := range []error{resolve.ErrOmitted, resolve.ErrForeign, deadletter.ErrNotFound, deadletter.ErrNotFound} {
		if got := done.Refused[i]; !errors.Is(got.Err, want) {
			t.Errorf("%s is refused since %v, want %v", got.Name, got.Err, want)
		}
	}
	d.expectOnce([]deadletter.Letter{whole})
	// What went without its value can be given one, and a foreign record be discarded.
	done, err = r.Replay(t.Context(), resolve.Replay{Entry: entries[1], Topic: d.replayTopic, Value: []byte("new"), Repaired: true})
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	done, err = r.Discard(t.Context(), "not ours", entries[2])
	d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
}

func TestALetterTooLargeForTheReplayTopicIsRefusedAlone(t *testing.T) {
	w := loopback(t, 1, nil)
	d := newDesk(w)
	d.replayTopic = w.topic + ".small"
	if err := w.CreateTopic(t.Context(), d.replayTopic, 3, settings{"max.message.bytes": "5000"}); err != nil {
		t.Fatal(err)
	}
	all := letters(50, 200)
	d.write(all...)
	d.write(random("large", 6000))
	d.write(letter("after", "value"))
	done, err := d.resolver("run").Replay(t.Context(), d.replays(d.all(oldestFirst))...)
	d.expectDone(done, err, "resolved 51, skipped 0, refused 1, unknown 0, untouched 0")
	if !errors.Is(done.Refused[0].Err, resolve.ErrTooLarge) {
		t.Errorf("refused since %v", done.Refused[0].Err)
	}
	d.expectOnce(append(all, letter("after", "value")))
	if left := d.all(oldestFirst); len(left) != 1 || string(left[0].Letter.Key) != "large" {
		t.Errorf("%d letters are pending", len(left))
	}
}

// random makes a letter that does not compress.
func random(key string, bytes int) deadletter.Letter {
	value := make([]byte, bytes)
	x := uint32(1)
	for i := range value {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		value[i] = byte(x)
	}
	return letter(key, string(value))
}

func TestReplayEndsSoonWithItsContextAndLeavesNothingOpen(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			anywhere(t, 1, func(w *world) {
				d := newDesk(w)
				all := letters(20, 50)
				d.write(all...)
				entries := d.all(oldestFirst)
				ctx, cancel := context.WithCancel(w.t.Context())
				defer cancel()
				c := &cutter{broker: w.Broker, key: key, answered: true, first: cancel}
				begin := time.Now()
				done, err := c.resolver(d, 1).Replay(ctx, d.replays(entries)...)
				took := time.Since(begin)
				w.t.Logf("%s, error %v, after %v", summary(done), err, took)
				if took > 7*time.Second && os.Getenv(kafkatest.BrokersVariable) == "" { // a cluster takes the time that it takes
					w.t.Errorf("it took %v", took)
				}
				if err == nil && len(done.Resolved) != 20 || err != nil && !errors.Is(err, context.Canceled) {
					w.t.Errorf("%s, error %v", summary(done), err)
				}
				if len(done.Unknown) == 0 { // else it may be open until another comes
					if n := len(d.replayed()); n != len(done.Resolved) {
						w.t.Errorf("%d letters lie there, it says %s", n, summary(done))
					}
				}
				if _, err := d.resolver("run 2").Replay(w.t.Context(), d.replays(entries)...); err != nil {
					w.t.Error(err)
				}
				d.expectOnce(all)
			})
		})
	}
}

func TestWhatMayNotBeWrittenIsNamed(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("key", "value"))
	entries := d.all(oldestFirst)
	fake := d.RequireKfake(t)
	fault := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: d.replayTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	done, err := d.resolver("run").Replay(t.Context(), d.replays(entries)...)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "write to topic "+d.replayTopic) || len(done.Untouched) != 1 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	fault.Remove()
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1})
	_, err = resolve.New(t.Context(), d.Store, resolve.Run{})
	if !errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || !strings.Contains(err.Error(), d.topic+".resolutions") {
		t.Errorf("error %v", err)
	}
}

func TestAReplayTopicThatIsMissingIsNamed(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letter("key", "value"))
	entries := d.all(oldestFirst)
	done, err := d.resolver("run").Replay(t.Context(), resolve.Replay{Entry: entries[0], Topic: d.topic + ".missing"})
	if !errors.Is(err, topic.ErrNoTopic) || !strings.Contains(err.Error(), "write to topic "+d.topic+".missing") || len(done.Untouched) != 1 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	if got := d.all(oldestFirst); len(got) != 1 {
		t.Errorf("%d letters are pending", len(got))
	}
}

// What a client writes first it writes before it has stored what it has learned of the topics, so whoever commits must wait
// for that. Under load it takes longer than the brokers' answer, one time in a hundred.
func TestTheFirstThatAResolverDoesIsDoneWhenItSaysSoAndTheNextCanBeDone(t *testing.T) {
	for way, do := range ways {
		t.Run(way, func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			d.write(letters(20, 50)...)
			for pair := range slices.Chunk(d.all(oldestFirst), 2) {
				r := d.resolver("run")
				for _, e := range pair {
					done, err := do(d, r, e)
					d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
					if got, err := d.Get(t.Context(), e.Name); err != nil || got.State == deadletter.Pending {
						t.Errorf("%s is %s, error %v", e.Name, got.State, err)
					}
				}
			}
		})
	}
}
