// Package usage is what the commands of the sandbox have in common about the end of a command: the exit codes, and
// errors about the command line.
package usage

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes.
const (
	ExitDone   = 0
	ExitNo     = 1
	ExitCannot = 2
)

// ErrNo ends a run whose numbers do not add up, after it has said so.
var ErrNo = errors.New("not every event is accounted for")

// An Error is about the command line itself.
type Error struct{ Err error }

func (e Error) Error() string { return e.Err.Error() + "\nSee 'sandbox --help'." }
func (e Error) Unwrap() error { return e.Err }

// NoArguments refuses arguments that are no flags.
func NoArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return Error{fmt.Errorf("unexpected argument %q", args[0])}
}

// FlagError says of a flag's value what is wanted in its place.
func FlagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		err = fmt.Errorf("--%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	return Error{err}
}

func wanted(invalid *pflag.InvalidValueError) error {
	cause := invalid.Unwrap()
	if errors.Is(cause, strconv.ErrRange) {
		return cause
	}
	switch invalid.GetFlag().Value.Type() {
	case "duration":
		return errors.New("want a duration such as 50ms")
	case "float64":
		return errors.New("want a number")
	case "int", "int32":
		return errors.New("want a whole number")
	case "uint64":
		return errors.New("want a whole number, 0 or more")
	case "bool":
		return errors.New("want true or false")
	}
	return cause
}
