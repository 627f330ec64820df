package consumer

import (
	"log/slog"
	"time"
)

// trouble logs a condition that lasts: when it begins, once a minute while it
// goes on, and when it is over. Not safe for concurrent use.
type trouble struct {
	log         *slog.Logger
	began, said time.Time
	begin, end  string
}

func newTrouble(log *slog.Logger, begin, end string) *trouble {
	return &trouble{log: log, begin: begin, end: end}
}

func (t *trouble) report(err error, args ...any) {
	now := time.Now()
	if t.began.IsZero() {
		t.began = now
	} else if now.Sub(t.said) < time.Minute {
		return
	}
	t.said = now
	t.log.Warn(t.begin, append(args, "since", now.Sub(t.began).Round(time.Second), "error", err)...)
}

func (t *trouble) over(args ...any) {
	if t.began.IsZero() {
		return
	}
	t.log.Info(t.end, append(args, "after", time.Since(t.began).Round(time.Millisecond))...)
	t.began = time.Time{}
}
