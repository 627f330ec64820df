// Command battlereport takes battle reports from Kafka to the WeChat Game Center, and is the tool of the people around
// that: it checks and publishes reports, checks configurations, and says what it is.
//
// A command writes its result to standard output and what it has to say about it to standard error. It exits 0 when
// done, 1 when its answer is no, such as an invalid report, and 2 when it could not do what was asked. SIGINT and
// SIGTERM let it end in order; a second one ends it at once.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal does what it does to any program
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program without its process. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the process's own
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exit(root.ExecuteContext(ctx), stderr)
}
