package main

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
	exitDone   = 0
	exitNo     = 1 // the command ran, and its answer is no
	exitCannot = 2 // the command could not do what was asked
)

var (
	errNo   = errors.New("no")              // the answer of a command that has said all there is to say
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

func usage(cmd *cobra.Command, err error) error {
	return usageError{cmd.CommandPath(), err}
}

// exit tells err to a person, unless that was done, and returns the exit code for it.
func exit(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNo):
		return exitNo
	case errors.Is(err, errNone):
		return exitNone
	case errors.Is(err, errHelp):
	case errors.Is(err, syscall.EPIPE): // who read our output has seen enough
	case errors.Is(err, context.Canceled):
		complain(stderr, "interrupted")
	case errors.As(err, new(config.Faults)):
		fmt.Fprintln(stderr, err) // each line begins with the file's name, for editors and people to follow
	default:
		complain(stderr, err.Error())
	}
	return exitCannot
}

func complain(stderr io.Writer, text string) {
	const who = "battlereport:"
	lines := strings.Split(text, "\n")
	lines[0] = who + " " + lines[0]
	for i, style := 0, styleOf(stderr); i < len(lines); i++ {
		lines[i] = words.Fit(lines[i], style.Width)
	}
	fmt.Fprintln(stderr, red(stderr, who)+strings.TrimPrefix(strings.Join(lines, "\n"), who))
}
