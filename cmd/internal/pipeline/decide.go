package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// decider carries out what a call's end means: for its batch, which goes on, waits
// on its lane, or is given up; and for its app. The rules are those of [judge].
type decider struct {
	cfg *config.Delivery
	log *slog.Logger
}

// conclude takes in the end of a call of a batch on the lane. It returns the events
// that are given up for it.
func (d *decider) conclude(now time.Time, l *lane, out outcome) (givenUp []*event) {
	b := out.batch
	l.Named.Called(now, b.named)
	if out.err != nil {
		return d.failed(now, l, b, out)
	}
	d.say(out, outcomeDelivered)
	b.span.delivered(b)
	l.Called(b.suspect, nil)
	l.Answered(out.began)
	if held, changed := l.Breaker.Success(now, b.probe); changed {
		d.log.InfoContext(b.span.context(), "app is answered again", "appid", l.AppID, "after", held.Round(time.Millisecond))
	}
	l.release(b, now)
	return nil
}

// say says how a call of a batch went, and what becomes of the batch.
func (d *decider) say(out outcome, becomes string) {
	b := out.batch
	ctx := b.span.context()
	if !d.log.Enabled(ctx, slog.LevelDebug) { // what follows costs more than to ask
		return
	}
	about := []any{"appid", b.app.AppID, "events", len(b.items), "outcome", becomes, "calls", b.calls, "took", out.took.Round(time.Microsecond)}
	if out.err == nil {
		d.log.DebugContext(ctx, "call succeeded", about...)
		return
	}
	d.log.DebugContext(ctx, "call failed", append(about, "class", out.err.Class.String(), "error", out.err)...)
}

// failed asks for the verdict on a call that failed, and carries it out.
func (d *decider) failed(now time.Time, l *lane, b *batch, out outcome) (givenUp []*event) {
	err := out.err
	for _, it := range b.items {
		it.Value.attempts++
		it.Value.last = err
		it.Value.uncertain = it.Value.uncertain || err.Uncertain
	}
	if errors.Is(err, context.Canceled) { // our own doing, at the end of a drain
		d.say(out, outcomeLetGo)
		l.waiting.add(b)
		return nil
	}
	c := l.Condition(now, string(b.items[0].Value.user))
	v := judge(b.history(now), err, c, d.cfg)
	d.say(out, v.fate.String())
	l.Called(b.suspect, err)
	d.tellBreaker(now, b, err, c, v)
	l.Throttle.Wait(now, now.Add(v.pause))
	if v.suspect && !b.suspect {
		d.log.DebugContext(b.span.context(), "a batch fails where others of its app succeed: taking it apart", "appid", l.AppID, "events", len(b.items), "error", err)
	}
	b.met(now, v)
	return d.carryOut(now, l, b, err, v)
}

func (d *decider) tellBreaker(now time.Time, b *batch, err *msdkclient.Error, c platform.Condition, v verdict) {
	app := b.app
	if err.Class == msdkclient.Throttle { // says nothing either way
		if b.probe {
			app.Breaker.Unprobed(now.Add(minThrottle))
		}
		return
	}
	since, _ := app.Breaker.Since()
	switch opened, changed := app.Breaker.Failure(now, v.app, c, string(b.items[0].Value.user), err.Error(), b.probe); {
	case opened:
		d.log.ErrorContext(b.span.context(), "app is held: its calls fail", "appid", app.AppID, "class", err.Class.String(), "error", err,
			"probe_every", d.cfg.Breaker.Cooldown, "max_hold", d.cfg.MaxHold)
	case changed:
		d.log.InfoContext(b.span.context(), "app is answered again", "appid", app.AppID, "after", now.Sub(since).Round(time.Millisecond))
	}
}

// carryOut does with a batch what the verdict says.
func (d *decider) carryOut(now time.Time, l *lane, b *batch, err *msdkclient.Error, v verdict) (givenUp []*event) {
	b.due = now
	switch v.fate {
	case again:
		pause := min(b.schedule.NextBackOff(), max(0, d.cfg.Retry.MaxElapsed-b.schedule.GetElapsedTime()))
		b.due = now.Add(max(pause, v.wait))
		b.span.failed(b, err, now, v.fate)
		l.put(b)
	case later:
		b.schedule.Reset() // its retries begin when it gets through
		b.due = now.Add(v.wait)
		b.span.failed(b, err, now, v.fate)
		l.put(b)
	case hold:
		b.span.failed(b, err, now, v.fate)
		l.put(b)
	case apart:
		if v.suspect || err.Class == msdkclient.Record {
			b.schedule.Reset() // one of the halves is in good company now
		}
		whole := b.span
		whole.failed(b, err, now, v.fate)
		other := b.halve()
		whole.split(b, other)
		l.put(b)
		l.put(other)
	case doubt:
		b.due = now.Add(v.wait)
		b.span.failed(b, err, now, v.fate)
		l.doubted.add(b)
	case reject:
		return []*event{refuse(l, b, now)}
	case exhaust:
		ev := b.items[0].Value
		ev.giveUp(deadletter.Exhausted, fmt.Sprintf("given up after %d calls in %s: %s",
			ev.attempts, now.Sub(ev.taken).Round(time.Millisecond), err))
		b.span.gaveUp(ev, now)
		b.span.givenUp(b, deadletter.Exhausted)
		l.release(b, now)
		return []*event{ev}
	}
	return nil
}

// confirm carries out the refusals on a lane that others' success has confirmed or
// that were waited with for long enough, and drops those of an app that turned out to
// be held. It returns the events that are given up.
func confirm(l *lane, now time.Time) (givenUp []*event) {
	held := l.Breaker.Held()
	l.doubted.filter(func(b *batch) bool {
		switch {
		case held:
			b.due = now
			b.span.held()
			l.put(b)
		case l.Succeeded.After(b.since), !b.due.After(now):
			givenUp = append(givenUp, refuse(l, b, now))
		default:
			return true
		}
		return false
	})
	return givenUp
}

// refuse gives up the one event of a batch, and goes on with its rest.
func refuse(l *lane, b *batch, now time.Time) *event {
	ev := b.items[0].Value
	ev.giveUp(deadletter.Rejected, "the platform refuses this record: "+ev.last.Error())
	b.span.gaveUp(ev, now)
	b.span.givenUp(b, deadletter.Rejected)
	l.release(b, now)
	return ev
}
