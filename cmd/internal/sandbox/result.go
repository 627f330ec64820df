package sandbox

import (
	"context"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
)

// result is how a run has ended.
type result struct {
	audit.Findings
	took          time.Duration
	notPublished  int64 // events that the broker did not take
	foreign       int64 // accepted reports of others than the sandbox
	foreignLetter int64 // and letters
	replayed      bool  // somebody has replayed letters meanwhile
	calls, failed int64
	settle        time.Duration // how long to wait for what is pending
	hurried       bool          // somebody did not want to
}

// ok says whether every event is accounted for. A letter that is replayed is both dead-lettered and delivered, perhaps
// with another value and out of its turn, which is what it was replayed for: then only what is lost counts.
func (r *result) ok() bool {
	broken := len(r.Breaches) > 0
	if r.replayed {
		broken = r.Breaches[audit.Lost] > 0
	}
	return !broken && (r.Pending == 0 || r.hurried)
}

// account reads the rest of the letters and closes the book. Before is what the group had committed at the start.
func (s *sandbox) account(ctx context.Context, before map[string]map[int32]int64) (result, error) {
	if err := s.letters.readToEnd(ctx); err != nil {
		return result{}, err
	}
	offsets, err := cluster.Committed(ctx, s.kafka, group)
	if err != nil {
		return result{}, err
	}
	replayed := false
	replays := s.cfg.DeadLetter.ReplayTopicFor(s.opts.Topic)
	for partition, offset := range offsets[replays] {
		replayed = replayed || offset > before[replays][partition]
	}
	stats := s.pipeline.Stats()
	return result{
		replayed:      replayed,
		Findings:      s.book.Findings(offsets),
		notPublished:  s.publisher.failed.Load(),
		foreign:       s.platform.foreign.Load(),
		foreignLetter: s.letters.foreigners(),
		calls:         stats.Calls,
		failed:        stats.FailedCalls,
	}, nil
}
