package deadlettercmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// A work resolves letters: it replays or discards them. First it looks at all of them and says what it would do; then,
// if that is wanted, it reads them again and does it. It is for one goroutine.
type work struct {
	cmd      *cobra.Command
	box      *letterbox
	run      deadletter.Run
	progress *cli.Progress
	style    view.Style

	verb, done string // "replay", "replayed"
	because    string // of a discard
	rate       float64
	most       int64 // letters to resolve; 0: any number
	opts       workOptions

	// from yields the letters of a topic that are asked for, oldest first.
	from func(context.Context, *deadletter.Store) iter.Seq2[deadletter.Entry, error]
	// judge says how a letter is to be resolved, or why it is not.
	judge func(context.Context, *deadletter.Entry) (deadletter.Replay, *triage.Obstacle)
	// absent tells the plan, at the end, about letters asked for that from did not yield.
	absent func(context.Context, *triage.Plan) error
	// resolve resolves letters.
	resolve func(context.Context, *deadletter.Resolver, []deadletter.Replay) (deadletter.Done, error)
	// none says that there is nothing, and returns the error for it.
	none func() error

	resolving bool              // the survey is done
	reach     map[place]int64   // the last letter of the plan in each partition
	source    map[string]string // of each replay topic, one whose records go there

	resolved, repaired, skipped, unknown int64
	refused                              *triage.Plan // what could not be resolved after all
	took                                 time.Duration
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// workOptions are flags that replay, discard and import share.
type workOptions struct {
	yes, dryRun, diff, json bool
	by                      string
}

// Bounds of what is resolved in one call, whose letters are in memory.
const (
	workLetters  = 1000
	pacedLetters = 500 // at a rate
	workBytes    = 4 << 20
)

// patience is how long it may take to create the topics that are written to.
const patience = 30 * time.Second

// do is all of it.
func (w *work) do(ctx context.Context) error {
	w.reach, w.source, w.refused = map[place]int64{}, map[string]string{}, triage.NewPlan()
	defer w.progress.End()
	plan, err := w.survey(ctx)
	if err != nil {
		return w.explain(err)
	}
	obstacles := triage.Total(plan.Obstacles())
	if plan.Letters+obstacles+triage.Total(plan.Resolved()) == 0 {
		err := w.none()
		if w.opts.json {
			err = errors.Join(err, w.report(plan, nil))
		}
		return err
	}
	if !w.opts.json {
		if err := view.Plan(w.cmd.OutOrStdout(), w.style, plan, w.heading(plan), w.opts.diff && !w.opts.dryRun); err != nil {
			return err
		}
	}
	err = w.consent(ctx, plan)
	if err != nil || w.opts.dryRun {
		if w.opts.json {
			err = errors.Join(err, w.report(plan, err))
		}
		if err != nil {
			return err
		}
		return w.verdict(obstacles, plan.Letters)
	}
	if plan.Letters > 0 {
		err = w.perform(ctx, plan)
		w.progress.End()
	}
	err = w.explain(err)
	if reportErr := w.report(plan, err); err == nil {
		err = reportErr
	}
	if err != nil {
		return err
	}
	return w.verdict(obstacles+triage.Total(w.refused.Obstacles()), w.resolved+w.skipped)
}

// verdict is what the exit code says of letters that stay as they are, and of
// letters that are, or would be, done with.
func (w *work) verdict(left, done int64) error {
	switch {
	case left > 0:
		return cli.ErrNo
	case done == 0:
		return cli.ErrNone // all was done before, which the plan has said
	}
	return nil
}

// survey looks at the letters and makes a plan.
func (w *work) survey(ctx context.Context) (*triage.Plan, error) {
	plan := triage.NewPlan()
	w.progress.Begin(taskOf("looking", 0))
	defer w.progress.End()
	err := w.each(ctx, func(e *deadletter.Entry) (more bool, err error) {
		replay, obstacle := w.judge(ctx, e)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if obstacle != nil {
			plan.Hinder(e.Name.String(), obstacle)
			return true, nil
		}
		plan.Add(replay)
		w.reach[place{e.Name.Topic, e.Name.Partition}] = e.Name.Offset
		if replay.Topic != "" {
			w.source[replay.Topic] = e.Letter.Source.Topic
		}
		if w.opts.diff && w.opts.dryRun && !w.opts.json {
			err = view.Diff(w.progress.Over(w.cmd.OutOrStdout()), w.style, &replay)
		}
		return w.most == 0 || plan.Letters < w.most, err
	})
	if err == nil && w.absent != nil {
		err = w.absent(ctx, plan)
	}
	return plan, err
}

// each calls take for each letter asked for, topic by topic, until it says that there are enough.
func (w *work) each(ctx context.Context, take func(*deadletter.Entry) (more bool, err error)) error {
	for _, store := range w.box.stores {
		more, err := w.eachOf(ctx, store, take)
		if errors.Is(err, deadletter.ErrNoTopic) && len(w.box.missing) < len(w.box.stores) {
			continue
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (w *work) eachOf(ctx context.Context, store *deadletter.Store, take func(*deadletter.Entry) (bool, error)) (more bool, err error) {
	for e, err := range w.from(ctx, store) {
		if err != nil {
			return false, err
		}
		if more, err := take(&e); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// heading is what would be done, in a line.
func (w *work) heading(plan *triage.Plan) string {
	text := fmt.Sprintf("%s would be %s", words.Number(plan.Letters, "letter"), w.done)
	if plan.Letters == 0 {
		return "No letter can be " + w.done + "."
	}
	if targets := targetsOf(plan); targets != "" {
		text += " to " + targets
	}
	if plan.Repaired > 0 {
		text += fmt.Sprintf(", %s of them repaired", words.Grouped(plan.Repaired))
	}
	switch {
	case w.because != "":
		text += ", because: " + words.Visible(w.because)
	case w.rate > 0:
		took := time.Duration(float64(plan.Letters) / w.rate * float64(time.Second)).Round(time.Second)
		text += fmt.Sprintf("; at %s that takes %s", perTime(w.rate), words.Span(max(took, time.Second)))
	}
	if w.most > 0 && plan.Letters == w.most {
		text += "; more may match, which --max leaves"
	}
	return text + "."
}

// perTime says a rate, given a second, in whole letters.
func perTime(rate float64) string {
	for _, unit := range []string{"second", "minute"} {
		if rate >= 1 {
			return words.Grouped(int64(rate)) + " a " + unit
		}
		rate *= 60
	}
	return words.Grouped(int64(rate)) + " an hour"
}

func targetsOf(plan *triage.Plan) string {
	return strings.Join(slices.Sorted(maps.Keys(plan.Targets)), ", ")
}

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
func (w *work) performOf(ctx context.Context, store *deadletter.Store, left *int64, total int64) error {
	if err := w.provide(ctx, store.Topic()); err != nil {
		return err
	}
	resolver, err := store.Resolver(ctx, w.run)
	if err != nil {
		return err
	}
	defer resolver.Close()
	pacing := pace.New(w.rate, pacedLetters)
	var batch []deadletter.Replay
	bytes := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := pacing.Wait(ctx); err != nil {
			return err
		}
		done, err := w.resolve(ctx, resolver, batch)
		err = cmp.Or(err, w.count(done))
		pacing.Took(len(batch))
		batch, bytes = batch[:0], 0
		w.progress.Set(w.resolved+w.skipped, total)
		return err
	}
	full := workLetters
	if w.rate > 0 {
		full = min(full, pacing.Most())
	}
	_, err = w.eachOf(ctx, store, func(e *deadletter.Entry) (more bool, err error) {
		last, planned := w.reach[place{e.Name.Topic, e.Name.Partition}]
		if !planned || e.Name.Offset > last {
			return true, nil // it came meanwhile: nobody has agreed to it
		}
		replay, obstacle := w.judge(ctx, e)
		if obstacle != nil {
			return true, ctx.Err() // as the plan has said, or another run was faster
		}
		batch, bytes = append(batch, replay), bytes+len(e.Letter.Value)+len(replay.Value)
		*left--
		if len(batch) >= full || bytes >= workBytes {
			err = flush()
		}
		return *left > 0, err
	})
	if err != nil {
		return err
	}
	return flush()
}

// provide creates the topics that are written to, where they do not exist.
func (w *work) provide(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := w.box.conn.Client()
	defer consumer.CloseClient(client)
	if _, err := deadletter.EnsureTopic(ctx, client, deadletter.ResolutionTopic(topic), topic, deadletter.ResolutionSettings()...); err != nil {
		return err
	}
	for replayTopic, source := range w.source {
		if _, err := deadletter.EnsureTopic(ctx, client, replayTopic, source, deadletter.LetterSettings()...); err != nil {
			return err
		}
	}
	return nil
}

// count notes what became of letters. It is an error if their topic has been made anew: so they all are gone.
func (w *work) count(done deadletter.Done) (err error) {
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
		w.refused.Hinder(r.Name.String(), &triage.Obstacle{Kind: triage.ObstacleKafka, Detail: detail})
		if errors.Is(r.Err, deadletter.ErrRecreated) {
			err = r.Err
		}
	}
	return err
}

// explain adds to an error that ended the work what is to be done about it.
func (w *work) explain(err error) error {
	if errors.Is(err, deadletter.ErrFenced) {
		return &fencedError{err}
	}
	return unreachable(w.box.conn.Brokers, err)
}
