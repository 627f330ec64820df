package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/cli"
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
	case !cli.IsTerminal(stdin) || !cli.IsTerminal(stderr):
		return errUnconfirmed
	}
	yes, err := cli.Ask(ctx, stdin, stderr, w.question(plan))
	if err == nil && !yes {
		fmt.Fprintln(stderr, "nothing is done")
		err = cli.ErrNo
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
