package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// lasting is what an engine works with and outlives it.
type lasting struct {
	cfg       *config.Config
	log       *slog.Logger
	directory *admission.Directory
	apps      []*platform.App // in the order of the directory
	msdk      *msdkclient.Client
	letters   *deadletter.Writer
	metrics   *metrics
	tracer    *tracer // nil: nobody follows
	letterLog *letterLog
	deferred  []atomic.Int64 // when it was last said that an app's records are
	spares    spares
}

// engine carries one generation's events from stage to stage. What is below the
// channels belongs to the goroutine of run.
type engine struct {
	*lasting
	intake *intake
	taker  *taker

	in       chan []arrival
	outcomes chan outcome

	lanes      lanes
	dispatcher *dispatcher
	decider    *decider
	mailer     *mailer
	settler    *settler
	paused     bool // the intake, while letters cannot be written
	draining   bool

	shown shown
}

func newEngine(p *lasting) *engine {
	d := &p.cfg.Delivery
	e := &engine{
		lasting:  p,
		intake:   newIntake(d.MaxPending, int(d.MaxPendingBytes), len(p.apps)),
		in:       make(chan []arrival),
		outcomes: make(chan outcome, d.MaxInFlight),
		lanes:    newLanes(p.cfg, p.apps),
		decider:  &decider{cfg: d, log: p.log},
		mailer:   newMailer(p.letters, &p.cfg.DeadLetter),
	}
	e.taker = &taker{
		directory: p.directory, apps: p.apps, maxAge: d.MaxAge, intake: e.intake, metrics: p.metrics, spares: &p.spares, out: e.in,
		deferrer: &deferrer{apps: p.apps, intake: e.intake, log: p.log, said: p.deferred},
	}
	for _, l := range e.lanes {
		l.tracer = p.tracer
	}
	e.mailer.tracer = p.tracer
	e.dispatcher = newDispatcher(d, e.lanes)
	e.settler = &settler{intake: e.intake, spares: &p.spares}
	return e
}

// run carries events until ctx ends, then drains and returns. Everything it has
// started has ended by then.
func (e *engine) run(ctx context.Context, fetch func(context.Context, consumer.Take, consumer.Reserve)) {
	calls, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	var wg sync.WaitGroup
	wg.Go(func() {
		fetch(ctx, e.taker.take, e.taker.reserve)
		close(e.in)
	})
	wg.Go(func() { e.mailer.run(calls) })

	e.loop(ctx, calls)
	giveUp()
	for len(e.dispatcher.flying) > 0 {
		e.finish(<-e.outcomes)
	}
	close(e.mailer.out)
	if e.mailer.writing != nil {
		e.written(<-e.mailer.done)
	}
	wg.Wait()
	abandon(e.lanes)
	e.letterLog.rest()
	e.observe()
	for _, app := range e.apps {
		app.Breaker.Unprobed(time.Now())
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
		if in == nil && e.settler.held == 0 {
			if e.draining {
				e.log.Info("drained: all that was begun has ended", "left_to_others", e.settler.left)
			}
			return
		}
		if at, ok := e.wake(); ok {
			timer.Reset(time.Until(at))
		}
		letters, events := e.mailer.next()
		select {
		case piece, ok := <-in:
			if !ok {
				in = nil
				break
			}
			e.accept(time.Now(), piece)
		case out := <-e.outcomes:
			e.finish(out)
		case letters <- events:
			e.mailer.sent(events)
		case w := <-e.mailer.done:
			e.written(w)
		case <-timer.C:
		case <-stop:
			stop = nil
			e.draining = true
			e.log.Info("draining", "events", e.settler.held, "in_flight", len(e.dispatcher.flying), "letters", e.mailer.pending(), "timeout", e.cfg.Delivery.DrainTimeout)
			tooLate = time.After(e.cfg.Delivery.DrainTimeout)
		case <-tooLate:
			e.log.Warn("drain timeout: letting go of what is not settled; it will be delivered again",
				"events", e.settler.held, "in_flight", len(e.dispatcher.flying), "letters", e.mailer.pending(), "timeout", e.cfg.Delivery.DrainTimeout)
			return
		}
		if e.draining {
			shed(e.lanes, e.settler.letGo)
		}
	}
}

// accept takes checked events in.
func (e *engine) accept(now time.Time, piece []arrival) {
	e.settler.held += len(piece)
	for i := range piece {
		switch a := &piece[i]; {
		case e.draining: // it came while fetching ended
			e.settler.letGo(a.event)
		case a.number == noLane:
			e.mailer.add(a.event)
		default:
			e.lanes[a.number].add(now, a)
		}
	}
}

// dispatch starts the calls that are due, and gives up what was refused for good, was
// held for too long, or has expired.
func (e *engine) dispatch(calls context.Context, now time.Time) {
	for _, l := range e.lanes {
		e.mailer.add(confirm(l, now)...)
	}
	for both := range slices.Chunk(e.lanes, 2) {
		e.mailer.add(sweep(both[0], both[1], now, e.cfg.Delivery.MaxHold, e.dispatcher.underWay)...)
	}
	for b := e.dispatcher.next(now); b != nil; b = e.dispatcher.next(now) {
		expired, goes := e.lanes.of(b).expire(b, now)
		e.mailer.add(expired...)
		if goes {
			e.dispatcher.began(b)
			b.calls++
			b.span.called(b)
			go func() { e.outcomes <- deliver(calls, e.msdk, b) }()
		}
	}
}

// finish takes in the end of a call.
func (e *engine) finish(out outcome) {
	b := out.batch
	l := e.lanes.of(b)
	e.dispatcher.ended(b)
	e.metrics.called(out)
	if out.err == nil {
		e.metrics.delivered(out)
		e.settler.delivered(l.tenant(), eventsOf(b.items))
	}
	e.mailer.add(e.decider.conclude(time.Now(), l, out)...)
}

// written takes in what came of letters that were sent.
func (e *engine) written(w written) {
	e.mailer.returned(w)
	e.metrics.buried(w.done)
	e.letterLog.written(w.done)
	e.settler.buried(w.done)
}

// open gives the room of settled events to new ones, as far as their lanes have
// use for them; and to none while letters cannot be written, since they might
// have to become some.
func (e *engine) open() {
	e.settler.free()
	for _, l := range e.lanes {
		if sated := l.batcher.Ready(l.class()) >= l.enough(); sated != l.sated {
			l.sated = sated
			e.intake.sate(l.tenant(), sated)
		}
	}
	if pause := e.letters.Err() != nil; pause != e.paused {
		e.paused = pause
		e.intake.pause(pause)
		e.shown.blocked.Store(pause)
		if pause {
			e.log.Error("taking nothing in until dead letters can be written")
		} else {
			e.log.Info("taking records in again: dead letters can be written")
		}
	}
	e.observe()
}

// observe shows others what there is.
func (e *engine) observe() {
	e.metrics.flights.are(len(e.dispatcher.flying))
	e.shown.letters.Store(int64(e.mailer.pending()))
}

// wake is when the loop must turn even if nothing happens; false: it need not.
func (e *engine) wake() (at time.Time, ok bool) {
	at, ok = e.dispatcher.wake()
	if e.mailer.writing != nil { // to see whether letters can be written
		if look := time.Now().Add(time.Second); !ok || look.Before(at) {
			at, ok = look, true
		}
	}
	return at, ok
}
