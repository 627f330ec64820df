package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

func discardCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard -c FILE --because TEXT {NAME...|FILTERS}",
		Short: "Note that letters need not be delivered, and why",
		Long: `Notes of the letters named, or of those pending that the filters select, that nothing is to be done about them, and why.
They are no longer pending; nothing is deleted. Records of a dead-letter topic that are no letters can be discarded, too.

First it says what it would do, then it asks, as replay does; and like that it is done once, can be stopped at any time,
and goes on when it is run again.

` + workJSONHelp + `

Exit codes: 0 all discarded, 1 some could not be, or the answer was no, 2 could not do what was asked, 3 no letter
matches, or all named are done already.`,
		Example: `  battlereport deadletter discard -c battlereport.yaml --because 'load test of Nov 20' --where '.headers.origin == "robot"'
  battlereport deadletter discard -c battlereport.yaml --because 'no such player' battle-reports.dlq/3/1042`,
		Args: cobra.ArbitraryArgs,
	}
	load := cli.ConfigFlag(cmd)
	opts := workOptions{}
	output := workFlags(cmd, &opts)
	flags := newFilterFlags(cmd)
	_ = cmd.Flags().MarkHidden("state") // it is always pending
	because := cmd.Flags().String("because", "", "`TEXT` that says why; needed")
	most := cmd.Flags().Int64("max", 0, "discard at most `N` letters, the oldest; 0: all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts.json = *output == "json"
		if *most < 0 {
			return cli.Usage(cmd, fmt.Errorf("--max %d: want 0 or more", *most))
		}
		if strings.TrimSpace(*because) == "" {
			return cli.Usage(cmd, errors.New("why? --because TEXT is needed, for those who look later"))
		}
		box, names, filter, err := openSelection(cmd, args, flags, load)
		if err != nil {
			return err
		}
		defer box.close()
		w, err := newWork(cmd, box, opts)
		if err != nil {
			return err
		}
		w.verb, w.done, w.because, w.most = "discard", "discarded", *because, *most
		w.take(names, filter, flags)
		w.judge = func(_ context.Context, e *deadletter.Entry) (resolve.Replay, *triage.Obstacle) {
			return resolve.Replay{Entry: *e}, triage.Before(e)
		}
		w.resolve = func(ctx context.Context, r *resolve.Resolver, replays []resolve.Replay) (resolve.Done, error) {
			entries := make([]deadletter.Entry, len(replays))
			for i := range replays {
				entries[i] = replays[i].Entry
			}
			return r.Discard(ctx, *because, entries...)
		}
		return w.do(cmd.Context())
	}
	return cmd
}
