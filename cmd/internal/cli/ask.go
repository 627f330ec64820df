package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

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
