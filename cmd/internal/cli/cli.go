// Package cli is what the programs of this module have in common as commands: exit codes and how errors are told, the
// check of arguments and flags, terminals, input by lines, progress, and questions.
//
// A command writes its result to standard output and what it has to say about it to standard error. It returns an error,
// [ErrNo], [ErrNone] or an [ExitError] where all is said already, and [Run] makes of that what is left to be said, after the
// program's name, and the exit code. The program's name is that of its root command.
//
// Where no terminal is, nothing is coloured, broken into lines, or shown of progress. Nothing in this package is safe for
// concurrent use, unless it says so.
package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// Run runs the command that args choose of root and those under it, and returns the exit code. When ctx ends, it is that
// the person at the keyboard, or what runs the program, wants it to.
func Run(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root.SilenceErrors = true // exit prints them
	root.SilenceUsage = true  // a page of usage would hide the error
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetArgs(append([]string{}, apart(root, args)...)) // cobra takes nil for the process's own
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exit(root, root.ExecuteContext(ctx))
}
