package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/usage"
)

// The parts of a benchmark that are processes.
const (
	brokerPart  = "broker"
	sinkPart    = "sink"
	runPart     = "run"
	readerPart  = "reader"
	ceilingPart = "ceiling"
)

// task is what a part is to do. Not every part needs everything.
type task struct {
	Part string

	Run     string        // in every event's id
	Latency time.Duration // of the sink
	Arrived bool          // the sink tells when each event arrived

	Data string // directory of the broker; empty: it keeps everything in memory

	Workload workload
	Brokers  []string
	Topic    string
	Group    string
	MSDK     string          // base URL
	Ends     map[int32]int64 // of the topic's partitions

	Profile string // path prefix of the profiles; empty: none
}

const partName = "part"

func partCommand() *cobra.Command {
	return &cobra.Command{
		Use:    partName,
		Short:  "One part of a benchmark; bench starts it",
		Hidden: true,
		Args:   usage.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return playPart(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// playPart does what the task on stdin says, until that ends.
func playPart(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	in := json.NewDecoder(stdin)
	var t task
	if err := in.Decode(&t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), stdin))
		cancel()
		time.Sleep(endWithin) // should the benchmark be no more, nobody else ends this process
		os.Exit(usage.ExitCannot)
	}()
	say := json.NewEncoder(stdout).Encode
	switch t.Part {
	case brokerPart:
		return playBroker(ctx, t, say)
	case sinkPart:
		return playSink(ctx, t, say)
	case runPart:
		return profiled(t.Profile, func() error { return playRun(ctx, t, say, stderr) })
	case readerPart:
		return profiled(t.Profile, func() error { return playBaseline(ctx, t, readMessages, say) })
	case ceilingPart:
		return profiled(t.Profile, func() error { return playBaseline(ctx, t, fetchChunks, say) })
	default:
		return fmt.Errorf("a benchmark has no part %q", t.Part)
	}
}
