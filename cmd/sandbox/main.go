// Command sandbox is the whole system in one process, to try it, to break it and to watch it: a broker, a simulated
// MSDK, generated events, and the real pipeline between them. It needs nothing and leaves nothing behind.
//
// At the end it holds what was published against what the platform accepted and what lies in the dead-letter topic,
// and exits 0 if every event is accounted for, 1 if not, 2 if it could not do what was asked. The first Ctrl-C stops
// publishing and waits for what is under way, the second has the pipeline drain at once, for its drain_timeout at most,
// the third ends the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/usage"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, signals))
}

// run is the program without its process. It returns the exit code.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	root := rootCommand(signals)
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the process's own
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return usage.ExitDone
	case errors.Is(err, usage.ErrNo):
		return usage.ExitNo
	default:
		fmt.Fprintln(stderr, "sandbox:", err)
		return usage.ExitCannot
	}
}

func rootCommand(signals <-chan os.Signal) *cobra.Command {
	opts := defaultOptions()
	root := &cobra.Command{
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
  sandbox --rate 0 --count 1000000                 how fast is it?`,
		Args:                  usage.NoArguments,
		DisableFlagsInUseLine: true,
		SilenceErrors:         true, // run prints them
		SilenceUsage:          true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return usage.Error{Err: err}
			}
			return play(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr(), signals)
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(usage.FlagError)
	root.Flags().SortFlags = false
	opts.flags(root.Flags())
	root.AddCommand(benchCommand(signals))
	return root
}
