package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// measureDelay has events come at a rate that leaves the pipeline at ease, and looks how long each takes.
func measureDelay(ctx context.Context, o *options, p workload.Point, show *progress) (report.Report, error) {
	r := newReport(o, p)
	s, err := setUp(ctx, o, p.Workload, true)
	if err != nil {
		return r, err
	}
	defer s.tearDown()
	producer, err := newProducer(s.load, s.brokers, p.Workload, kgo.ProducerLinger(0))
	if err != nil {
		return r, err
	}
	defer producer.kafka.Close()
	t := s.task(workload.Run, "delay")
	run, err := part.Start(ctx, t)
	if err != nil {
		return r, err
	}
	defer run.Kill()
	show.live("waiting for the pipeline")
	if err := s.awaitFirst(ctx, run, producer); err != nil {
		return r, err
	}
	produced, err := producer.trickle(ctx, o.Rate, o.Duration, func(done int) {
		show.live("%s of %s seconds", words.PerSecond(float64(done)/o.Rate), words.PerSecond(o.Duration.Seconds()))
	})
	if err != nil {
		return r, err
	}
	if err := producer.finish(ctx); err != nil {
		return r, err
	}
	if _, _, err := s.finish(ctx, run, t, 0, func(int64) {}); err != nil {
		return r, err
	}
	var arrived map[uint64]time.Time
	if err := s.ask(ctx, "GET", part.ArrivedPath, &arrived); err != nil {
		return r, err
	}
	var took []time.Duration
	for number, at := range produced {
		took = append(took, arrived[number].Sub(at))
	}
	r.Delay = report.DelayOf(took)
	r.Delay.Rate, r.Delay.Duration = o.Rate, workload.Millis(o.Duration)
	r.Workload.Events = len(took)
	return r, nil
}

// awaitFirst produces an event now and then until one arrives, since only then the pipeline has joined its group.
func (s *stage) awaitFirst(ctx context.Context, run *part.Process, p *producer) error {
	deadline := time.Now().Add(stalledAfter)
	for {
		if _, err := p.produce(ctx); err != nil {
			return err
		}
		var t part.Tally
		if err := s.ask(ctx, "GET", part.TallyPath, &t); err != nil {
			return err
		}
		if t.Calls > 0 {
			return nil
		}
		if time.Now().After(deadline) {
			run.Kill()
			return run.Failure(fmt.Errorf("killed, since no event has arrived within %s", stalledAfter))
		}
		if err := pauseWith(ctx, run, pollInterval); err != nil {
			return err
		}
	}
}
