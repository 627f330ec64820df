package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/cluster"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
)

// load is what lies in the broker for the contestants.
type load struct {
	run    string // in every event's id
	topic  string
	events int
	ends   map[int32]int64
	good   ids // of the events that the pipeline must post
	all    ids // of those that a contestant that checks nothing posts
}

// newLoad is an empty one, with a run and a topic of its own.
func newLoad() *load {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	return &load{run: run, topic: "battlereport-bench-" + run}
}

// share is what a contestant must post of the load, and how many dead letters it must write.
func (l *load) share(part string) (posted ids, letters int64) {
	if part == runPart {
		return l.good, int64(l.events) - l.good.Count
	}
	return l.all, 0
}

// fill produces the workload's events, as fast as they go.
func (l *load) fill(ctx context.Context, brokers []string, w workload, show func(done int)) error {
	p, err := newLoader(l, brokers, w, kgo.MaxBufferedRecords(1<<17), kgo.MaxBufferedBytes(256<<20))
	if err != nil {
		return err
	}
	defer p.kafka.Close()
	for range w.Events {
		if l.events%10_000 == 0 {
			show(l.events)
		}
		if _, err := p.produce(ctx); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

// loader produces a load's events, keyed by player as game servers do, and without headers, since there is one app.
type loader struct {
	load   *load
	marker []byte
	events *traffic.Generator
	kafka  *kgo.Client
	failed atomic.Pointer[error]
}

// producedBytes is what a batch of a Java producer has at most, by default.
const producedBytes = 16 << 10

func newLoader(l *load, brokers []string, w workload, opts ...kgo.Opt) (*loader, error) {
	events, err := traffic.New(traffic.Config{
		Seed: w.Seed, Run: l.run, Apps: []traffic.App{{ID: appID}}, Players: w.Players,
		Bad: w.Bad, Kinds: tame(), Size: w.Size, Start: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts,
		kgo.SeedBrokers(brokers...),
		kgo.DefaultProduceTopic(l.topic),
		kgo.ProducerBatchMaxBytes(int32(max(producedBytes, w.Size+1<<10))),
		kgo.ProducerBatchCompression(codecs()[w.Codec]),
		kgo.RecordDeliveryTimeout(stalledAfter),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	return &loader{load: l, marker: idMarker(l.run), events: events, kafka: client}, nil
}

// tame leaves bad kinds out: two are so large that a share of bad events would be a matter of bytes, and two need a
// header that other events do not have.
func tame() []traffic.Kind {
	return slices.DeleteFunc(traffic.Kinds(), func(k traffic.Kind) bool {
		return k == "too_large" || k == "many_headers" || k == "unknown_app" || k == "two_apps"
	})
}

// produce makes the next event and hands it to the Kafka client.
func (p *loader) produce(ctx context.Context) (traffic.Event, error) {
	ev := p.events.Next()
	p.load.events++
	eachNumber(ev.Value, p.marker, p.load.all.add)
	if ev.Reason == "" {
		p.load.good.add(ev.Number)
	}
	p.kafka.Produce(ctx, &kgo.Record{Key: []byte(ev.Player), Value: ev.Value}, func(_ *kgo.Record, err error) {
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

// finish waits until the broker has all, and notes where the load ends.
func (p *loader) finish(ctx context.Context) error {
	err := p.kafka.Flush(ctx)
	if failed := p.failed.Load(); failed != nil {
		err = *failed
	}
	if err == nil {
		p.load.ends, err = cluster.Ends(ctx, p.kafka, p.load.topic)
	}
	return err
}
