package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// engine carries one generation's events. The fields below the channels belong
// to the goroutine of run.
type engine struct {
	p       *Pipeline
	log     *slog.Logger
	intake  *intake
	sources map[*consumer.Partition]*source // read only

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

func newEngine(p *Pipeline, partitions []*consumer.Partition) *engine {
	d := p.cfg.Delivery
	e := &engine{
		p:           p,
		log:         p.log,
		intake:      newIntake(d.MaxPending, int(d.MaxPendingBytes), len(p.apps.list)),
		sources:     map[*consumer.Partition]*source{},
		in:          make(chan []arrival),
		outcomes:    make(chan outcome, d.MaxInFlight),
		lettersOut:  make(chan []*event),
		lettersDone: make(chan written, 1),
		live:        map[*app]*lane{},
		replays:     map[*app]*lane{},
		flying:      map[*batch]bool{},
	}
	for _, part := range partitions {
		e.sources[part] = &source{Partition: part, feed: p.apps.feeds[part.Topic], settled: -1}
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
func (e *engine) run(ctx context.Context, fetch func(context.Context, consumer.Take)) {
	calls, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	var wg sync.WaitGroup
	wg.Go(func() {
		fetch(ctx, e.take)
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
				e.drain()
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
	if a.lane == nil {
		e.letters = append(e.letters, a.event)
		return
	}
	a.lane.add(now, a)
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

// finish does what the end of a call asks for.
func (e *engine) finish(out outcome) {
	now, b, l := time.Now(), out.batch, out.batch.lane
	delete(e.flying, b)
	l.inFlight--
	if l.replayed {
		e.replayed--
	}
	l.named.called(now, b.named)
	e.p.metrics.called(l, out)
	if out.err == nil {
		if wasOpen, changed := l.breaker.success(now); changed {
			e.log.Info("app is answered again", "appid", l.AppID, "after", wasOpen.Round(time.Millisecond))
		}
		l.lastSuccess = now
		b.schedule.Reset()
		e.p.metrics.delivered(l, len(b.items), out.oldest)
		e.freed = addRoom(e.freed, tenant{l.app, l.replayed}, len(b.items), e.settle(eventsOf(b.items)))
		e.release(b, now)
		return
	}
	for _, it := range b.items {
		it.Value.attempts++
		it.Value.last = out.err
		it.Value.uncertain = it.Value.uncertain || out.err.Uncertain
	}
	e.log.Debug("call failed", "appid", l.AppID, "events", len(b.items), "class", out.err.Class.String(), "error", out.err)
	if !errors.Is(out.err, context.Canceled) { // our own doing, at the end of a drain
		e.health(b, out.err, now)
	}
	l.throttled.answered(now, out.err)

	suspect := b.suspicion(now, out.err, l.lastSuccess)
	switch judge(out.err.Class, len(b.items), suspect, l.breaker.get() != closed) {
	case reject:
		ev := b.items[0].Value
		ev.giveUp(deadletter.Rejected, "the platform refuses this record: "+out.err.Error())
		b.schedule.Reset()
		e.bury(b, now)
	case apart:
		if !suspect {
			b.schedule.Reset()
		}
		b.suspect = b.suspect || suspect
		b.split((len(b.items) + 1) / 2)
		b.due = now
		l.waiting.add(b)
	case hold:
		b.due = now
		l.waiting.add(b)
	case again:
		if out.err.Class == msdkclient.Throttle && now.Sub(b.items[0].Value.taken) < e.p.cfg.Delivery.MaxHold {
			b.schedule.Reset() // no failure: its retries begin when it gets through
			b.due = now.Add(retryAfter(out.err))
			l.waiting.add(b)
			return
		}
		wait := b.schedule.NextBackOff()
		if wait == backoff.Stop {
			for _, it := range b.items {
				it.Value.giveUp(deadletter.Exhausted, fmt.Sprintf("given up after %d calls in %s: %s",
					it.Value.attempts, now.Sub(it.Value.taken).Round(time.Millisecond), out.err))
			}
			b.schedule.Reset()
			e.bury(b, now)
			return
		}
		b.due = now.Add(max(wait, retryAfter(out.err)))
		l.waiting.add(b)
	}
}

// health tells the breaker. A refused record and a throttled call say nothing
// bad of the app's health; that they were answered at all is good.
func (e *engine) health(b *batch, err *msdkclient.Error, now time.Time) {
	l := b.lane
	if l.breaker.get() == halfOpen && !b.probe && err.Class != msdkclient.Record {
		return // a call from before the breaker opened; the verdict is the probe's
	}
	switch err.Class {
	case msdkclient.Record:
		if _, changed := l.breaker.success(now); changed {
			e.log.Info("app is answered again", "appid", l.AppID)
		}
	case msdkclient.Throttle:
		l.breaker.unprobed(now.Add(minThrottle))
	default:
		fatal := err.Class == msdkclient.AppClass || err.Class == msdkclient.Endpoint
		if l.breaker.failure(now, fatal, err.Error()) {
			e.log.Error("app is held: its calls fail", "appid", l.AppID, "class", err.Class.String(), "error", err,
				"probe_every", e.p.cfg.Delivery.Breaker.Cooldown, "max_hold", e.p.cfg.Delivery.MaxHold)
		}
	}
}

// bury sends the batch's items to the dead letters and goes on with the rest.
func (e *engine) bury(b *batch, now time.Time) {
	for _, it := range b.items {
		e.letters = append(e.letters, it.Value)
	}
	e.release(b, now)
}

// release frees the users of the batch's items and goes on with the rest.
func (e *engine) release(b *batch, now time.Time) {
	b.lane.batcher.Done(b.items...)
	e.proceed(b, now)
}

func (e *engine) proceed(b *batch, now time.Time) {
	if b.advance() {
		b.due = now
		b.lane.waiting.add(b)
	}
}

// settle ends events, which are not to be touched again. It returns their size.
// The room that they took up is for the caller to free.
func (e *engine) settle(events iter.Seq[*event]) (bytes int) {
	consumer.SettleAll(func(yield func(*consumer.Record) bool) {
		for ev := range events { // they lie out of the caches: what is looked at here is the first line of each
			e.held--
			ev.source.settled = max(ev.source.settled, ev.record.Offset)
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
	if w.err != nil { // given up with the generation; the writer has logged it
		e.letters = append(e.letters, w.events...)
		return
	}
	e.p.metrics.buried(w.events)
	e.p.sayLetters(w.events)
	for _, ev := range w.events {
		e.freed = addRoom(e.freed, ev.tenant(), 1, ev.record.Size())
	}
	e.settle(slices.Values(w.events))
}
