package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cluster"
)

// run publishes until stop ends or the events are all out, waits until they have settled, drains the pipeline and
// accounts for all. The end of hurry ends the waiting.
func (s *sandbox) run(stop, hurry context.Context) (result, error) {
	stop, fail := context.WithCancel(stop)
	defer fail()
	wait, abandon := context.WithCancel(hurry)
	defer abandon()
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	ended := make(chan error, 1)
	go func() {
		err := s.pipeline.Run(ctx)
		if ctx.Err() == nil { // it cannot work as configured: nothing will settle
			fail()
			abandon()
		}
		ended <- err
	}()
	if s.embedded && s.opts.Data == "" {
		var house sync.WaitGroup
		house.Go(func() { s.keepHouse(ctx) })
		defer house.Wait()
		defer drain()
	}

	before, _ := cluster.Committed(ctx, s.kafka, group) // an account that cannot be had is one of nothing
	s.publisher.run(stop, wait)
	took := time.Since(s.started)
	s.phase.enter(settling)
	s.settle(wait)
	s.phase.enter(draining)
	drain()
	if err := <-ended; err != nil {
		return result{}, fmt.Errorf("run the pipeline: %w", err)
	}
	r, err := s.account(context.Background(), before)
	r.took, r.settle, r.hurried = took, s.opts.Settle, hurry.Err() != nil
	s.phase.enter(over)
	return r, err
}

// settle waits until nothing is pending.
func (s *sandbox) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Settle)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for s.book.Counts().Pending > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
