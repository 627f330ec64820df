package pipeline

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// metrics are the pipeline's instruments, and the same numbers for [Stats].
// Labels are appids, routes, reasons and classes: bounded by the configuration
// and the protocol. A user is never a label.
type metrics struct {
	events   metric.Int64Counter
	letters  metric.Int64Counter
	calls    metric.Int64Counter
	duration metric.Float64Histogram
	size     metric.Int64Histogram
	latency  metric.Float64Histogram

	registration metric.Registration
	apps         []*appLabels // by their index

	nDelivered, nCalls, nFailed atomic.Int64
	nLetters                    map[deadletter.Reason]*atomic.Int64
	inFlight                    atomic.Int64
}

// classDelivered is the class of a call that succeeded, as a label.
const classDelivered = "ok"

// newMetrics makes the instruments of the apps; stats is asked for what is under way.
func newMetrics(provider metric.MeterProvider, apps []*platform.App, stats func() Stats) (*metrics, error) {
	meter := provider.Meter("github.com/battlereport/battlereport/pipeline")
	m := &metrics{nLetters: map[deadletter.Reason]*atomic.Int64{}, apps: make([]*appLabels, len(apps))}
	var err error
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	var e error
	m.events, e = meter.Int64Counter("battlereport.delivered", metric.WithDescription("Events that the platform has accepted."))
	note(e)
	m.letters, e = meter.Int64Counter("battlereport.dead_letters", metric.WithDescription("Events that were written to the dead letters, by reason."))
	note(e)
	m.calls, e = meter.Int64Counter("battlereport.msdk.calls", metric.WithDescription("Calls to the platform, by the class of their outcome."))
	note(e)
	m.duration, e = meter.Float64Histogram("battlereport.msdk.call.duration", metric.WithUnit("s"), metric.WithDescription("How long calls to the platform take."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	note(e)
	m.size, e = meter.Int64Histogram("battlereport.batch.records", metric.WithDescription("Events in a call."),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000))
	note(e)
	m.latency, e = meter.Float64Histogram("battlereport.delivery.latency", metric.WithUnit("s"), metric.WithDescription("Of each call that is accepted, from its oldest record's timestamp; of one whose records have no time, or are ahead of this machine's clock, it is not known and not counted."),
		metric.WithExplicitBucketBoundaries(.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600))
	note(e)
	inFlight, e := meter.Int64ObservableGauge("battlereport.msdk.calls.in_flight", metric.WithDescription("Calls under way."))
	note(e)
	pending, e := meter.Int64ObservableGauge("battlereport.pending.records", metric.WithDescription("Events taken from Kafka and not settled; delivery.max_pending is the bound."))
	note(e)
	pendingBytes, e := meter.Int64ObservableGauge("battlereport.pending.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes of the events taken from Kafka and not settled; delivery.max_pending_bytes is the bound."))
	note(e)
	held, e := meter.Int64ObservableGauge("battlereport.breaker.open", metric.WithDescription("1 while an app is held because its calls fail."))
	note(e)
	if err != nil {
		return nil, err
	}

	// Counters exist at zero before their first event.
	ctx := context.Background()
	for _, r := range deadletter.Reasons() {
		m.nLetters[r] = new(atomic.Int64)
		for _, a := range apps {
			m.letters.Add(ctx, 0, metric.WithAttributes(attribute.String("appid", a.AppID), attribute.String("reason", string(r))))
		}
	}
	for _, a := range apps {
		labels := newAppLabels(a)
		m.apps[a.Index] = labels
		m.events.Add(ctx, 0, labels.add...)
		for _, class := range labels.classes {
			m.calls.Add(ctx, 0, class...)
		}
	}
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := stats()
		o.ObserveInt64(inFlight, int64(s.InFlight))
		o.ObserveInt64(pending, int64(s.Pending))
		o.ObserveInt64(pendingBytes, int64(s.PendingBytes))
		for _, a := range apps {
			var v int64
			if a.Breaker.Held() {
				v = 1
			}
			o.ObserveInt64(held, v, metric.WithAttributes(attribute.String("appid", a.AppID)))
		}
		return nil
	}, inFlight, pending, pendingBytes, held)
	return m, err
}

// appLabels are an app's labels in the forms that counting takes. They are made
// once, since that costs more than the counting.
type appLabels struct {
	add     []metric.AddOption
	record  []metric.RecordOption
	classes map[string][]metric.AddOption // with the class of a call's outcome
}

func newAppLabels(a *platform.App) *appLabels {
	app := []attribute.KeyValue{attribute.String("appid", a.AppID), attribute.String("route", a.Route)}
	set := metric.WithAttributeSet(attribute.NewSet(app...))
	l := &appLabels{add: []metric.AddOption{set}, record: []metric.RecordOption{set}, classes: map[string][]metric.AddOption{}}
	for _, class := range []string{classDelivered, msdkclient.Retry.String(), msdkclient.Throttle.String(), msdkclient.Record.String(), msdkclient.AppClass.String(), msdkclient.Endpoint.String()} {
		l.classes[class] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(append(slices.Clip(app), attribute.String("class", class))...))}
	}
	return l
}

func (m *metrics) close() { _ = m.registration.Unregister() }

func (m *metrics) called(out outcome) {
	ctx, class := context.Background(), classDelivered
	m.nCalls.Add(1)
	if out.err != nil {
		class = out.err.Class.String()
		m.nFailed.Add(1)
	}
	labels := m.apps[out.batch.app.Index]
	m.calls.Add(ctx, 1, labels.classes[class]...)
	m.duration.Record(ctx, out.took.Seconds(), labels.record...)
	m.size.Record(ctx, int64(len(out.batch.items)), labels.record...)
}

// delivered counts events, and how long the oldest of them took: of each it would
// cost as much as checking it. What is not known, as below 0 where a clock was set
// back, is left out: as 0 it would make the others look faster.
func (m *metrics) delivered(b *batch, oldest time.Time) {
	ctx, labels, events := context.Background(), m.apps[b.app.Index], len(b.items)
	m.nDelivered.Add(int64(events))
	m.events.Add(ctx, int64(events), labels.add...)
	if took := time.Since(oldest); !oldest.IsZero() && took >= 0 {
		m.latency.Record(ctx, took.Seconds(), labels.record...)
	}
}

func (m *metrics) buried(events []*event) {
	ctx := context.Background()
	for _, ev := range events {
		m.nLetters[ev.refusal.Reason].Add(1)
		appid := ""
		if ev.app != nil {
			appid = ev.app.AppID
		}
		m.letters.Add(ctx, 1, metric.WithAttributes(attribute.String("appid", appid), attribute.String("reason", string(ev.refusal.Reason))))
	}
}

// Stats are a pipeline's counts since its start, and what is under way now.
type Stats struct {
	Delivered   int64
	DeadLetters map[deadletter.Reason]int64
	Calls       int64
	FailedCalls int64

	InFlight     int // calls
	Pending      int // events taken and not settled
	PendingBytes int
	Held         []string // appids whose breaker is not closed
}

// stats are the counts. They are not one consistent snapshot while the pipeline runs.
func (m *metrics) stats() Stats {
	s := Stats{
		Delivered:   m.nDelivered.Load(),
		DeadLetters: map[deadletter.Reason]int64{},
		Calls:       m.nCalls.Load(),
		FailedCalls: m.nFailed.Load(),
		InFlight:    int(m.inFlight.Load()),
	}
	for reason, n := range m.nLetters {
		s.DeadLetters[reason] = n.Load()
	}
	return s
}
