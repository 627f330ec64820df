package pipeline

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/deadletter"
)

// sayAgain is after how long what lasts is said again.
const sayAgain = time.Minute

// sayOnce tells whether something is to be said that was said at a time, in
// nanoseconds. Safe for concurrent use.
func sayOnce(at *atomic.Int64) bool {
	now, last := time.Now(), at.Load()
	return (last == 0 || now.Sub(time.Unix(0, last)) >= sayAgain) && at.CompareAndSwap(last, now.UnixNano())
}

// letterLog mentions letters in the log: the first of a kind at once, then how many
// there were, at most once a minute, and at the end of a generation (see rest).
// Belongs to the engine's loop.
type letterLog struct {
	log  *slog.Logger
	said map[kindOfLetter]*said
}

// kindOfLetter is what the log tells letters apart by.
type kindOfLetter struct {
	appid  string
	topic  string
	reason deadletter.Reason
}

// said is when letters of a kind were last mentioned, and how many have come
// since.
type said struct {
	at     time.Time
	count  int
	detail string // of the last one
}

func newLetterLog(log *slog.Logger) *letterLog {
	return &letterLog{log: log, said: map[kindOfLetter]*said{}}
}

// written takes in letters that were written.
func (l *letterLog) written(events []*event) {
	now := time.Now()
	for _, ev := range events {
		kind := kindOfLetter{topic: ev.home, reason: ev.refusal.Reason}
		if ev.app != nil {
			kind.appid = ev.app.AppID
		}
		s := l.said[kind]
		if s == nil {
			s = &said{}
			l.said[kind] = s
		}
		s.count++
		s.detail = ev.refusal.Detail
		if now.Sub(s.at) >= sayAgain {
			l.say(kind, s, now)
		}
	}
}

// rest mentions those letters that have come since their kind was mentioned last.
func (l *letterLog) rest() {
	for kind, s := range l.said {
		if s.count > 0 {
			l.say(kind, s, time.Now())
		}
	}
}

func (l *letterLog) say(kind kindOfLetter, s *said, now time.Time) {
	args := []any{"reason", string(kind.reason), "topic", kind.topic, "appid", kind.appid, "count", s.count}
	if kind.reason == deadletter.UnknownApp {
		args = append(args, "detail", s.detail) // others may quote what a player wrote
	}
	l.log.Warn("records are dead-lettered", args...)
	*s = said{at: now}
}

// noteSchemas says what of the apps' schemas looks like a check and is none: once of each schema.
func noteSchemas(log *slog.Logger, apps []*admission.App) {
	noted := map[string]bool{}
	for _, app := range apps {
		if noted[app.Schema] {
			continue
		}
		noted[app.Schema] = true
		for _, n := range app.SchemaNotes() {
			log.Warn("a keyword of the schema is not checked", "appid", app.AppID,
				"file", n.File, "keyword", n.Keyword, "why", n.Message, "suggestion", n.Suggestion)
		}
	}
}
