package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// lettersAtOnce is how many letters are written together.
const lettersAtOnce = 256

// writeLetters writes what the loop has given up and acknowledges it, until the
// loop closes the channel. Once ctx ends only what is written already is
// acknowledged: the other events stay unsettled.
func (e *engine) writeLetters(ctx context.Context) {
	for events := range e.lettersOut {
		e.lettersDone <- e.p.writeLetters(ctx, events)
	}
}

// written is what came of writing some letters.
type written struct{ done, left []*event }

// writeLetters writes letters, for all topics at the same time: those of one may
// have to wait.
func (p *Pipeline) writeLetters(ctx context.Context, events []*event) (w written) {
	byTopic := map[string][]*event{}
	for _, ev := range events {
		topic := p.cfg.DeadLetter.TopicFor(ev.home)
		byTopic[topic] = append(byTopic[topic], ev)
	}
	ended := make(chan written, len(byTopic))
	for topic, events := range byTopic {
		go func() { ended <- p.writeLettersTo(ctx, topic, events) }()
	}
	for range byTopic {
		some := <-ended
		w.done, w.left = append(w.done, some.done...), append(w.left, some.left...)
	}
	return w
}

func (p *Pipeline) writeLettersTo(ctx context.Context, topic string, events []*event) (w written) {
	now := time.Now()
	letters := make([]deadletter.Letter, len(events))
	for i, ev := range events {
		letters[i] = ev.letter(now)
	}
	left, _ := p.letters.Write(ctx, topic, letters...) // given up with the generation; the writer has logged it
	for i, ev := range events {
		if slices.Contains(left, i) {
			w.left = append(w.left, ev)
		} else {
			w.done = append(w.done, ev)
		}
	}
	return w
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

// sayLetters mentions letters in the log: the first of a kind at once, then how
// many there were, at most once a minute, and at the end of a generation (see
// sayRest). Belongs to the engine's loop.
func (p *Pipeline) sayLetters(events []*event) {
	now := time.Now()
	for _, ev := range events {
		kind := kindOfLetter{topic: ev.home, reason: ev.refusal.reason}
		if ev.app != nil {
			kind.appid = ev.app.AppID
		}
		s := p.lettersSaid[kind]
		if s == nil {
			s = &said{}
			p.lettersSaid[kind] = s
		}
		s.count++
		s.detail = ev.refusal.detail
		if now.Sub(s.at) >= sayAgain {
			p.say(kind, s, now)
		}
	}
}

// sayRest mentions those letters that have come since their kind was mentioned last.
func (p *Pipeline) sayRest() {
	for kind, s := range p.lettersSaid {
		if s.count > 0 {
			p.say(kind, s, time.Now())
		}
	}
}

func (p *Pipeline) say(kind kindOfLetter, s *said, now time.Time) {
	args := []any{"reason", string(kind.reason), "topic", kind.topic, "appid", kind.appid, "count", s.count}
	if kind.reason == deadletter.UnknownApp {
		args = append(args, "detail", s.detail) // others may quote what a player wrote
	}
	p.log.Warn("records are dead-lettered", args...)
	*s = said{at: now}
}
