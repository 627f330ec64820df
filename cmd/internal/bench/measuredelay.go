package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// measureDelay has events come at a rate that leaves the pipeline at ease, and looks how long each takes.
func measureDelay(ctx context.Context, o *options, p point, show *progress) (report, error) {
	r := newReport(o, p)
	s, err := setUp(ctx, o, p.workload, true)
	if err != nil {
		return r, err
	}
	defer s.tearDown()
	events, err := newLoader(s.load, s.brokers, p.workload, kgo.ProducerLinger(0))
	if err != nil {
		return r, err
	}
	defer events.kafka.Close()
	t := s.task(runPart, "delay")
	run, err := startProcess(ctx, t)
	if err != nil {
		return r, err
	}
	defer run.kill()
	show.live("waiting for the pipeline")
	if err := s.awaitFirst(ctx, run, events); err != nil {
		return r, err
	}
	produced, err := events.trickle(ctx, o.Rate, o.Duration, func(done int) {
		show.live("%s of %s seconds", figures.PerSecond(float64(done)/o.Rate), figures.PerSecond(o.Duration.Seconds()))
	})
	if err != nil {
		return r, err
	}
	if err := events.finish(ctx); err != nil {
		return r, err
	}
	if _, _, err := s.finish(ctx, run, t, 0, func(int64) {}); err != nil {
		return r, err
	}
	var arrived map[uint64]time.Time
	if err := s.ask(ctx, "GET", arrivedPath, &arrived); err != nil {
		return r, err
	}
	var took []time.Duration
	for number, at := range produced {
		took = append(took, arrived[number].Sub(at))
	}
	r.Delay = delayOf(took)
	r.Delay.Rate, r.Delay.Duration = o.Rate, millis(o.Duration)
	r.Workload.Events = len(took)
	return r, nil
}

// awaitFirst produces an event now and then until one arrives, since only then the pipeline has joined its group.
func (s *stage) awaitFirst(ctx context.Context, run *process, events *loader) error {
	deadline := time.Now().Add(stalledAfter)
	for {
		if _, err := events.produce(ctx); err != nil {
			return err
		}
		var t tally
		if err := s.ask(ctx, "GET", tallyPath, &t); err != nil {
			return err
		}
		if t.Calls > 0 {
			return nil
		}
		if time.Now().After(deadline) {
			run.kill()
			return run.failure(fmt.Errorf("killed, since no event has arrived within %s", stalledAfter))
		}
		if err := pauseWith(ctx, run, pollInterval); err != nil {
			return err
		}
	}
}

// trickle produces events at a rate for a time, and returns when it did so, of the good ones by number.
func (p *loader) trickle(ctx context.Context, rate float64, duration time.Duration, show func(done int)) (map[uint64]time.Time, error) {
	produced := map[uint64]time.Time{}
	begin := time.Now()
	for i := range max(1, int(rate*duration.Seconds())) {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		now := time.Now()
		ev, err := p.produce(ctx)
		if err != nil {
			return nil, err
		}
		if ev.Reason == "" {
			produced[ev.Number] = now
		}
		if i%max(1, int(rate/4)) == 0 {
			show(i)
		}
	}
	return produced, nil
}
