package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// playBroker is the embedded broker of a benchmark.
func playBroker(ctx context.Context, t task, say func(any) error) error {
	var opts []kfake.Opt
	if t.Data != "" {
		opts = append(opts, kfake.DataDir(t.Data))
	}
	broker, err := kafkatest.Run(opts...)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := say(broker.Addrs()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
