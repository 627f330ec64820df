// Package part is what runs in the processes of a benchmark: the broker, the sink that stands for MSDK, and the
// contestants; and [Process], which is a part as the benchmark sees it.
//
// A part is a process so that its CPU time and memory are its own. It is the same program once more, which is told its
// [Task] on standard input and answers on standard output, and ends when its standard input does. What the parts say is
// counted and not judged: who wins, and whether anything is missing, is for the benchmark to say.
package part

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// The parts besides the contestants.
const (
	Broker = "broker"
	Sink   = "sink"
)

// Task is what a part is to do. Not every part needs everything.
type Task struct {
	Part string

	Run     string        // in every event's id
	Latency time.Duration // of the sink
	Arrived bool          // the sink tells when each event arrived

	Data string // directory of the broker; empty: it keeps everything in memory

	Workload workload.Workload
	Brokers  []string
	Topic    string
	Group    string
	MSDK     string          // base URL
	Ends     map[int32]int64 // of the topic's partitions

	Profile string // path prefix of the profiles; empty: none
}

// Command is the hidden command of bench that plays a part.
const Command = "part"

// Play does what the task on stdin says, a line of JSON, until stdin ends. It writes lines of JSON to stdout. Some time
// after stdin has ended it ends the process, whatever the part is about.
func Play(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	in := json.NewDecoder(stdin)
	var t Task
	if err := in.Decode(&t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), stdin))
		cancel()
		time.Sleep(endWithin) // should the benchmark be no more, nobody else ends this process
		os.Exit(cli.ExitCannot)
	}()
	say := json.NewEncoder(stdout).Encode
	switch t.Part {
	case Broker:
		return playBroker(ctx, t, say)
	case Sink:
		return playSink(ctx, t, say)
	case workload.Run:
		return profiled(t.Profile, func() error { return playRun(ctx, t, say, stderr) })
	case workload.Reader:
		return profiled(t.Profile, func() error { return playBaseline(ctx, t, readMessages, say) })
	case workload.Ceiling:
		return profiled(t.Profile, func() error { return playBaseline(ctx, t, fetchChunks, say) })
	default:
		return fmt.Errorf("a benchmark has no part %q", t.Part)
	}
}
