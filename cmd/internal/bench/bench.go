// Package bench measures the pipeline, and beside it what does the same work without its promises: the command
// 'sandbox bench'.
//
// Broker, platform and contestants are processes of their own, which this package starts from the program that it is
// part of. It counts every event of a contest, and reports no number of one in which a single event was missing or came
// twice. It does not say why a number is what it is: for that there are profiles.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/bench/memory"
	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// Command is the command that runs a benchmark. One of signals breaks it off. It ends with [cli.ErrNo] if events were
// lost or repeated.
func Command(signals <-chan os.Signal) *cobra.Command {
	o := defaultOptions()
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the pipeline, and beside it what does the same work without its promises",
		Long: `Has contestants carry a load from Kafka to a simulated MSDK:

  run         the real pipeline, as 'battlereport run' has it
  reader      the path as it is usually written with kafka-go: a Reader for each partition, a message at a time
  ceiling     the least there is to do with the same libraries: fetch in large chunks, copy values from there into calls

Reader and ceiling join, sign and post with as many calls in flight as run has. They check nothing, keep no order, repeat
no call that fails, and commit once, at the end. Broker, MSDK and contestants are processes of their own; CPU time, memory
and allocations are the contestant's from start to end, and rates those in full swing, the first and the last 5 % of the
events left out.

They take turns on the same load, each time in a new consumer group. The first round warms up and does not count. What
is printed is the median of the rounds with the lowest and the highest, and of run/reader and run/ceiling the same of the
ratios within each round: what else the host is doing meets all alike.

The simulated MSDK counts the events of every contest and checks their sum. A single one missing or repeated fails the
benchmark: exit code 1. Exit code 2 is for what could not be done.

A sweep repeats this for several values of one thing, with all else as the flags say (of large events there are fewer),
and without the reader, to take less time:
` + workload.SweepHelp() + `
--traces has every event tell in which span of its producer's it was made. With a share, as many of those spans are
sampled, and run exports its own by OTLP to a collector that forgets them, in the process of the simulated MSDK. A batch
is followed if one of its events is: at 1% of events that is two batches of a hundred events in three.

--delay measures something else: how long events that come at --rate take from being produced to being posted.`,
		Example: `  sandbox bench                                      the default load, about half a minute
  sandbox bench --events 50000 --rounds 3            a quick look
  sandbox bench --latency 20ms --in-flight 64        a platform that takes its time
  sandbox bench --sweep partitions -o json >a.jsonl  for plots: a line of JSON for each value
  sandbox bench --delay                              at 100 events a second, for 30 seconds
  sandbox bench --traces 1%                          and off, and 100%: what it costs to be traced
  sandbox bench --profile /tmp/profiles              and then: go tool pprof -top /tmp/profiles/run-1.cpu.pprof
  sandbox bench --brokers localhost:9092             on a Kafka there is, with topics and groups of its own`,
		Args:                  cli.UpTo(0),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			points, err := o.points()
			if err != nil {
				return cli.Usage(cmd, err)
			}
			return play(cmd.Context(), o, points, cmd.OutOrStdout(), cmd.ErrOrStderr(), signals)
		},
	}
	cmd.Flags().SortFlags = false
	o.flags(cmd.Flags())
	cmd.AddCommand(partCommand())
	return cmd
}

func partCommand() *cobra.Command {
	return &cobra.Command{
		Use:    part.Command,
		Short:  "One part of a benchmark; bench starts it",
		Hidden: true,
		Args:   cli.UpTo(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return part.Play(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// play measures each point, and prints what it finds as soon as it is known. A signal breaks it off.
func play(ctx context.Context, o *options, points []workload.Point, stdout, stderr io.Writer, signals <-chan os.Signal) error {
	if !o.Delay && o.Data == "" && len(o.Brokers) == 0 {
		if err := memory.Check(points); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-signals:
			cancel(errors.New("interrupted"))
		case <-ctx.Done():
		}
	}()
	show := newProgress(stderr, len(points))
	defer show.end()
	write := (&report.Table{Out: stdout}).Print
	if o.Output == "json" {
		write = func(r report.Report, _ workload.Point) error { return json.NewEncoder(stdout).Encode(r) }
	}
	measure := measureThroughput
	if o.Delay {
		measure = measureDelay
	}
	for i, p := range points {
		show.point(i, p)
		r, err := measure(ctx, o, p, show)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if errors.Is(err, cli.ErrNo) {
				show.say("bench: " + err.Error())
			}
			return err
		}
		show.clear()
		if err := write(r, p); err != nil {
			return err
		}
	}
	return nil
}
