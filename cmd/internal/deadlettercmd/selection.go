package deadlettercmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
)

// workFlags gives cmd the flags that replay, discard and import share.
func workFlags(cmd *cobra.Command, opts *workOptions) *string {
	flags := cmd.Flags()
	flags.BoolVarP(&opts.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "say what would be done, and do nothing; the exit code is that of doing it")
	flags.StringVar(&opts.by, "by", whoami(), "`NAME` to be kept as the one who did it")
	return cli.OutputFlag(cmd, "text", "json")
}

// whoami names the person at the keyboard, as user@host.
func whoami() string {
	name, host := os.Getenv("USER"), "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	if name == "" {
		name = "unknown"
	}
	return name + "@" + host
}

// newRunID names a run so that runs sort by time.
func newRunID(now time.Time) string {
	return now.UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:6])
}

// newWork returns work in the topics of a letterbox, of which the letters are still to be said.
func newWork(cmd *cobra.Command, box *letterbox, opts workOptions) (*work, error) {
	if strings.TrimSpace(opts.by) == "" {
		return nil, cli.Usage(cmd, errors.New("--by: want a name"))
	}
	return &work{
		cmd: cmd, box: box, opts: opts, progress: cli.NewProgress(cmd), style: styleOf(cmd.OutOrStdout()),
		run: resolve.Run{ID: newRunID(time.Now()), By: opts.by},
	}, nil
}

// openSelection opens the topics of the letters that a command's arguments name or its flags select, one of which must be
// given. The topics of names are those that the names say.
func openSelection(cmd *cobra.Command, args []string, flags *filterFlags, load func() (*config.Config, error)) (*letterbox, []deadletter.Name, deadletter.Filter, error) {
	names, filter, err := readSelection(cmd, args, flags)
	if err != nil || len(names) == 0 {
		if err != nil {
			return nil, nil, filter, err
		}
		box, filter, err := flags.open(cmd, load, time.Now())
		return box, nil, filter, err
	}
	cfg, conn, err := connect(cmd, load)
	if err != nil {
		return nil, nil, filter, err
	}
	box, err := openNamed(cmd, cfg, conn, names)
	return box, names, filter, err
}

func readSelection(cmd *cobra.Command, args []string, flags *filterFlags) ([]deadletter.Name, deadletter.Filter, error) {
	names, err := parseNames(cmd, args)
	if err != nil {
		return nil, deadletter.Filter{}, err
	}
	verb := cmd.Name()
	switch {
	case flags.state.Value != string(deadletter.Pending):
		err = fmt.Errorf("--state %s: only pending letters can be %sed", flags.state.Value, strings.TrimSuffix(verb, "e"))
	case len(names) > 0 && flags.narrows():
		err = errors.New("letters are named or selected by filters, not both")
	case len(names) == 0 && !flags.narrows():
		err = fmt.Errorf("which letters? Name them, or select them by a filter, such as --reason, --app, --ret, --topic or --since 30d: %s does not take all there are by accident", verb)
	}
	if err != nil {
		return nil, deadletter.Filter{}, cli.Usage(cmd, err)
	}
	filter, err := flags.filter(time.Now())
	return names, filter, err
}

// take makes the work about letters that are named, or else selected by a filter.
func (w *work) take(names []deadletter.Name, filter deadletter.Filter, flags *filterFlags) {
	if len(names) > 0 {
		w.takeNames(names)
		return
	}
	w.from = func(ctx context.Context, store *store.Store) iter.Seq2[deadletter.Entry, error] {
		return w.box.of(ctx, store, scan{filter: filter, oldestFirst: true, progress: w.reading(), failed: flags.noteFailed})
	}
	w.absent = func(context.Context, *triage.Plan) error {
		w.box.complain(flags, w.progress.Complain)
		return nil
	}
	w.none = func() error { return w.box.none(flags, w.progress.Print) }
}

// reading returns what shows how far the survey has come; in the work itself it is the letters done that are shown.
func (w *work) reading() func(read, total int64) {
	if w.resolving {
		return nil
	}
	return w.progress.Set
}

// takeNames makes the work about letters named. Each of them is told about, whatever its state, and if there is none of
// that name.
func (w *work) takeNames(names []deadletter.Name) {
	missing := map[deadletter.Name]bool{}
	for _, name := range names {
		missing[name] = true
	}
	w.from = func(ctx context.Context, store *store.Store) iter.Seq2[deadletter.Entry, error] {
		filter := deadletter.Filter{State: deadletter.AnyState}
		for _, name := range names {
			if name.Topic == store.Topic() {
				filter.Names = append(filter.Names, name)
			}
		}
		return func(yield func(deadletter.Entry, error) bool) {
			for e, err := range w.box.of(ctx, store, scan{filter: filter, oldestFirst: true, progress: w.reading()}) {
				delete(missing, e.Name)
				if !yield(e, err) {
					return
				}
			}
		}
	}
	w.absent = func(ctx context.Context, plan *triage.Plan) error {
		if w.most > 0 && plan.Letters >= w.most {
			return nil // nobody has looked at all
		}
		for _, name := range names {
			if !missing[name] {
				continue
			}
			_, err := w.box.store(name.Topic).Get(ctx, name)
			if err == nil {
				err = deadletter.ErrNotFound
			}
			o, err := absent(err)
			if err != nil {
				return err
			}
			plan.Hinder(name.String(), o)
		}
		return nil
	}
	w.none = func() error { return cli.ErrNone }
}
