package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// errUnconfirmed ends a command that nobody was there to confirm.
var errUnconfirmed = errors.New("nothing is done yet: --yes is needed, since nobody can be asked without a terminal (or --dry-run, if this is all you wanted to know)")

// Consent has the person at the keyboard asked whether cmd is to go on. It returns nil if so, and [ErrNo] if not. It is
// an error if there is nobody.
func Consent(ctx context.Context, cmd *cobra.Command, question string) error {
	stdin, stderr := cmd.InOrStdin(), cmd.ErrOrStderr()
	if !IsTerminal(stdin) || !IsTerminal(stderr) {
		return errUnconfirmed
	}
	yes, err := Ask(ctx, stdin, stderr, question+" [y/N] ")
	if err == nil && !yes {
		fmt.Fprintln(stderr, "nothing is done")
		err = ErrNo
	}
	return err
}

// Ask asks a question until the answer is yes or no, which an empty one is, or the end of the input. It gives up
// with the error of ctx when that ends.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string) (yes bool, err error) {
	answers := bufio.NewReader(interruptible(ctx, opened(in)))
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
