package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// A contest is one contestant carrying the whole load.

// measure has a contest run, and returns what it took.
func (s *stage) measure(ctx context.Context, contestant, name string, show func(done int64)) (report.Costs, error) {
	want, _ := s.load.share(contestant)
	if err := s.ask(ctx, "POST", fmt.Sprintf("%s?expect=%d", part.ResetPath, want.Count), nil); err != nil {
		return nil, err
	}
	letters, err := s.letters(ctx)
	if err != nil {
		return nil, err
	}
	t := s.task(contestant, name)
	p, err := part.Start(ctx, t)
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	got, spent, err := s.finish(ctx, p, t, letters, show)
	if err != nil {
		return nil, err
	}
	events := float64(s.load.events)
	return report.Costs{
		report.EventsPerSecond: got.Rate() * events / float64(want.Count), // bad events are carried, too
		report.CPUPerEvent:     float64(p.CPU().Microseconds()) / events,
		report.PeakMemory:      float64(spent.Peak),
		report.AllocsPerEvent:  float64(spent.Allocs) / events,
		report.BytesPerEvent:   float64(spent.AllocBytes) / events,
	}, nil
}

// finish waits until a contestant has carried the load, has it end, and fails if a single event is missing or came
// twice. letters is how many dead letters there were before it.
func (s *stage) finish(ctx context.Context, p *part.Process, t part.Task, letters int64, show func(done int64)) (got part.Tally, spent part.Expense, err error) {
	want, wantLetters := s.load.share(t.Part)
	if err := s.await(ctx, p, t.Group, want.Count, show); err != nil {
		return got, spent, err
	}
	if err := p.End(&spent); err != nil {
		return got, spent, err
	}
	if err := s.ask(ctx, "GET", part.TallyPath, &got); err != nil { // nothing can come any more
		return got, spent, err
	}
	if share, _ := t.Workload.Traces.Share(); t.Part == workload.Run && (got.Traced > 0) != (share > 0) {
		return got, spent, fmt.Errorf("%d bytes of traces came, where %q is traced", got.Traced, t.Workload.Traces)
	}
	after, err := s.letters(ctx)
	if err != nil {
		return got, spent, err
	}
	if got.Seen != want || after-letters != wantLetters {
		return got, spent, &mismatch{contestant: t.Part, want: want, got: got.Seen, wantLetters: wantLetters, gotLetters: after - letters}
	}
	return got, spent, nil
}

const (
	pollInterval = 100 * time.Millisecond
	stalledAfter = time.Minute
)

// await waits until the sink has as many events as it must get, and everything is committed. A contestant that makes
// no progress is not waited for.
func (s *stage) await(ctx context.Context, p *part.Process, group string, want int64, show func(done int64)) error {
	type state struct{ seen, uncommitted int64 }
	var latest state
	moved := time.Now()
	for {
		var t part.Tally
		if err := s.ask(ctx, "GET", part.TallyPath, &t); err != nil {
			return err
		}
		show(t.Seen.Count)
		now := state{t.Seen.Count, -1}
		if t.Seen.Count >= want {
			left, err := s.uncommitted(ctx, group)
			if err != nil {
				return err
			}
			if left == 0 {
				return nil
			}
			now.uncommitted = left
		}
		if now != latest {
			latest, moved = now, time.Now()
		}
		if time.Since(moved) > stalledAfter {
			p.Kill()
			return p.Failure(fmt.Errorf("killed, since it made no progress for %s: %d of %d events posted", stalledAfter, t.Seen.Count, want))
		}
		if err := pauseWith(ctx, p, pollInterval); err != nil {
			return err
		}
	}
}

// pauseWith waits, unless ctx ends or the process has failed.
func pauseWith(ctx context.Context, p *part.Process, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return p.Failed()
}

// mismatch is the failure of a benchmark whose contestant lost events or repeated some.
type mismatch struct {
	contestant              string
	want, got               part.Checksum
	wantLetters, gotLetters int64
}

func (m *mismatch) Error() string {
	text := fmt.Sprintf("the %s posted %d events and wrote %d dead letters, want %d and %d",
		m.contestant, m.got.Count, m.gotLetters, m.want.Count, m.wantLetters)
	if m.got.Count == m.want.Count && m.got.Sum != m.want.Sum {
		text += "; the events posted are others than those produced"
	}
	return text
}

func (m *mismatch) Unwrap() error { return cli.ErrNo }
