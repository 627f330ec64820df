package pipeline

import (
	"context"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// lettersAtOnce is how many letters are written together.
const lettersAtOnce = 256

// writeLetters writes what the loop has given up and acknowledges it, until the
// loop closes the channel. Once ctx ends it acknowledges nothing more: the
// events stay unsettled.
func (e *engine) writeLetters(ctx context.Context) {
	for events := range e.lettersOut {
		e.lettersDone <- written{events: events, err: e.p.writeLetters(ctx, events)}
	}
}

// written is what came of writing some letters.
type written struct {
	events []*event
	err    error
}

func (p *Pipeline) writeLetters(ctx context.Context, events []*event) error {
	now := time.Now()
	byTopic := map[string][]deadletter.Letter{}
	for _, ev := range events {
		topic := p.cfg.DeadLetter.TopicFor(ev.home)
		byTopic[topic] = append(byTopic[topic], ev.letter(now))
	}
	for topic, letters := range byTopic {
		if err := p.letters.Write(ctx, topic, letters...); err != nil {
			return err
		}
	}
	return nil
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
