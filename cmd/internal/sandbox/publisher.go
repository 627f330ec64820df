package sandbox

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/deadletter"
)

// publisher publishes generated events, as game servers do, and tells the book.
type publisher struct {
	opts     *options
	kafka    *kgo.Client
	events   *traffic.Generator
	book     *audit.Book
	delays   *delays
	poisoned map[string]bool
	tracer   trace.Tracer // nil: nobody follows

	failed  atomic.Int64 // events that the broker did not take
	waiting atomic.Bool  // for the pipeline, being too far ahead of it
}

// Events that may be published and not settled: the embedded broker keeps them in memory. Without a rate there is no
// point in being far ahead.
const (
	maxAhead       = 500_000
	maxAheadNoRate = 50_000
)

// run publishes until stop ends or the events are all out, and then waits until the broker has them, or hurry ends.
func (p *publisher) run(stop, hurry context.Context) {
	if p.opts.Duration > 0 {
		var cancel context.CancelFunc
		stop, cancel = context.WithTimeout(stop, p.opts.Duration)
		defer cancel()
	}
	pace := newPace(p.opts.Rate, time.Now())
	ahead := maxAhead
	if p.opts.Rate == 0 {
		ahead = maxAheadNoRate
	}
	for published := uint64(0); stop.Err() == nil && (p.opts.Count == 0 || published < p.opts.Count); {
		p.waiting.Store(p.book.Counts().Pending >= ahead)
		n, wait := pace.due(time.Now(), published)
		if p.waiting.Load() {
			pace.forget(time.Now(), published)
			n, wait = 0, time.Millisecond
		}
		if p.opts.Count > 0 {
			n = min(n, p.opts.Count-published)
		}
		for range n {
			p.publish(hurry)
		}
		if published += n; n == 0 {
			select {
			case <-stop.Done():
			case <-time.After(wait):
			}
		}
	}
	p.waiting.Store(false)
	_ = p.kafka.Flush(hurry) // on its end the events are withdrawn, each by its own promise
}

// publish hands the next event to the Kafka client, which waits while too much is on its way to the broker.
func (p *publisher) publish(ctx context.Context) {
	ev := p.events.Next()
	want := ev.Reason
	if want == "" && p.poisoned[ev.Player] {
		want = deadletter.Rejected
	}
	var posted []byte
	if ev.Score != "" {
		posted = []byte(ev.Score)
	}
	p.book.Publish(audit.Event{
		Number: ev.Number, Player: ev.App + " " + ev.Player, Round: ev.Round, Value: ev.Value, Posted: posted, Reason: want,
	})
	record := &kgo.Record{Topic: p.opts.Topic, Key: []byte(ev.Player), Value: ev.Value}
	for _, h := range ev.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader(h))
	}
	p.delays.begin(ev.Number, time.Now())
	written := p.follow(record)
	p.kafka.Produce(ctx, record, func(r *kgo.Record, err error) {
		written()
		if err != nil {
			p.failed.Add(1)
			p.book.Withdraw(ev.Number)
			return
		}
		p.book.Written(ev.Number, r.Topic, r.Partition, r.Offset)
	})
}

// pace says how many events are due.
type pace struct {
	rate  float64 // per second; 0: always more
	since time.Time
	from  uint64 // published at since
}

// burst is how many events are published between two looks at the clock.
const burst = 256

// tick is the shortest wait: timers are not exact below.
const tick = 2 * time.Millisecond

func newPace(rate float64, now time.Time) *pace { return &pace{rate: rate, since: now} }

// due is how many events to publish now that published have been, and if none how long to wait.
func (p *pace) due(now time.Time, published uint64) (n uint64, wait time.Duration) {
	if p.rate == 0 {
		return burst, 0
	}
	should := p.from + uint64(now.Sub(p.since).Seconds()*p.rate)
	if should > published {
		return min(should-published, burst), 0
	}
	next := time.Duration(math.Round(float64(published+1-p.from) / p.rate * float64(time.Second)))
	return 0, max(p.since.Add(next).Sub(now), tick)
}

// forget gives up what is due: what was held up is not caught up with.
func (p *pace) forget(now time.Time, published uint64) { p.since, p.from = now, published }
