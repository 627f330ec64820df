package pipeline

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// engine carries one generation's events. The fields below the channels belong
// to the goroutine of run.
type engine struct {
	p      *Pipeline
	log    *slog.Logger
	intake *intake

	in          chan []arrival
	outcomes    chan outcome
	lettersOut  chan []*event
	lettersDone chan written

	lanes    []*lane // two an app
	live     map[*app]*lane
	replays  map[*app]*lane
	flying   map[*batch]bool // calls under way
	replayed int             // those of them with replayed letters
	held     int             // events taken and not settled
	freed    []room          // of events settled in this turn
	spent    []*event        // and they themselves
	paused   bool            // the intake, while letters cannot be written
	letters  []*event
	writing  []*event // letters handed over, nil: none
	draining bool
	left     int // events let go of while draining
}

func newEngine(p *Pipeline) *engine {
	d := p.cfg.Delivery
	e := &engine{
		p:           p,
		log:         p.log,
		intake:      newIntake(d.MaxPending, int(d.MaxPendingBytes), len(p.apps.list)),
		in:          make(chan []arrival),
		outcomes:    make(chan outcome, d.MaxInFlight),
		lettersOut:  make(chan []*event),
		lettersDone: make(chan written, 1),
		live:        map[*app]*lane{},
		replays:     map[*app]*lane{},
		flying:      map[*batch]bool{},
	}
	for _, a := range p.apps.list {
		live, replayed := newLanes(p.cfg, a)
		e.lanes = append(e.lanes, live, replayed)
		e.live[a], e.replays[a] = live, replayed
	}
	return e
}

// run carries events until ctx ends, then drains and returns. Everything it has
// started has ended by then.
func (e *engine) run(ctx context.Context, fetch func(context.Context, consumer.Take, consumer.Reserve)) {
	calls, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	var wg sync.WaitGroup
	wg.Go(func() {
		fetch(ctx, e.take, e.reserve)
		close(e.in)
	})
	wg.Go(func() { e.writeLetters(calls) })

	e.loop(ctx, calls)
	giveUp()
	for len(e.flying) > 0 {
		e.finish(<-e.outcomes)
	}
	close(e.lettersOut)
	if e.writing != nil {
		e.written(<-e.lettersDone)
	}
	wg.Wait()
	e.p.sayRest()
	e.p.metrics.observe(e)
	for _, l := range e.lanes {
		l.breaker.unprobed(time.Now())
	}
}

// loop is where all events meet. It returns when they are drained, or when the
// time for that is up.
func (e *engine) loop(ctx, calls context.Context) {
	var (
		stop    = ctx.Done()
		in      = e.in
		timer   = time.NewTimer(0)
		tooLate <-chan time.Time
	)
	defer timer.Stop()
	for {
		e.dispatch(calls, time.Now())
		e.open()
		if in == nil && e.held == 0 {
			if e.draining {
				e.log.Info("drained: all that was begun has ended", "left_to_others", e.left)
			}
			return
		}
		var lettersOut chan<- []*event
		if e.writing == nil && len(e.letters) > 0 {
			lettersOut = e.lettersOut
		}
		if at, ok := e.wake(); ok {
			timer.Reset(time.Until(at))
		}
		select {
		case piece, ok := <-in:
			if !ok {
				in = nil
				break
			}
			now := time.Now()
			for i := range piece {
				e.accept(now, &piece[i])
			}
		case out := <-e.outcomes:
			e.finish(out)
		case lettersOut <- e.nextLetters():
			n := len(e.nextLetters())
			e.writing, e.letters = e.letters[:n:n], e.letters[n:]
		case w := <-e.lettersDone:
			e.written(w)
		case <-timer.C:
		case <-stop:
			stop = nil
			e.drain()
			tooLate = time.After(e.p.cfg.Delivery.DrainTimeout)
		case <-tooLate:
			e.log.Warn("drain timeout: letting go of what is not settled; it will be delivered again",
				"events", e.held, "in_flight", len(e.flying), "letters", len(e.letters)+len(e.writing), "timeout", e.p.cfg.Delivery.DrainTimeout)
			return
		}
		if e.draining {
			e.shed()
		}
	}
}

// accept takes a checked event in.
func (e *engine) accept(now time.Time, a *arrival) {
	e.held++
	switch {
	case e.draining: // it came while fetching ended
		e.letGo(a.event)
	case a.lane == nil:
		e.letters = append(e.letters, a.event)
	default:
		a.lane.add(now, a)
	}
}

// open gives the room of settled events to new ones, as far as their lanes have
// use for them; and to none while letters cannot be written, since they might
// have to become some.
func (e *engine) open() {
	if len(e.freed) > 0 {
		e.intake.release(e.freed...)
		e.freed = e.freed[:0]
	}
	if len(e.spent) > 0 {
		e.p.spares.put(e.spent)
		e.spent = e.spent[:0]
	}
	for _, l := range e.lanes {
		if sated := l.batcher.Ready(l.class()) >= l.enough(); sated != l.sated {
			l.sated = sated
			e.intake.sate(tenant{l.app, l.replayed}, sated)
		}
	}
	if pause := e.p.letters.Err() != nil; pause != e.paused {
		e.paused = pause
		e.intake.pause(pause)
		if pause {
			e.log.Error("taking nothing in until dead letters can be written")
		}
	}
	e.p.metrics.observe(e)
}

// settle ends events, which are not to be touched again. It returns their size.
// The room that they took up is for the caller to free.
func (e *engine) settle(events iter.Seq[*event]) (bytes int) {
	consumer.SettleAll(func(yield func(*consumer.Record) bool) {
		for ev := range events { // they lie out of the caches: what is looked at here is the first line of each
			e.held--
			bytes += ev.record.Size()
			e.spent = append(e.spent, ev)
			if !yield(&ev.record) {
				return
			}
		}
	})
	return bytes
}

// nextLetters are the letters to write next.
func (e *engine) nextLetters() []*event { return e.letters[:min(len(e.letters), lettersAtOnce)] }

func (e *engine) written(w written) {
	e.writing = nil
	e.letters = append(e.letters, w.left...)
	e.p.metrics.buried(w.done)
	e.p.sayLetters(w.done)
	for _, ev := range w.done {
		e.freed = addRoom(e.freed, ev.tenant(), 1, ev.record.Size())
	}
	e.settle(slices.Values(w.done))
}
