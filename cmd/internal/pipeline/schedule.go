package pipeline

import (
	"github.com/cenkalti/backoff/v4"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// schedule is the pauses between a batch's calls, and how long it has been
// tried, on its app's clock. That it is tried for long enough is for [judge] to
// say.
type schedule struct{ backoff.ExponentialBackOff }

func newSchedule(cfg config.Retry, clock backoff.Clock) *schedule {
	return &schedule{*backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.Initial),
		backoff.WithMaxInterval(cfg.Max),
		backoff.WithMultiplier(cfg.Multiplier),
		backoff.WithRandomizationFactor(cfg.Jitter),
		backoff.WithMaxElapsedTime(0),
		backoff.WithClockProvider(clock),
	)}
}

// clone is a schedule that goes on from where this one is.
func (s *schedule) clone() *schedule {
	c := *s
	return &c
}
