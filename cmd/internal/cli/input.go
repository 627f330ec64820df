package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// OpenInput opens the file that a command's only argument names: standard input for "-" or no argument. Closing it does
// not close standard input.
func OpenInput(cmd *cobra.Command, args []string) (io.ReadCloser, error) {
	if len(args) == 0 || args[0] == "-" {
		return interruptible(cmd.Context(), cmd.InOrStdin()), nil
	}
	return os.Open(args[0])
}

// InputName is what messages call the file that a command's only argument names.
func InputName(args []string) string {
	if len(args) == 0 || args[0] == "-" {
		return "stdin"
	}
	return args[0]
}

// interruptible returns a reader of in that gives up with the context's error when that ends. Reading from a terminal or
// a pipe can take for ever, and cannot be broken off; so its goroutine is the one nobody waits for. It ends with the
// read it is in, or with the process.
func interruptible(ctx context.Context, in io.Reader) io.ReadCloser {
	out, feed := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = feed.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(feed, in)
		stop()
		_ = feed.CloseWithError(err)
	}()
	return out
}
