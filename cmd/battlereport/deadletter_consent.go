package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// errUnconfirmed ends a command that nobody was there to confirm.
var errUnconfirmed = errors.New("nothing is done yet: --yes is needed, since nobody can be asked without a terminal (or --dry-run, if this is all you wanted to know)")

// consent returns nil if the plan may be carried out: somebody has said yes, on the command line or now.
func (w *work) consent(ctx context.Context, plan *triage.Plan) error {
	stdin, stderr := w.cmd.InOrStdin(), w.cmd.ErrOrStderr()
	switch {
	case w.opts.dryRun, w.opts.yes, plan.Letters == 0:
		return nil
	case !isTerminal(stdin) || !isTerminal(stderr):
		return errUnconfirmed
	}
	yes, err := ask(ctx, stdin, stderr, w.question(plan))
	if err == nil && !yes {
		fmt.Fprintln(stderr, "nothing is done")
		err = errNo
	}
	return err
}

func (w *work) question(plan *triage.Plan) string {
	text := strings.ToUpper(w.verb[:1]) + w.verb[1:] + " " + words.Number(plan.Letters, "letter")
	if targets := targetsOf(plan); targets != "" {
		text += " to " + targets
	}
	return text + "? [y/N] "
}

// ask asks a question until the answer is yes or no, which an empty one is, or the end of the input.
func ask(ctx context.Context, in io.Reader, out io.Writer, question string) (yes bool, err error) {
	answers := bufio.NewReader(interruptible(ctx, in))
	for {
		fmt.Fprint(out, question)
		answer, err := answers.ReadString('\n')
		if err != nil {
			fmt.Fprintln(out)
			if errors.Is(err, io.EOF) && answer == "" {
				err = nil
			}
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
	}
}
