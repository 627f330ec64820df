package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// shown is what of an engine's state others may see.
type shown struct {
	letters atomic.Int64 // given up and not written yet
	blocked atomic.Bool  // nothing is taken in, while letters cannot be written
}

// observe makes the instruments that are asked for what is the case, and what the
// platform package counts. What an engine tells is 0 while there is none: it has
// nothing in hand.
func (m *metrics) observe(meter metric.Meter, p *Pipeline) error {
	g := gauges{meter: meter}
	delivery := &p.cfg.Delivery
	inFlight := g.integer("battlereport.msdk.calls.in_flight", "", "Calls under way.")
	inFlightLimit := g.integer("battlereport.msdk.calls.in_flight.limit", "", "delivery.max_in_flight: calls that may be under way at once.")
	pending := g.integer("battlereport.pending.records", "", "Events taken from Kafka and not settled; delivery.max_pending is the bound.")
	pendingLimit := g.integer("battlereport.pending.records.limit", "", "delivery.max_pending: events that may be taken and not settled.")
	pendingBytes := g.integer("battlereport.pending.bytes", "By", "Bytes of the events taken from Kafka and not settled; delivery.max_pending_bytes is the bound.")
	pendingBytesLimit := g.integer("battlereport.pending.bytes.limit", "", "delivery.max_pending_bytes: bytes of events that may be taken and not settled.")
	letters := g.integer("battlereport.dead_letters.waiting", "", "Events that are given up, and whose letters are not written yet.")
	open := g.integer("battlereport.breaker.open", "", "1 while an app is held because its calls fail.")
	held := g.integer("battlereport.held.records", "", "Events in memory that wait for an app that is held, by app; the deferred ones come on top.")
	deferred := g.integer("battlereport.deferred.records", "", "Records passed since there is no room for more of their app's, to be taken later, by app.")
	paused := g.integer("battlereport.paused", "", "1 while nothing more is taken in, because letters cannot be written, or because as much is pending as may be.")
	ready := g.integer("battlereport.ready", "", "1 while it is in the group and letters can be written, as /readyz says.")
	limited := g.integer("battlereport.limited", "", "1 while records wait and it is the platform that keeps them: more members would not help.")
	wanted := g.float("battlereport.members_wanted", "", "How many members like this one its partitions want; the sum over the group is how many the group wants.")
	opened := g.count("battlereport.breaker.opened", "How often an app has been held because its calls failed.")
	throttled := g.seconds("battlereport.throttled", "For how long an app's calls have waited because the platform said that they came too fast.")
	if g.err != nil {
		return g.err
	}

	apps := make([]metric.MeasurementOption, len(p.apps))
	for _, a := range p.apps {
		apps[a.Index] = metric.WithAttributes(attribute.String("appid", a.AppID))
	}
	reason := func(why string) metric.MeasurementOption {
		return metric.WithAttributes(attribute.String("reason", why))
	}
	forLetters, forRoom := reason("dead_letters"), reason("pending")
	var err error
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(inFlight, int64(m.flights.count()))
		o.ObserveInt64(inFlightLimit, int64(delivery.MaxInFlight))
		o.ObserveInt64(pendingLimit, int64(delivery.MaxPending))
		o.ObserveInt64(pendingBytesLimit, delivery.MaxPendingBytes)
		now := p.inHand()
		o.ObserveInt64(pending, int64(now.records))
		o.ObserveInt64(pendingBytes, int64(now.bytes))
		o.ObserveInt64(letters, now.letters)
		o.ObserveInt64(paused, one(now.blocked), forLetters)
		o.ObserveInt64(paused, one(now.full), forRoom)
		left := p.deferredOf()
		for _, a := range p.apps {
			labels, isHeld := apps[a.Index], a.Breaker.Held()
			waiting := int64(0)
			if isHeld {
				waiting = int64(now.ofApps[a.Index])
			}
			o.ObserveInt64(open, one(isHeld), labels)
			o.ObserveInt64(held, waiting, labels)
			o.ObserveInt64(deferred, left[a.Index], labels)
			o.ObserveInt64(opened, a.Breaker.Opened(), labels)
			o.ObserveFloat64(throttled, a.Throttle.Waited(time.Now()).Seconds(), labels)
		}
		o.ObserveInt64(ready, one(len(p.NotReady()) == 0))
		isLimited, members := p.workload.tells()
		o.ObserveInt64(limited, one(isLimited))
		o.ObserveFloat64(wanted, members)
		return nil
	}, g.all...)
	return err
}

// gauges makes instruments, until one cannot be made.
type gauges struct {
	meter metric.Meter
	all   []metric.Observable
	err   error
}

func (g *gauges) note(i metric.Observable, err error) {
	g.all = append(g.all, i)
	if g.err == nil {
		g.err = err
	}
}

func (g *gauges) integer(name, unit, text string) metric.Int64ObservableGauge {
	i, err := g.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text))
	g.note(i, err)
	return i
}

func (g *gauges) float(name, unit, text string) metric.Float64ObservableGauge {
	i, err := g.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text))
	g.note(i, err)
	return i
}

func (g *gauges) count(name, text string) metric.Int64ObservableCounter {
	i, err := g.meter.Int64ObservableCounter(name, metric.WithDescription(text))
	g.note(i, err)
	return i
}

func (g *gauges) seconds(name, text string) metric.Float64ObservableCounter {
	i, err := g.meter.Float64ObservableCounter(name, metric.WithUnit("s"), metric.WithDescription(text))
	g.note(i, err)
	return i
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// inHand is what the engine of the current generation has in hand.
type inHand struct {
	records, bytes int
	ofApps         []int // records, by the app's index
	full           bool  // others wait for room
	letters        int64
	blocked        bool
}

func (p *Pipeline) inHand() (now inHand) {
	now.ofApps = make([]int, len(p.apps))
	e := p.engine.Load()
	if e == nil {
		return now
	}
	now.records, now.bytes = e.intake.pending()
	now.full = e.intake.full(now.ofApps)
	now.letters, now.blocked = e.shown.letters.Load(), e.shown.blocked.Load()
	return now
}

// deferredOf is how many records of each app are left for later, by its index.
func (p *Pipeline) deferredOf() []int64 {
	left := make([]int64, len(p.apps))
	for _, b := range p.consumer.Backlogs() {
		for strand, n := range b.Deferred {
			if app := p.directory.Feed(b.Topic).OfStrand(strand); app != nil {
				left[app.Index] += n
			}
		}
	}
	return left
}
