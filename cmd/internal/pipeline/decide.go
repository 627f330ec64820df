package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// finish takes in the end of a call.
func (e *engine) finish(out outcome) {
	now, b, l := time.Now(), out.batch, out.batch.lane
	delete(e.flying, b)
	l.end(b)
	if l.replayed {
		e.replayed--
	}
	l.named.called(now, b.named)
	e.p.metrics.called(l, out)
	if out.err != nil {
		e.failed(now, b, out.err)
		return
	}
	l.called(b, nil)
	if out.began.After(l.succeeded) {
		l.succeeded = out.began
	}
	if wasOpen, changed := l.breaker.success(now, b.probe); changed {
		e.log.Info("app is answered again", "appid", l.AppID, "after", wasOpen.Round(time.Millisecond))
	}
	e.p.metrics.delivered(l, len(b.items), out.oldest)
	e.freed = addRoom(e.freed, tenant{l.app, l.replayed}, len(b.items), e.settle(eventsOf(b.items)))
	e.release(b, now)
}

// failed asks for the verdict on a call that failed, and carries it out.
func (e *engine) failed(now time.Time, b *batch, err *msdkclient.Error) {
	l := b.lane
	for _, it := range b.items {
		it.Value.attempts++
		it.Value.last = err
		it.Value.uncertain = it.Value.uncertain || err.Uncertain
	}
	e.log.Debug("call failed", "appid", l.AppID, "events", len(b.items), "class", err.Class.String(), "error", err)
	if errors.Is(err, context.Canceled) { // our own doing, at the end of a drain
		l.waiting.add(b)
		return
	}
	c := l.condition(now, string(b.items[0].Value.user))
	v := judge(b.history(now), err, c, &e.p.cfg.Delivery)
	l.called(b, err)
	e.tellBreaker(now, b, err, c, v)
	l.throttled.wait(now.Add(v.pause))
	if v.suspect && !b.suspect {
		e.log.Debug("a batch fails where others of its app succeed: taking it apart", "appid", l.AppID, "events", len(b.items), "error", err)
	}
	b.met(now, v)
	e.carryOut(now, b, err, v)
}

func (e *engine) tellBreaker(now time.Time, b *batch, err *msdkclient.Error, c condition, v verdict) {
	l := b.lane
	if err.Class == msdkclient.Throttle { // says nothing either way
		if b.probe {
			l.breaker.unprobed(now.Add(minThrottle))
		}
		return
	}
	since := l.breaker.since
	switch opened, changed := l.breaker.failure(now, v.app, c, string(b.items[0].Value.user), err.Error(), b.probe); {
	case opened:
		e.log.Error("app is held: its calls fail", "appid", l.AppID, "class", err.Class.String(), "error", err,
			"probe_every", e.p.cfg.Delivery.Breaker.Cooldown, "max_hold", e.p.cfg.Delivery.MaxHold)
	case changed:
		e.log.Info("app is answered again", "appid", l.AppID, "after", now.Sub(since).Round(time.Millisecond))
	}
}

// carryOut does with a batch what the verdict says.
func (e *engine) carryOut(now time.Time, b *batch, err *msdkclient.Error, v verdict) {
	l := b.lane
	b.due = now
	switch v.batch {
	case again:
		pause := min(b.schedule.NextBackOff(), max(0, e.p.cfg.Delivery.Retry.MaxElapsed-b.schedule.GetElapsedTime()))
		b.due = now.Add(max(pause, v.wait))
		l.put(b)
	case later:
		b.schedule.Reset() // its retries begin when it gets through
		b.due = now.Add(v.wait)
		l.put(b)
	case hold:
		l.put(b)
	case apart:
		if v.suspect || err.Class == msdkclient.Record {
			b.schedule.Reset() // one of the halves is in good company now
		}
		other := b.halve()
		l.put(b)
		l.put(other)
	case doubt:
		b.due = now.Add(v.wait)
		l.doubted.add(b)
	case reject:
		e.reject(now, b)
	case exhaust:
		ev := b.items[0].Value
		ev.giveUp(deadletter.Exhausted, fmt.Sprintf("given up after %d calls in %s: %s",
			ev.attempts, now.Sub(ev.taken).Round(time.Millisecond), err))
		e.bury(b, now)
	}
}

// reject gives up the batch's one event.
func (e *engine) reject(now time.Time, b *batch) {
	ev := b.items[0].Value
	ev.giveUp(deadletter.Rejected, "the platform refuses this record: "+ev.last.Error())
	e.bury(b, now)
}

// decideDoubted carries out refusals that others' success has confirmed or that
// were waited with for long enough, and drops those of an app that turned out to be
// held.
func (e *engine) decideDoubted(l *lane, now time.Time) {
	held := l.breaker.get() != closed
	l.doubted.filter(func(b *batch) bool {
		switch {
		case held:
			b.due = now
			l.put(b)
		case l.succeeded.After(b.since), !b.due.After(now):
			e.reject(now, b)
		default:
			return true
		}
		return false
	})
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
		b.lane.put(b)
	}
}
