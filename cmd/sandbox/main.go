// Command sandbox is the whole system in one process, to try it, to break it and to watch it: a broker, a simulated
// MSDK, generated events, and the real pipeline between them. It needs nothing and leaves nothing behind.
//
// At the end it holds what was published against what the platform accepted and what lies in the dead-letter topic,
// and exits 0 if every event is accounted for, 1 if not, 2 if it could not do what was asked. The first Ctrl-C stops
// publishing and waits for what is under way, the second has the pipeline drain at once, for its drain_timeout at most,
// the third ends the process.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/battlereport/battlereport/cmd/internal/bench"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/sandbox"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, signals))
}

// run is the program without its process. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	root := sandbox.Command(signals)
	root.AddCommand(bench.Command(signals))
	return cli.Run(context.Background(), root, args, stdin, stdout, stderr)
}
