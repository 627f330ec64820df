package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// The exit codes.
const (
	ExitDone   = 0
	ExitNo     = 1 // the command ran, and its answer is no
	ExitCannot = 2 // the command could not do what was asked
	ExitNone   = 3 // there is nothing of what was asked for
)

// An ExitError is that of a command that has said all there is to say and ends with an exit code of its own, beyond those that
// all commands have in common.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The errors of a command that has said all there is to say.
var (
	ErrNo   = errors.New("no")              // its answer is no: [ExitNo]
	ErrNone = errors.New("nothing matches") // there is nothing: [ExitNone]
	errHelp = errors.New("help was needed") // and was given
)

// A usageError is about the command line itself.
type usageError struct {
	command string
	err     error
}

func (e usageError) Error() string {
	return fmt.Sprintf("%v\nSee '%s --help'.", e.err, e.command)
}

func (e usageError) Unwrap() error { return e.err }

// Usage returns err as one about the command line of cmd, to whose help it leads.
func Usage(cmd *cobra.Command, err error) error {
	return usageError{cmd.CommandPath(), err}
}

// exit tells err to a person, unless that was done, and returns the exit code for it.
func exit(root *cobra.Command, err error) int {
	var own ExitError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &own):
		return int(own)
	case errors.Is(err, ErrNo):
		return ExitNo
	case errors.Is(err, ErrNone):
		return ExitNone
	case errors.Is(err, errHelp):
	case errors.Is(err, syscall.EPIPE): // who read our output has seen enough
	case errors.Is(err, context.Canceled):
		Complain(root, "interrupted")
	case errors.As(err, new(config.Faults)):
		fmt.Fprintln(root.ErrOrStderr(), err) // each line begins with the file's name, for editors and people to follow
	default:
		Complain(root, err.Error())
	}
	return ExitCannot
}

// Complain tells of trouble on the standard error of cmd, after the program's name. It ends nothing.
func Complain(cmd *cobra.Command, text string) {
	complain(cmd.ErrOrStderr(), cmd.Root().Name(), text)
}

func complain(stderr io.Writer, program, text string) {
	who := program + ":"
	lines := strings.Split(text, "\n")
	lines[0] = who + " " + lines[0]
	for i := range lines {
		lines[i] = words.Fit(lines[i], Columns(stderr))
	}
	fmt.Fprintln(stderr, red(stderr, who)+strings.TrimPrefix(strings.Join(lines, "\n"), who))
}
