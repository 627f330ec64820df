package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// delay is how long events took from being handed to the Kafka client that produces them to having arrived at the
// sink.
type delay struct {
	Rate     float64 `json:"rate_per_second"`
	Duration millis  `json:"duration_ms"`
	Events   int     `json:"events"`
	P50      millis  `json:"p50_ms"`
	P90      millis  `json:"p90_ms"`
	P99      millis  `json:"p99_ms"`
	Max      millis  `json:"max_ms"`
}

func (d *delay) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s events, %g a second, from produced to posted:\n\n", figures.Grouped(d.Events), d.Rate)
	for _, q := range []struct {
		name string
		d    millis
	}{{"half of them within", d.P50}, {"9 of 10", d.P90}, {"99 of 100", d.P99}, {"all", d.Max}} {
		fmt.Fprintf(&b, "%-22s%8.1f ms\n", q.name, float64(q.d)/float64(time.Millisecond))
	}
	return b.String()
}

func delayOf(took []time.Duration) *delay {
	slices.Sort(took)
	within := func(part float64) millis { return millis(took[int(math.Ceil(part*float64(len(took))))-1]) }
	return &delay{Events: len(took), P50: within(0.5), P90: within(0.9), P99: within(0.99), Max: within(1)}
}

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
