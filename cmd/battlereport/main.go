// Command battlereport takes battle reports from Kafka to the WeChat Game Center, and is the tool of the people around
// that: it checks and publishes reports, sees to dead letters, moves the group past what cannot be read, calls the platform
// by hand, checks configurations, prints schemas, and says what it is.
//
// A command writes its result to standard output and what it has to say about it to standard error. It exits 0 when
// done, 1 when its answer is no, such as an invalid report, 2 when it could not do what was asked, and 3 when there is
// nothing of what was asked for, such as a letter that matches; msdk call has more, which its help tells. SIGINT and
// SIGTERM let it end in order; a second one ends it at once.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/configcmd"
	"github.com/battlereport/battlereport/cmd/internal/deadlettercmd"
	"github.com/battlereport/battlereport/cmd/internal/msdkcmd"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd"
	"github.com/battlereport/battlereport/cmd/internal/runcmd"
	"github.com/battlereport/battlereport/cmd/internal/schemacmd"
	"github.com/battlereport/battlereport/cmd/internal/skipcmd"
	"github.com/battlereport/battlereport/cmd/internal/statuscmd"
	"github.com/battlereport/battlereport/cmd/internal/validatecmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal does what it does to any program
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program without its process. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cli.Run(ctx, rootCommand(), args, stdin, stdout, stderr)
}

func rootCommand() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "battlereport",
		Short: "Battle reports from Kafka to the WeChat Game Center",
		Long: `Takes battle reports from Kafka, checks them, and posts them in batches to the WeChat Game Center.

Exit codes: 0 done, 1 the answer is no (such as an invalid report), 2 could not do what was asked, 3 there is
nothing of what was asked for (such as a letter that matches). msdk call has more, by what the platform says.`,
		Example: `  battlereport config example > battlereport.yaml
  battlereport config check -c battlereport.yaml
  battlereport validate reports.jsonl
  battlereport publish -c battlereport.yaml reports.jsonl
  battlereport run -c battlereport.yaml`,
	},
		runcmd.New(),
		configcmd.New(),
		validatecmd.New(),
		schemacmd.New(),
		publishcmd.New(),
		deadlettercmd.New(),
		statuscmd.New(),
		skipcmd.New(),
		msdkcmd.New(),
		cli.VersionCommand("battlereport"),
	)
}
