package deadlettercmd

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
)

func statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stats -c FILE",
		Short: "Say what changed: how many letters, since when, why, and of whom",
		Long: `Counts the letters that the filters select, pending ones by default. First comes the verdict: how many there are, since
when they have been coming faster than before, and what these have in common. Then come counts by reason, app, answer of
the platform and schema violation, and when they came.

A letter that was written twice in a crash counts once. Numbers in the path of a violation are shown as *:
/rounds/*/score stands for all rounds. Players are counted by the keys of their records; beyond a million they are an
estimate, which is said. Times are in the local zone.

` + statsJSONHelp + `

` + filterHelp,
		Example: `  battlereport deadletter stats -c battlereport.yaml
  battlereport deadletter stats -c battlereport.yaml --since 2h --app wxcde873f99466f74a
  battlereport deadletter stats -c battlereport.yaml --state all -o json | jq .wave`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	output := cli.OutputFlag(cmd, "text", "json")
	flags := newFilterFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		box, filter, err := flags.open(cmd, load, time.Now())
		if err != nil {
			return err
		}
		defer box.close()
		progress := cli.NewProgress(cmd)
		progress.Begin(taskOf("reading", 0))
		defer progress.End()
		counter := triage.NewCounter()
		for e, err := range box.all(cmd.Context(), scan{filter: filter, progress: progress.Set, failed: flags.noteFailed}) {
			if err != nil {
				return err
			}
			counter.Add(&e)
		}
		progress.End()
		style := styleOf(cmd.OutOrStdout())
		stats := counter.Stats(style.Now)
		box.complain(flags, progress.Complain)
		if *output == "json" {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			err = encoder.Encode(stats)
		} else if stats.Letters > 0 {
			err = view.Stats(cmd.OutOrStdout(), style, &stats)
		}
		if err == nil && stats.Letters == 0 {
			return box.none(flags, progress.Print)
		}
		return err
	}
	return cmd
}
