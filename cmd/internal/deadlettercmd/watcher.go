package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	watchPause = time.Second // between looks for what has come
	sayTrouble = time.Minute // at least, between words about trouble that goes on
)

// A watcher reads letters as they come, each topic on a goroutine of its own, until it is told to stop.
type watcher struct {
	box   *letterbox
	scan  scan
	flags *filterFlags // whose --where may fail

	arrive func(*deadletter.Entry) error // takes each letter, twins once
	flush  func() error                  // is called when that was all there is for now, and at the end
	say    func(string)                  // tells of trouble, when it begins and when it is over

	mu       sync.Mutex // of what follows, and while these are called
	letters  *triage.Watch
	troubles map[string]*watchTrouble // by dead-letter topic
}

// watchTrouble is that a topic cannot be read.
type watchTrouble struct {
	text  string
	began time.Time

	told   string // the text that was said last
	toldAt time.Time
}

func newWatcher(box *letterbox, filter deadletter.Filter, flags *filterFlags) *watcher {
	filter.State = deadletter.AnyState
	w := &watcher{
		box: box, flags: flags, letters: triage.NewWatch(), troubles: map[string]*watchTrouble{},
		arrive: func(*deadletter.Entry) error { return nil }, flush: func() error { return nil }, say: func(string) {},
	}
	w.scan = scan{filter: filter, oldestFirst: true, failed: func(name deadletter.Name, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		flags.noteFailed(name, err)
	}}
	return w
}

// do watches until ctx ends, which is no error, and calls look each second meanwhile and at the end.
func (w *watcher) do(ctx context.Context, look func()) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var readers sync.WaitGroup
	for _, s := range w.box.stores {
		readers.Go(func() {
			if err := w.follow(ctx, s); err != nil {
				stop(err)
			}
		})
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for ctx.Err() == nil {
		look()
		select {
		case <-seconds.C:
		case <-ctx.Done():
		}
	}
	readers.Wait()
	look()
	flushed := w.flush() // what others had taken when one has failed
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return flushed
}

// follow reads the letters of a topic. What may pass is waited for; the error is of what will not, or of arrive.
func (w *watcher) follow(ctx context.Context, s *store.Store) error {
	query, foreign := w.scan.query()
	follower := s.Follow(query)
	for {
		var refused error // by arrive
		err := follower.Read(ctx, func(e deadletter.Entry) error {
			if !foreign || w.scan.selects(ctx, &e) {
				refused = w.take(&e)
			}
			return refused
		})
		if ctx.Err() != nil || refused != nil {
			return refused
		}
		if err := w.took(s, follower, kafkafault.Explain(&w.box.cfg.Kafka, err)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchPause):
		}
	}
}

// take takes a letter that has come.
func (w *watcher) take(e *deadletter.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.letters.Add(e, time.Now()) {
		return nil
	}
	return w.arrive(e)
}

// took notes that all there is for now was read, or why it was not. It returns an error that will not pass.
func (w *watcher) took(s *store.Store, follower *store.Follower, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if flushed := w.flush(); flushed != nil {
		return flushed
	}
	name := s.Topic()
	switch {
	case err == nil:
		w.letters.Recount(name, follower.Pending)
		if t := w.troubles[name]; t != nil {
			w.say(fmt.Sprintf("%s is read again, after %s", name, words.Span(time.Since(t.began))))
			delete(w.troubles, name)
		}
	case errors.Is(err, topic.ErrRecreated):
		w.letters.Forget(name)
		w.say(fmt.Sprintf("topic %s has been deleted or made anew: the letters it had are no longer pending", name))
	case kafkafault.Stays(err):
		return err
	case errors.Is(err, topic.ErrNoTopic):
		w.trouble(name, w.waiting(name))
	default:
		w.trouble(name, "waiting for Kafka: "+err.Error())
	}
	return nil
}

// waiting says that a dead-letter topic is waited for.
func (w *watcher) waiting(name string) string {
	text := fmt.Sprintf("topic %s does not exist, or this client may not see it: waiting for it", name)
	if meant, ok := sourceOf(w.box.cfg, w.box.source); ok {
		text += fmt.Sprintf("; did you mean --topic %s?", meant)
	}
	return text
}

// trouble notes what is wrong, and says so when it begins, and when it has become another thing.
func (w *watcher) trouble(name, text string) {
	t, now := w.troubles[name], time.Now()
	if t == nil {
		t = &watchTrouble{began: now}
		w.troubles[name] = t
	}
	t.text = text
	if t.told != text && now.Sub(t.toldAt) >= sayTrouble {
		t.told, t.toldAt = text, now
		w.say(text)
	}
}

// look returns what has come, and what is wrong, each once.
func (w *watcher) look(now time.Time) (a triage.Arrivals, notes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.box.stores {
		if t := w.troubles[s.Topic()]; t != nil && !slices.Contains(notes, t.text) {
			notes = append(notes, t.text)
		}
	}
	if text := w.flags.complaint(); text != "" {
		notes = append(notes, text)
	}
	return w.letters.Look(now), notes
}
