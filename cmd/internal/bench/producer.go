package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/bench/part"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
)

// producer produces a load's events, keyed by player as game servers do, and without the
// header appid, since there is one.
type producer struct {
	load   *load
	prefix []byte
	traces workload.Traces
	events *traffic.Generator
	kafka  *kgo.Client
	failed atomic.Pointer[error]
}

// producedBytes is what a batch of a Java producer has at most, by default.
const producedBytes = 16 << 10

func newProducer(l *load, brokers []string, w workload.Workload, opts ...kgo.Opt) (*producer, error) {
	events, err := traffic.New(traffic.Config{
		Seed: w.Seed, Run: l.run, Apps: []traffic.App{{ID: workload.AppID}}, Players: w.Players,
		Bad: w.Bad, Kinds: tame(), Size: w.Size, Start: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts,
		kgo.SeedBrokers(brokers...),
		kgo.DefaultProduceTopic(l.topic),
		kgo.ProducerBatchMaxBytes(int32(max(producedBytes, w.Size+1<<10))),
		kgo.ProducerBatchCompression(workload.Codecs()[w.Codec]),
		kgo.RecordDeliveryTimeout(stalledAfter),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	return &producer{load: l, prefix: part.IDPrefix(l.run), traces: w.Traces, events: events, kafka: client}, nil
}

// tame leaves bad kinds out: two are so large that a share of bad events would be a matter of bytes, and two need a
// header that other events do not have.
func tame() []traffic.Kind {
	return slices.DeleteFunc(traffic.Kinds(), func(k traffic.Kind) bool {
		return k == "too_large" || k == "many_headers" || k == "unknown_app" || k == "two_apps"
	})
}

// produce makes the next event and hands it to the Kafka client.
func (p *producer) produce(ctx context.Context) (traffic.Event, error) {
	ev := p.events.Next()
	p.load.events++
	part.EachNumber(ev.Value, p.prefix, p.load.all.Add)
	if ev.Reason == "" {
		p.load.good.Add(ev.Number)
	}
	record := &kgo.Record{Key: []byte(ev.Player), Value: ev.Value}
	if p.traces.Told() {
		record.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte(p.traces.Parent(ev.Number))}}
	}
	p.kafka.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("produce to %s: %w", p.load.topic, err)
			p.failed.CompareAndSwap(nil, &err)
		}
	})
	if err := p.failed.Load(); err != nil {
		return ev, *err
	}
	return ev, nil
}

// trickle produces events at a rate for a time, and returns when it did so, of the good ones by number.
func (p *producer) trickle(ctx context.Context, rate float64, duration time.Duration, show func(done int)) (map[uint64]time.Time, error) {
	produced := map[uint64]time.Time{}
	begin := time.Now()
	for i := range max(1, int(rate*duration.Seconds())) {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		now := time.Now()
		ev, err := p.produce(ctx)
		if err != nil {
			return nil, err
		}
		if ev.Reason == "" {
			produced[ev.Number] = now
		}
		if i%max(1, int(rate/4)) == 0 {
			show(i)
		}
	}
	return produced, nil
}

// finish waits until the broker has all, and notes where the load ends.
func (p *producer) finish(ctx context.Context) error {
	err := p.kafka.Flush(ctx)
	if failed := p.failed.Load(); failed != nil {
		err = *failed
	}
	if err == nil {
		p.load.ends, err = cluster.Ends(ctx, p.kafka, p.load.topic)
	}
	return err
}
