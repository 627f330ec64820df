package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/deadletter"
)

// metrics are the pipeline's instruments, and the same numbers for [Stats]; what
// they tell, and what to do about it, is in deploy/metrics.md. Labels are topics,
// appids, routes, reasons, classes and documented codes: bounded by the configuration
// and the protocol. A user is never a label.
type metrics struct {
	checks      metric.Int64Counter
	events      metric.Int64Counter
	letters     metric.Int64Counter
	calls       metric.Int64Counter
	answers     metric.Int64Counter
	duration    metric.Float64Histogram
	size, bytes metric.Int64Histogram
	fill        metric.Float64Histogram
	latency     metric.Float64Histogram

	registration metric.Registration
	feeds        map[string]*feedLabels // by topic
	apps         []*appLabels           // by their index
	nobodys      *appLabels             // of records whose app is unknown

	nDelivered, nCalls, nFailed atomic.Int64
	nLetters                    map[deadletter.Reason]*atomic.Int64
	flights                     flights
}

// newMetrics makes the counters; see observe for what is asked for.
func newMetrics(provider metric.MeterProvider, cfg *config.Config, directory *admission.Directory, apps []*platform.App) (*metrics, error) {
	meter := meterOf(provider)
	m := &metrics{nLetters: map[deadletter.Reason]*atomic.Int64{}, feeds: map[string]*feedLabels{}, apps: make([]*appLabels, len(apps))}
	var errs [10]error
	m.checks, errs[0] = meter.Int64Counter("battlereport.checked", metric.WithDescription("Records that were checked and let in, by what the check found: fit, or why they are refused."))
	m.events, errs[1] = meter.Int64Counter("battlereport.delivered", metric.WithDescription("Events that the platform has accepted."))
	m.letters, errs[2] = meter.Int64Counter("battlereport.dead_letters", metric.WithDescription("Events that were written to the dead letters, by reason."))
	m.calls, errs[3] = meter.Int64Counter("battlereport.msdk.calls", metric.WithDescription("Calls to the platform, by the class of their outcome."))
	m.answers, errs[4] = meter.Int64Counter("battlereport.msdk.answers", metric.WithDescription("Calls to the platform, by the answer's ret, a documented code, and the code that it passes on; other: not documented; none: no answer that can be read."))
	m.duration, errs[5] = meter.Float64Histogram("battlereport.msdk.call.duration", metric.WithUnit("s"), metric.WithDescription("How long calls to the platform take."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	m.size, errs[6] = meter.Int64Histogram("battlereport.batch.records", metric.WithDescription("Events in a call."),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000))
	m.bytes, errs[7] = meter.Int64Histogram("battlereport.batch.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes of the events in a call."),
		metric.WithExplicitBucketBoundaries(1<<8, 1<<10, 4<<10, 16<<10, 64<<10, 128<<10, 256<<10, 512<<10, 1<<20, 4<<20))
	m.fill, errs[8] = meter.Float64Histogram("battlereport.batch.fill_ratio", metric.WithDescription("How full a call is: the larger of its events by batch.max_records and their bytes by batch.max_bytes, 0 to 1."),
		metric.WithExplicitBucketBoundaries(.01, .05, .1, .25, .5, .75, .9, 1))
	m.latency, errs[9] = meter.Float64Histogram("battlereport.delivery.latency", metric.WithUnit("s"), metric.WithDescription("Of each call that is accepted, from its oldest record's timestamp; of one whose records have no time, or are ahead of this machine's clock, it is not known and not counted."),
		metric.WithExplicitBucketBoundaries(.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 3600))
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}

	// Counters exist at zero before their first event.
	ctx := context.Background()
	for _, reason := range deadletter.Reasons() {
		m.nLetters[reason] = new(atomic.Int64)
	}
	for _, topic := range directory.Topics() {
		m.feeds[topic] = newFeedLabels(topic)
		for _, labels := range m.feeds[topic].found {
			m.checks.Add(ctx, 0, labels...)
		}
	}
	m.nobodys = newAppLabels("", "", cfg)
	for _, reason := range [...]deadletter.Reason{deadletter.UnknownApp, deadletter.TooLarge} {
		m.letters.Add(ctx, 0, m.nobodys.reasons[reason]...)
	}
	for _, a := range apps {
		labels := newAppLabels(a.AppID, a.Route, cfg)
		m.apps[a.Index] = labels
		m.events.Add(ctx, 0, labels.add...)
		for _, class := range labels.classes {
			m.calls.Add(ctx, 0, class...)
		}
		for reason, of := range labels.reasons {
			if reason != deadletter.UnknownApp {
				m.letters.Add(ctx, 0, of...)
			}
		}
		for _, of := range [...]answer{{ret: retAccepted}, {ret: retNone}} {
			m.answers.Add(ctx, 0, labels.answer(of)...)
		}
	}
	return m, nil
}

func meterOf(provider metric.MeterProvider) metric.Meter {
	return provider.Meter("github.com/battlereport/battlereport/pipeline")
}

func (m *metrics) close() { _ = m.registration.Unregister() }

// checked counts records of a topic that were let in, by what was found.
func (m *metrics) checked(topic string, found *findings) {
	ctx, labels := context.Background(), m.feeds[topic]
	for f, n := range found {
		if n > 0 {
			m.checks.Add(ctx, int64(n), labels.found[f]...)
		}
	}
}

func (m *metrics) called(out outcome) {
	ctx, class := out.context(), classDelivered
	m.nCalls.Add(1)
	if out.err != nil {
		class = out.err.Class.String()
		m.nFailed.Add(1)
	}
	labels := m.apps[out.batch.app.Index]
	records := len(out.batch.items)
	m.calls.Add(ctx, 1, labels.classes[class]...)
	m.answers.Add(ctx, 1, labels.answer(answerOf(out.err))...)
	m.duration.Record(ctx, out.took.Seconds(), labels.record...)
	m.size.Record(ctx, int64(records), labels.record...)
	m.bytes.Record(ctx, int64(out.bytes), labels.record...)
	m.fill.Record(ctx, labels.fill(records, out.bytes), labels.record...)
}

// delivered counts events, and how long the oldest of them took: of each it would
// cost as much as checking it. What is not known, as below 0 where a clock was set
// back, is left out: as 0 it would make the others look faster.
func (m *metrics) delivered(out outcome) {
	ctx, labels, events := out.context(), m.apps[out.batch.app.Index], len(out.batch.items)
	m.nDelivered.Add(int64(events))
	m.events.Add(ctx, int64(events), labels.add...)
	if took := time.Since(out.oldest); !out.oldest.IsZero() && took >= 0 {
		m.latency.Record(ctx, took.Seconds(), labels.record...)
	}
}

func (m *metrics) buried(events []*event) {
	ctx := context.Background()
	for _, ev := range events {
		reason, labels := ev.refusal.Reason, m.nobodys
		if ev.app != nil {
			labels = m.apps[ev.app.Index]
		}
		m.nLetters[reason].Add(1)
		m.letters.Add(ctx, 1, labels.reasons[reason]...)
	}
}

// flights are the calls under way, and the time that they take: of two for a second
// it is two seconds. Safe for concurrent use.
type flights struct {
	mu      sync.Mutex
	now     int
	changed time.Time
	past    time.Duration // until then
}

// are notes how many there are from now on.
func (f *flights) are(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == f.now {
		return
	}
	now := time.Now()
	f.past += time.Duration(f.now) * now.Sub(f.changed)
	f.now, f.changed = n, now
}

// count is how many there are.
func (f *flights) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// took is the time that all have taken.
func (f *flights) took(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.past + time.Duration(f.now)*now.Sub(f.changed)
}
