package pipeline

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// verdict is what a failed call means for its batch.
type verdict int

const (
	again  verdict = iota // the same batch, after a while
	apart                 // in halves, to find the bad record
	hold                  // the same batch, when the app's breaker lets it
	reject                // never: the platform refuses this one record
)

// judge decides it. records is how many the batch has; suspect says that this
// batch keeps failing while others of its app succeed; held says that the app's
// breaker is not closed, so that no retry counts.
//
// A batch is split only for its content: splitting it for a failure that strikes
// everybody alike would multiply the load on what is already failing.
func judge(class msdkclient.Class, records int, suspect, held bool) verdict {
	switch {
	case class == msdkclient.Record && records == 1:
		return reject
	case class == msdkclient.Record, class == msdkclient.Retry && suspect && records > 1:
		return apart
	case held, class == msdkclient.AppClass, class == msdkclient.Endpoint:
		return hold
	default:
		return again
	}
}

// Limits of what the platform may ask for.
const (
	minThrottle   = time.Second     // MSDK counts by the second
	maxRetryAfter = 5 * time.Minute // longer ones are taken for a mistake
)

// retryAfter is how long a failure asks to wait, within reason.
func retryAfter(err *msdkclient.Error) time.Duration {
	wait := min(err.RetryAfter, maxRetryAfter)
	if err.Class == msdkclient.Throttle {
		wait = max(wait, minThrottle)
	}
	return wait
}

// throttle is the time until which an app's calls wait, because the platform
// said that they come too fast. Belongs to the engine's loop.
type throttle struct{ until time.Time }

// retOneUser is the answer that one user's requests come too often. It says
// nothing of the app's other users.
const retOneUser = -503

func (t *throttle) answered(now time.Time, err *msdkclient.Error) {
	if err.Ret != retOneUser && (err.Class == msdkclient.Throttle || err.RetryAfter > 0) {
		if until := now.Add(retryAfter(err)); until.After(t.until) {
			t.until = until
		}
	}
}

// newSchedule is the retry schedule of a batch, on its app's clock.
func newSchedule(cfg config.Retry, clock backoff.Clock) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.Initial),
		backoff.WithMaxInterval(cfg.Max),
		backoff.WithMultiplier(cfg.Multiplier),
		backoff.WithRandomizationFactor(cfg.Jitter),
		backoff.WithMaxElapsedTime(cfg.MaxElapsed),
		backoff.WithClockProvider(clock),
	)
}
