package part

import (
	"context"

	"github.com/battlereport/battlereport/cmd/internal/cluster"
)

// playBroker is the embedded broker of a benchmark.
func playBroker(ctx context.Context, t Task, say func(any) error) error {
	addrs, stop, err := cluster.Start(0, t.Data)
	if err != nil {
		return err
	}
	defer stop()
	if err := say(addrs); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
