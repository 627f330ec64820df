package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// A watching is a watcher at work, in virtual time.
type watching struct {
	*watcher
	*post
	t     *testing.T
	came  []string // the keys of letters
	said  []string
	ended chan error
	stop  context.CancelFunc
}

// watch begins to watch the letters of a post.
func (p *post) watch(t *testing.T, filter deadletter.Filter) *watching {
	t.Helper()
	box, err := openLetters(p.cfg, p.conn, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.close)
	w := &watching{watcher: newWatcher(box, filter, newFilterFlags(&cobra.Command{})), post: p, t: t, ended: make(chan error, 1)}
	w.arrive = func(e *deadletter.Entry) error {
		w.came = append(w.came, string(e.Letter.Key))
		return nil
	}
	w.say = func(text string) { w.said = append(w.said, text) }
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	go func() { w.ended <- w.do(ctx, func() {}) }()
	return w
}

// write writes letters, one for each key.
func (p *post) write(t *testing.T, keys ...string) {
	t.Helper()
	writer, err := deadletter.NewWriter(p.conn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, key := range keys {
		p.written++
		if _, err := writer.Write(t.Context(), p.cfg.DeadLetter.TopicFor(p.source), deadletter.Letter{
			Key: []byte(key), Value: []byte("{}"), Reason: deadletter.Exhausted, Detail: "of " + key, Delivery: deadletter.None,
			Source: deadletter.Source{Topic: p.source, Offset: 1000 + p.written, Time: time.Now()}, Time: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for what is to become so, and tells how it looks if it does not within an hour.
func (w *watching) until(is func(a triage.Arrivals, notes []string) bool) {
	w.t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		a, notes := w.look(time.Now())
		if is(a, notes) {
			return
		}
		if time.Since(began) > time.Hour {
			w.t.Fatalf("%+v, notes %q, said %q", a, notes, w.said)
		}
	}
}

// sees waits until so many letters have come, of which so many are pending, and nothing is wrong.
func (w *watching) sees(letters, pending int64) {
	w.t.Helper()
	w.until(func(a triage.Arrivals, notes []string) bool {
		return a.Letters == letters && a.Pending == pending && len(notes) == 0
	})
}

// begun waits until the watcher knows where the topics end.
func (w *watching) begun() { time.Sleep(3 * time.Second) }

// ends stops the watcher, and expects it to take that for no error.
func (w *watching) ends() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
}

func TestAWatchTellsOfAnOutageAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 2, 5)
		w := p.watch(t, deadletter.Filter{})
		w.begun()
		p.write(t, "a", "b")
		w.sees(2, 2)
		p.Sever()
		w.until(func(_ triage.Arrivals, notes []string) bool {
			return len(notes) == 1 && strings.HasPrefix(notes[0], "waiting for Kafka: ") && strings.Contains(notes[0], "cannot be reached")
		})
		time.Sleep(20 * time.Minute)
		p.Restore()
		w.sees(2, 2)
		p.write(t, "c")
		w.sees(3, 3)
		w.ends()
		if fmt.Sprint(w.came) != "[a b c]" || len(w.said) != 2 || !strings.Contains(w.said[1], " is read again, after 20m") {
			t.Errorf("%q came, %q was said", w.came, w.said)
		}
	})
}

func TestAWatchWaitsForATopicThatDoesNotExistYetAndSaysSo(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 0)
		dlq := p.cfg.DeadLetter.TopicFor(p.source)
		if err := b.DeleteTopic(t.Context(), dlq); err != nil {
			t.Fatal(err)
		}
		w := p.watch(t, deadletter.Filter{})
		want := "topic " + dlq + " does not exist, or this client may not see it: waiting for it"
		w.until(func(_ triage.Arrivals, notes []string) bool { return slices.Equal(notes, []string{want}) })
		time.Sleep(time.Minute)
		if topics := b.Topics(t, dlq); len(topics) > 0 {
			t.Errorf("there are %v", topics)
		}
		if err := b.CreateTopic(t.Context(), dlq, 1, nil); err != nil {
			t.Fatal(err)
		}
		p.write(t, "a")
		w.sees(1, 1)
		w.ends()
		if len(w.said) != 2 || w.said[0] != want {
			t.Errorf("said %q", w.said)
		}
	})
}

func TestTroubleThatBecomesAnotherSoonIsSaidAllTheSame(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 0)
		if err := b.DeleteTopic(t.Context(), p.cfg.DeadLetter.TopicFor(p.source)); err != nil {
			t.Fatal(err)
		}
		w := p.watch(t, deadletter.Filter{})
		w.begun()
		p.Sever()
		time.Sleep(20 * time.Minute)
		w.ends()
		if len(w.said) != 2 || !strings.Contains(w.said[0], " does not exist") || !strings.HasPrefix(w.said[1], "waiting for Kafka: ") {
			t.Errorf("said %q", w.said)
		}
	})
}

func TestLettersOfATopicMadeAnewAreNoLongerPendingAndTheNewOnesCount(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 0)
		dlq := p.cfg.DeadLetter.TopicFor(p.source)
		w := p.watch(t, deadletter.Filter{})
		w.begun()
		p.write(t, "a", "b", "c")
		w.sees(3, 3)
		if err := b.DeleteTopic(t.Context(), dlq); err != nil {
			t.Fatal(err)
		}
		if err := b.CreateTopic(t.Context(), dlq, 1, nil); err != nil {
			t.Fatal(err)
		}
		p.write(t, "d", "e")
		w.sees(5, 2)
		w.ends()
		if !slices.Contains(w.said, "topic "+dlq+" has been deleted or made anew: the letters it had are no longer pending") {
			t.Errorf("said %q", w.said)
		}
	})
}

func TestWhatIsReplayedMeanwhileIsNoLongerPending(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 2, 20)
		w := p.watch(t, deadletter.Filter{Since: time.Now().Add(-time.Hour)})
		w.sees(20, 20)
		p.write(t, "a") // which no pipeline would take
		w.sees(21, 21)
		if stdout, err := replayVirtual(t.Context(), t, p, 0); err == nil || !strings.Contains(stdout, "replayed 20 letters to ") {
			t.Errorf("%v, %s", err, stdout)
		}
		w.sees(21, 1)
		w.ends()
	})
}

func TestARightThatIsDeniedEndsAWatch(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 0)
		w := p.watch(t, deadletter.Filter{})
		w.begun()
		b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.TopicAuthorizationFailed, Count: -1})
		if err := <-w.ended; err == nil || !strings.Contains(err.Error(), "this takes Read on the Topic "+p.cfg.DeadLetter.TopicFor(p.source)) {
			t.Error(err)
		}
	})
}

func TestWhatHasComeIsWrittenWhenAWatchIsToldToStop(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 30)
		box, err := openLetters(p.cfg, p.conn, "")
		if err != nil {
			t.Fatal(err)
		}
		defer box.close()
		w := newWatcher(box, deadletter.Filter{Since: time.Now().Add(-time.Hour)}, newFilterFlags(&cobra.Command{}))
		ctx, stop := context.WithCancel(t.Context())
		taken, written := 0, 0
		w.arrive = func(*deadletter.Entry) error {
			taken++
			stop()
			return nil
		}
		w.flush = func() error {
			written = taken
			return nil
		}
		if err := w.do(ctx, func() {}); err != nil || taken == 0 || written != taken {
			t.Errorf("%d letters are taken, %d written, error %v", taken, written, err)
		}
	})
}

// As when another topic cannot be read any more.
func TestWhatHasComeIsWrittenWhenAWatchFails(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPost(t, b, 1, 30)
		box, err := openLetters(p.cfg, p.conn, "")
		if err != nil {
			t.Fatal(err)
		}
		defer box.close()
		w := newWatcher(box, deadletter.Filter{Since: time.Now().Add(-time.Hour)}, newFilterFlags(&cobra.Command{}))
		ctx, stop := context.WithCancelCause(t.Context())
		failure := errors.New("it is denied")
		taken, written := 0, 0
		w.arrive = func(*deadletter.Entry) error {
			taken++
			stop(failure)
			return nil
		}
		w.flush = func() error {
			written = taken
			return nil
		}
		if err := w.do(ctx, func() {}); !errors.Is(err, failure) || taken == 0 || written != taken {
			t.Errorf("%d letters are taken, %d written, error %v", taken, written, err)
		}
	})
}

func TestWhoTakesNoMoreLettersEndsAWatch(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		full := errors.New("no space left on device")
		for rule, refuse := range map[string]func(*watcher){
			"as it comes":         func(w *watcher) { w.arrive = func(*deadletter.Entry) error { return full } },
			"or as all that came": func(w *watcher) { w.flush = func() error { return full } },
			"or as it is to write": func(w *watcher) {
				w.arrive, w.flush = func(*deadletter.Entry) error { return full }, func() error { return full }
			},
		} {
			p := newPost(t, b, 1, 3)
			box, err := openLetters(p.cfg, p.conn, "")
			if err != nil {
				t.Fatal(err)
			}
			w := newWatcher(box, deadletter.Filter{Since: time.Now().Add(-time.Hour)}, newFilterFlags(&cobra.Command{}))
			refuse(w)
			if err := w.do(t.Context(), func() {}); !errors.Is(err, full) {
				t.Errorf("%s: %v", rule, err)
			}
			box.close()
		}
	})
}
