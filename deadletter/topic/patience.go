package topic

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Patience is how long brokers that are gone are waited for in the middle of
// the work. That they have a client wait, by a quota, does not count.
const Patience = 30 * time.Second

// askTimeout is how long a question about topics may take, brokers that do not
// know yet included.
const askTimeout = 10 * time.Second

// Patiently tries until it succeeds, or fails for what does not pass, but not for
// ever: brokers that are gone in the middle of the work are waited for.
func (c *Clock) Patiently(ctx context.Context, try func(context.Context) error) error {
	return c.Within(ctx, Patience, func(ctx context.Context) error {
		var last error
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
			err := try(ctx)
			if err == nil || !passing(err) {
				return err
			}
			if ctx.Err() != nil {
				return errors.Join(context.Cause(ctx), last)
			}
			last = err
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
}

// passing tells trouble that may pass: connections, and what brokers say while
// they change roles.
func passing(err error) bool {
	var code *kerr.Error
	if errors.As(err, &code) {
		return code.Retriable || errors.Is(err, kerr.InvalidReplicationFactor) // as long as a broker is gone
	}
	return !errors.Is(err, ErrNoTopic) && !errors.Is(err, ErrRecreated)
}
