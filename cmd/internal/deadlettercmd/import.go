package deadlettercmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

func importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import -c FILE {FILE|-}",
		Short: "Replay letters with the values of an edited export",
		Long: `Reads what export has written and somebody has edited, and replays each letter in it with the value that it has there.
A value that was not edited is replayed byte for byte. Nothing but values may be edited, and a letter may be there once.

Each value is checked as the pipeline will: what it would refuse again stays pending and is told. Letters that are
resolved already are left out and counted. Where a number has other digits that are the same to a float64, which programs
do rather than people, the plan says so. All else is as with replay: it says first what it would do, asks, replays each
letter once, the oldest first, and goes on when it is run again.

A line must be JSON that every parser reads alike: no key twice, no half of a surrogate pair, no invalid UTF-8. A bad line
is told with its number, and then nothing is imported, unless --skip-bad is given. A letter that is there twice is never
left out: which of its lines is meant?

` + destinationHelp + `

` + workJSONHelp + `

Exit codes: 0 all replayed, 1 some could not be, or a line was bad, or the answer was no, 2 could not do what was asked,
3 there was nothing to replay.`,
		Example: `  battlereport deadletter import -c battlereport.yaml letters.jsonl
  battlereport deadletter import -c battlereport.yaml --dry-run --diff letters.jsonl
  battlereport deadletter export -c battlereport.yaml --ret -1011 | ./repair | battlereport deadletter import -c battlereport.yaml --yes -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usage(cmd, errors.New("which file? FILE is needed, or - for standard input"))
			}
			return cli.UpTo(1)(cmd, args)
		},
	}
	load := cli.ConfigFlag(cmd)
	opts := workOptions{}
	output := workFlags(cmd, &opts)
	to := destinationFlags(cmd)
	rate := rateFlag{perSecond: defaultRate}
	cmd.Flags().Var(&rate, "rate", "at most `N/s` (or N/m) letters; 0: as fast as Kafka takes them")
	maxReplays := cmd.Flags().Int("max-replays", defaultMaxReplays, "leave letters that have been replayed `N` times already")
	cmd.Flags().BoolVar(&opts.diff, "diff", false, "show what was edited in the sample; with --dry-run in each letter")
	skipBad := cmd.Flags().Bool("skip-bad", false, "leave bad lines out and go on")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts.json = *output == "json"
		if err := to.fault(); err != nil {
			return cli.Usage(cmd, err)
		}
		if *maxReplays < 0 {
			return cli.Usage(cmd, fmt.Errorf("--max-replays %d: want 0 or more", *maxReplays))
		}
		cfg, conn, err := connect(cmd, load)
		if err != nil {
			return err
		}
		replays, err := triage.NewReplays(cfg)
		if err != nil {
			return err
		}
		replays.MaxReplays = *maxReplays
		edited, err := openEdits(cmd, args, *skipBad)
		if err != nil {
			return err
		}
		defer edited.close()
		names := edited.names()
		if len(names) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no letters in "+cli.InputName(args))
			return errors.Join(cli.ErrNone, edited.exit())
		}
		box, err := openNamed(cmd, cfg, conn, names)
		if err != nil {
			return err
		}
		defer box.close()
		w, err := newWork(cmd, box, opts)
		if err != nil {
			return err
		}
		w.verb, w.done, w.rate = "replay", "replayed", rate.perSecond
		if err := to.aim(cmd.Context(), w, replays); err != nil {
			return err
		}
		w.takeNames(names)
		w.judge = func(_ context.Context, e *deadletter.Entry) (resolve.Replay, *triage.Obstacle) {
			return importOf(replays, edited, e)
		}
		w.resolve = replayAll
		if err := w.do(cmd.Context()); err != nil {
			return err
		}
		if opts.dryRun {
			return nil
		}
		return edited.exit()
	}
	return cmd
}

// exit is what the exit code says of bad lines.
func (e *edits) exit() error {
	if e.bad > 0 {
		return cli.ErrNo
	}
	return nil
}

// toldBad is how many bad lines are told.
const toldBad = 20

// openEdits reads the file that a command's argument names, and tells bad lines.
func openEdits(cmd *cobra.Command, args []string, skipBad bool) (*edits, error) {
	in, err := cli.OpenInput(cmd, args)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	stderr, told := cmd.ErrOrStderr(), 0
	e, err := readEdits(cmd.Context(), in, func(bad *badLineError) error {
		if told++; told <= toldBad {
			fmt.Fprintf(stderr, "%s:%s\n", cli.InputName(args), words.Visible(bad.Error()))
		}
		if same := new(sameLetterError); errors.As(bad, &same) && skipBad {
			return fmt.Errorf("nothing is imported: --skip-bad cannot tell which of the lines of %s is meant", same.name)
		}
		return nil
	})
	if err != nil {
		return nil, cli.OfInput(args, err)
	}
	if told > toldBad {
		fmt.Fprintf(stderr, "and %s more\n", words.Number(told-toldBad, "bad line"))
	}
	if told > 0 && !skipBad {
		fmt.Fprintln(stderr, "nothing is imported; --skip-bad leaves bad lines out")
		e.close()
		return nil, cli.ErrNo
	}
	return e, nil
}

// importOf returns the replay of a letter with the value it was given, or what stands against it.
func importOf(replays *triage.Replays, edited *edits, e *deadletter.Entry) (resolve.Replay, *triage.Obstacle) {
	read, number, err := edited.get(e.Name)
	if err != nil {
		return resolve.Replay{}, &triage.Obstacle{Kind: triage.ObstacleEdited, Detail: err.Error()}
	}
	if read.TopicID != "" && e.TopicID != "" && read.TopicID != e.TopicID {
		return resolve.Replay{}, &triage.Obstacle{Kind: triage.ObstacleExpired, Detail: "it is gone: its topic has been made anew since the export"}
	}
	if what := differs(&read, e); what != "" && e.Foreign == "" && triage.Before(e) == nil {
		return resolve.Replay{}, &triage.Obstacle{
			Kind: triage.ObstacleEdited, Detail: fmt.Sprintf("line %d differs in %s: only the value may be edited", number, what),
		}
	}
	return replays.With(e, read.Letter.Value)
}
