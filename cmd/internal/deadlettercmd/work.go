package deadlettercmd

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// A work resolves letters: it replays or discards them. First it looks at all of them and says what it would do; then,
// if that is wanted, it reads them again and does it. It is for one goroutine.
type work struct {
	cmd      *cobra.Command
	box      *letterbox
	run      resolve.Run
	progress *cli.Progress
	style    view.Style

	verb, done string // "replay", "replayed"
	because    string // of a discard
	rate       float64
	most       int64              // letters to resolve; 0: any number
	repair     *deadletter.Repair // of the values; nil: none
	to         string             // the topic written to; empty: the replay topics
	drop       []string           // names of headers that records go without
	caution    string             // what there is to know of such a replay; empty: nothing
	opts       workOptions

	// from yields the letters of a topic that are asked for, oldest first.
	from func(context.Context, *store.Store) iter.Seq2[deadletter.Entry, error]
	// judge says how a letter is to be resolved, or why it is not.
	judge func(context.Context, *deadletter.Entry) (resolve.Replay, *triage.Obstacle)
	// absent tells the plan, at the end, about letters asked for that from did not yield.
	absent func(context.Context, *triage.Plan) error
	// resolve resolves letters.
	resolve func(context.Context, *resolve.Resolver, []resolve.Replay) (resolve.Done, error)
	// none says that there is nothing, and returns the error for it.
	none func() error

	resolving bool                // the survey is done
	reach     map[partition]int64 // the last letter of the plan in each partition
	source    map[string]string   // of each replay topic that is provided for, one whose records go there

	resolved, repaired, skipped, unknown int64
	unresolved                           *triage.Plan // what could not be resolved after all
	took                                 time.Duration
}

// partition is one of a topic.
type partition struct {
	topic  string
	number int
}

// workOptions are flags that replay, discard and import share.
type workOptions struct {
	yes, dryRun, diff, json bool
	by                      string
}

// do is all of it.
func (w *work) do(ctx context.Context) error {
	w.reach, w.source, w.unresolved = map[partition]int64{}, map[string]string{}, triage.NewPlan()
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
		return w.exit(obstacles, plan.Letters)
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
	return w.exit(obstacles+triage.Total(w.unresolved.Obstacles()), w.resolved+w.skipped)
}

// exit is what the exit code says of letters that stay as they are, and of
// letters that are, or would be, done with.
func (w *work) exit(left, done int64) error {
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
		plan.Drop(&e.Letter, w.drop)
		w.reach[partition{e.Name.Topic, e.Name.Partition}] = e.Name.Offset
		if replay.Topic != "" && w.to == "" {
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
		if errors.Is(err, topic.ErrNoTopic) && len(w.box.missing) < len(w.box.stores) {
			continue
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (w *work) eachOf(ctx context.Context, store *store.Store, take func(*deadletter.Entry) (bool, error)) (more bool, err error) {
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

// explain adds to an error that ended the work what is to be done about it.
func (w *work) explain(err error) error {
	if errors.Is(err, resolve.ErrFenced) {
		return &fencedError{err}
	}
	return kafkafault.Explain(&w.box.cfg.Kafka, err)
}
