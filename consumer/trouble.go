package consumer

import (
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// trouble logs a condition that lasts: when it begins, once a minute while it
// goes on, and when it is over. Not safe for concurrent use.
type trouble struct {
	log         *slog.Logger
	passing     time.Duration // for so long it is not said what a broker's restart brings about
	began, said time.Time
	begin, end  string
}

// restarting is what it takes to find out who does the work of a broker that restarts,
// as brokers do one after the other when they are updated.
const restarting = 5 * time.Second

func newTrouble(log *slog.Logger, begin, end string) *trouble {
	return &trouble{log: log, begin: begin, end: end}
}

// ofRestart tells whether an error is one that the restart of a broker brings about.
func ofRestart(err error) bool {
	return errors.As(err, new(*OpenError)) || isHangUp(err) || errors.Is(err, kerr.NotCoordinator) ||
		errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress)
}

func (t *trouble) report(err error, args ...any) {
	now := time.Now()
	if t.began.IsZero() {
		t.began, t.said = now, time.Time{}
	}
	switch {
	case t.said.IsZero() && ofRestart(err) && now.Sub(t.began) < t.passing:
		return
	case !t.said.IsZero() && now.Sub(t.said) < time.Minute:
		return
	}
	t.said = now
	t.log.Warn(t.begin, append(args, "since", now.Sub(t.began).Round(time.Second), "error", err)...)
}

func (t *trouble) over(args ...any) {
	if t.began.IsZero() {
		return
	}
	if !t.said.IsZero() {
		t.log.Info(t.end, append(args, "after", time.Since(t.began).Round(time.Millisecond))...)
	}
	t.began = time.Time{}
}
