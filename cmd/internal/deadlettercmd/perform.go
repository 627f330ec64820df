package deadlettercmd

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// Bounds of what is resolved in one call, whose letters are in memory.
const (
	workLetters  = 1000
	pacedLetters = 500 // at a rate
	workBytes    = 4 << 20
)

// perform resolves what the plan has.
func (w *work) perform(ctx context.Context, plan *triage.Plan) error {
	w.resolving = true
	began := time.Now()
	defer func() { w.took = time.Since(began) }()
	w.progress.Begin(taskOf(strings.TrimSuffix(w.verb, "e")+"ing", plan.Letters))
	left := plan.Letters
	for _, store := range w.box.stores {
		if left > 0 && w.reaches(store.Topic()) {
			if err := w.performOf(ctx, store, &left, plan.Letters); err != nil {
				return err
			}
		}
	}
	return nil
}

// reaches reports whether the plan has letters of a topic.
func (w *work) reaches(topic string) bool {
	for at := range w.reach {
		if at.topic == topic {
			return true
		}
	}
	return false
}

// performOf resolves the plan's letters of one topic.
func (w *work) performOf(ctx context.Context, store *store.Store, left *int64, total int64) error {
	if err := w.provide(ctx, store.Topic()); err != nil {
		return err
	}
	resolver, err := resolve.New(ctx, store, w.run)
	if err != nil {
		return err
	}
	defer resolver.Close()
	pacing := pace.New(w.rate, pacedLetters)
	var replays []resolve.Replay
	bytes := 0
	flush := func() error {
		if len(replays) == 0 {
			return nil
		}
		if err := pacing.Wait(ctx); err != nil {
			return err
		}
		done, err := w.resolve(ctx, resolver, replays)
		err = cmp.Or(err, w.count(done))
		pacing.Took(len(replays))
		replays, bytes = replays[:0], 0
		w.progress.Set(w.resolved+w.skipped, total)
		return err
	}
	full := workLetters
	if w.rate > 0 {
		full = min(full, pacing.Most())
	}
	_, err = w.eachOf(ctx, store, func(e *deadletter.Entry) (more bool, err error) {
		last, planned := w.reach[partition{e.Name.Topic, e.Name.Partition}]
		if !planned || e.Name.Offset > last {
			return true, nil // it came meanwhile: nobody has agreed to it
		}
		replay, obstacle := w.judge(ctx, e)
		if obstacle != nil {
			return true, ctx.Err() // as the plan has said, or another run was faster
		}
		replays, bytes = append(replays, replay), bytes+len(e.Letter.Value)+len(replay.Value)
		*left--
		if len(replays) >= full || bytes >= workBytes {
			err = flush()
		}
		return *left > 0, err
	})
	if err != nil {
		return err
	}
	return flush()
}

// provide creates the topics that are written to, where they do not exist. Brokers that are too few for it at the moment
// are waited for, as long as those that are gone.
func (w *work) provide(ctx context.Context, name string) error {
	client, err := topic.NewClient(w.box.conn)
	if err != nil {
		return err
	}
	defer client.Close()
	return topic.ClockOf(client).Patiently(ctx, func(ctx context.Context) error {
		err := provideOne(ctx, client, deadletter.ResolutionTopic(name), name, deadletter.ResolutionSettings())
		for _, replayTopic := range slices.Sorted(maps.Keys(w.source)) {
			if err == nil {
				err = provideOne(ctx, client, replayTopic, w.source[replayTopic], deadletter.LetterSettings())
			}
		}
		return err
	})
}

func provideOne(ctx context.Context, client *kgo.Client, name, like string, settings []topic.Setting) error {
	if err := topic.Allowed(ctx, client, name, "Write"); err != nil {
		return err // rather than that it may not be created, if it is not even seen
	}
	_, err := topic.Ensure(ctx, client, name, like, settings...)
	return err
}

// count notes what became of letters. It is an error if their topic has been made anew: so they all are gone.
func (w *work) count(done resolve.Done) (err error) {
	w.resolved += int64(len(done.Resolved))
	for _, r := range done.Resolved {
		if r.Repaired {
			w.repaired++
		}
	}
	w.skipped += int64(len(done.Skipped))
	w.unknown += int64(len(done.Unknown))
	for _, r := range done.Refused {
		detail := r.Err.Error()
		if gone, _ := absent(r.Err); gone != nil {
			detail = gone.Detail // the name is told anyway
		}
		w.unresolved.Hinder(r.Name.String(), &triage.Obstacle{Kind: triage.ObstacleKafka, Detail: detail})
		if errors.Is(r.Err, topic.ErrRecreated) {
			err = r.Err
		}
	}
	return err
}
