package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Group makes cmd a command that only has others under it. Named alone it shows its help, and exits 2, as nothing was
// done. Cobra by itself would take a slip in a name for a call for help, and exit 0.
func Group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return Usage(cmd, fmt.Errorf("unknown command %q%s", args[0], suggestion("", suggestions(cmd, args[0]))))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SetOut(cmd.ErrOrStderr())
		return errors.Join(errHelp, cmd.Help())
	}
	return cmd
}

// UpTo is the check of a command that takes at most n arguments.
func UpTo(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return Usage(cmd, fmt.Errorf("unexpected argument %q", args[n]))
	}
}
