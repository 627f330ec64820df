package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/deadletter"
)

// lettersAtOnce is how many letters are written together.
const lettersAtOnce = 256

// mailer has letters written of the events that are given up, some at a time. The
// channels lead to its run and back; what waits and is being written belongs to the
// engine's loop.
type mailer struct {
	writer *deadletter.Writer
	cfg    *config.DeadLetter
	tracer *tracer
	out    chan []*event
	done   chan written

	waiting []*event
	writing []*event // handed over, nil: none
}

// written is what came of writing some letters.
type written struct{ done, left []*event }

func newMailer(writer *deadletter.Writer, cfg *config.DeadLetter) *mailer {
	return &mailer{writer: writer, cfg: cfg, out: make(chan []*event), done: make(chan written, 1)}
}

// add takes in events that are given up.
func (m *mailer) add(events ...*event) {
	m.tracer.lost(events)
	m.waiting = append(m.waiting, events...)
}

// pending is how many letters are not written yet.
func (m *mailer) pending() int { return len(m.waiting) + len(m.writing) }

// next is where to send the letters to write next, nil while there are none or others
// are being written; and they.
func (m *mailer) next() (out chan<- []*event, events []*event) {
	if m.writing != nil || len(m.waiting) == 0 {
		return nil, nil
	}
	n := min(len(m.waiting), lettersAtOnce)
	return m.out, m.waiting[:n:n]
}

// sent says that the letters of next were sent there.
func (m *mailer) sent(events []*event) {
	m.writing, m.waiting = events, m.waiting[len(events):]
}

// returned takes in what came of them.
func (m *mailer) returned(w written) {
	m.writing = nil
	m.add(w.left...)
}

// run writes the letters that are sent to it until the loop closes the channel. Once
// ctx ends only what is written already is acknowledged: the other events stay
// unsettled.
func (m *mailer) run(ctx context.Context) {
	for events := range m.out {
		m.done <- m.write(ctx, events)
	}
}

// write writes letters, for all topics at the same time: those of one may have to
// wait.
func (m *mailer) write(ctx context.Context, events []*event) (w written) {
	byTopic := map[string][]*event{}
	for _, ev := range events {
		topic := m.cfg.TopicFor(ev.home)
		byTopic[topic] = append(byTopic[topic], ev)
	}
	ended := make(chan written, len(byTopic))
	for topic, events := range byTopic {
		go func() { ended <- m.writeTo(ctx, topic, events) }()
	}
	for range byTopic {
		some := <-ended
		w.done, w.left = append(w.done, some.done...), append(w.left, some.left...)
	}
	return w
}

func (m *mailer) writeTo(ctx context.Context, topic string, events []*event) (w written) {
	now := time.Now()
	letters := make([]deadletter.Letter, len(events))
	for i, ev := range events {
		letters[i] = ev.letter(now)
	}
	left, _ := m.writer.Write(ctx, topic, letters...) // given up with the generation; the writer has logged it
	for i, ev := range events {
		if slices.Contains(left, i) {
			w.left = append(w.left, ev)
		} else {
			w.done = append(w.done, ev)
			m.tracer.written(ev, topic)
		}
	}
	return w
}
