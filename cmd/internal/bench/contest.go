package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/usage"
)

// A contest is one contestant carrying the whole load.

// measure has a contest run, and returns what it took.
func (s *stage) measure(ctx context.Context, part, name string, show func(done int64)) (costs, error) {
	want, _ := s.load.share(part)
	if err := s.ask(ctx, "POST", fmt.Sprintf("%s?expect=%d", resetPath, want.Count), nil); err != nil {
		return nil, err
	}
	letters, err := s.letters(ctx)
	if err != nil {
		return nil, err
	}
	t := s.task(part, name)
	p, err := startProcess(ctx, t)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	got, spent, err := s.finish(ctx, p, t, letters, show)
	if err != nil {
		return nil, err
	}
	events := float64(s.load.events)
	return costs{
		eventsPerSecond: got.rate() * events / float64(want.Count), // bad events are carried, too
		cpuPerEvent:     float64(p.cpu().Microseconds()) / events,
		peakMemory:      float64(spent.Peak),
		allocsPerEvent:  float64(spent.Allocs) / events,
		bytesPerEvent:   float64(spent.AllocBytes) / events,
	}, nil
}

// finish waits until a contestant has carried the load, has it end, and fails if a single event is missing or came
// twice. letters is how many dead letters there were before it.
func (s *stage) finish(ctx context.Context, p *process, t task, letters int64, show func(done int64)) (got tally, spent expense, err error) {
	want, wantLetters := s.load.share(t.Part)
	if err := s.await(ctx, p, t.Group, want.Count, show); err != nil {
		return got, spent, err
	}
	if err := p.end(&spent); err != nil {
		return got, spent, err
	}
	if err := s.ask(ctx, "GET", tallyPath, &got); err != nil { // nothing can come any more
		return got, spent, err
	}
	after, err := s.letters(ctx)
	if err != nil {
		return got, spent, err
	}
	if got.Seen != want || after-letters != wantLetters {
		return got, spent, &mismatch{part: t.Part, want: want, got: got.Seen, wantLetters: wantLetters, gotLetters: after - letters}
	}
	return got, spent, nil
}

const (
	pollInterval = 100 * time.Millisecond
	stalledAfter = time.Minute
)

// await waits until the sink has as many events as it must get, and everything is committed. A contestant that makes
// no progress is not waited for.
func (s *stage) await(ctx context.Context, p *process, group string, want int64, show func(done int64)) error {
	type state struct{ seen, uncommitted int64 }
	var latest state
	moved := time.Now()
	for {
		var t tally
		if err := s.ask(ctx, "GET", tallyPath, &t); err != nil {
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
			p.kill()
			return p.failure(fmt.Errorf("killed, since it made no progress for %s: %d of %d events posted", stalledAfter, t.Seen.Count, want))
		}
		if err := pauseWith(ctx, p, pollInterval); err != nil {
			return err
		}
	}
}

// pauseWith waits, unless ctx ends or the process has failed.
func pauseWith(ctx context.Context, p *process, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			return p.failure(p.err)
		}
	default:
	}
	return nil
}

// mismatch is the failure of a benchmark whose contestant lost events or repeated some.
type mismatch struct {
	part                    string
	want, got               ids
	wantLetters, gotLetters int64
}

func (m *mismatch) Error() string {
	text := fmt.Sprintf("the %s posted %d events and wrote %d dead letters, want %d and %d",
		m.part, m.got.Count, m.gotLetters, m.want.Count, m.wantLetters)
	if m.got.Count == m.want.Count && m.got.Sum != m.want.Sum {
		text += "; the events posted are others than those produced"
	}
	return text
}

func (m *mismatch) Unwrap() error { return usage.ErrNo }
