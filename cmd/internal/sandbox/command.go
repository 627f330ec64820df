// Package sandbox is the whole product in one process: a broker, a simulated MSDK with its faults, generated events and
// the real pipeline between them, and a view of it all.
//
// It keeps a book of every event, and says at the end what has become of each. It promises nothing about speed: the
// broker and the platform take their share of the same process. Nothing is left behind unless a flag names a file, and
// an embedded broker forgets what has been read long ago.
package sandbox

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// Command is the command that runs a sandbox. The first of signals has it stop publishing, the second not wait for what
// is pending, the third end the process. It ends with [cli.ErrNo] if not every event is accounted for.
func Command(signals <-chan os.Signal) *cobra.Command {
	opts := defaultOptions()
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "The whole system in one process: broker, simulated MSDK, traffic, pipeline",
		Long: `Starts a broker and a simulated MSDK on loopback, publishes generated events and runs the real pipeline between them.
At the end it accounts for every event, and exits 0 if nothing was lost, duplicated, out of order, altered or misjudged,
1 if something was, 2 if it could not do what was asked.

Ctrl-C stops publishing and waits for what is under way; a second one has the pipeline finish only what it has begun,
for 20 seconds at most; a third ends the process.`,
		Example: `  sandbox                                          a quiet evening, until Ctrl-C
  sandbox --rate 2000 --bad 0.05 --duration 1m     more of everything
  sandbox --fail 0.1 --timeout 0.01 --poison 300   a platform with moods
  sandbox --outage 30s:5s                          away for 5 of every 30 seconds
  sandbox --rate 0 --count 1000000                 how fast is it?
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sandbox   each event's way as a trace, from its publisher on`,
		Args:                  cli.UpTo(0),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return cli.Usage(cmd, err)
			}
			return play(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr(), signals)
		},
	}
	cmd.Flags().SortFlags = false
	opts.flags(cmd.Flags())
	return cmd
}
