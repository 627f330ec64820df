package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/schema/plaintext"
)

// isStandard reports whether a command's only argument means standard input: it is "-", or not there.
func isStandard(args []string) bool { return len(args) == 0 || args[0] == "-" }

// OpenInput opens the file that a command's only argument names: standard input for "-" or no argument. Closing it does
// not close standard input. Reading it ends with the command's context wherever it may have to wait, as for a pipe.
func OpenInput(cmd *cobra.Command, args []string) (io.ReadCloser, error) {
	if isStandard(args) {
		return interruptible(cmd.Context(), opened(cmd.InOrStdin())), nil
	}
	open := func() (io.ReadCloser, error) { return os.Open(args[0]) }
	if info, err := os.Stat(args[0]); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return interruptible(cmd.Context(), open), nil
	}
	return open()
}

// InputName is what messages call the file that a command's only argument names.
func InputName(args []string) string {
	if isStandard(args) {
		return "stdin"
	}
	return args[0]
}

// OfInput names the input that a command's only argument names in an error of its [Lines]. Other errors it returns as they
// are: those of a file name it.
func OfInput(args []string, err error) error {
	if errors.As(err, new(*plaintext.Error)) {
		return fmt.Errorf("read %s: %w", InputName(args), err)
	}
	return err
}

// InputSize returns the size in bytes of the file that a command's only argument names, -1 if it is not a regular file,
// and whether a person types it. It does not ask for the descriptor: closing a pipe whose descriptor was asked for no longer
// ends a read of it.
func InputSize(cmd *cobra.Command, args []string) (size int64, typed bool) {
	var info fs.FileInfo
	var err error
	if !isStandard(args) {
		info, err = os.Stat(args[0])
	} else if file, ok := cmd.InOrStdin().(*os.File); ok {
		info, err = file.Stat()
	}
	switch {
	case err != nil || info == nil:
		return -1, false
	case info.Mode().IsRegular():
		return info.Size(), false
	}
	return -1, info.Mode()&os.ModeCharDevice != 0
}

// opened opens what is open already, and does not close it.
func opened(in io.Reader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(in), nil }
}

// interruptible returns a reader of what open opens that gives up with the context's error when that ends. To open a pipe
// is to wait for somebody who writes to it, and to read one, or a terminal, can take for ever; neither can be broken off.
// So its goroutine is the one nobody waits for: it ends with the call it is in, or with the process.
func interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	out, feed := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = feed.CloseWithError(ctx.Err()) })
	go func() {
		in, err := open()
		if err == nil {
			_, err = io.Copy(feed, in)
			_ = in.Close()
		}
		stop()
		_ = feed.CloseWithError(err)
	}()
	return out
}
