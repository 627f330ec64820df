package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A usageError is about the command line itself.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() + "\nSee 'sandbox --help'." }
func (e usageError) Unwrap() error { return e.err }

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("unexpected argument %q", args[0])}
}

// flagError says of a flag's value what is wanted in its place.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		err = fmt.Errorf("--%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	return usageError{err}
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
