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
