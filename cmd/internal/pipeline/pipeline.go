// Package pipeline takes battle reports from Kafka to MSDK.
//
// Read it in the order of the data path. Each stage is a type, or a function,
// with one job in the file of its name; none knows the engine:
//
//	take      take.go     each record of a chunk becomes an event: admitted, or refused
//	bound     intake.go   how much may be taken and not settled
//	defer     defer.go    what there is no room for, so that others pass
//	gather    gather.go   an app's events wait for their batch, and batches for their turn
//	choose    choose.go   whose batch goes next
//	deliver   deliver.go  one call
//	decide    verdict.go  what a failed call means for its batch and its app: a table of rules
//	carry out decide.go   and what is done about it
//	give up   letters.go  events on their way to the dead letters; hold.go those held for too long
//	settle    settle.go   the end of an event, whose room is for others
//	let go    drain.go    the end of a generation
//
// One engine (engine.go) lives as long as a generation of the consumer group and
// carries events from stage to stage. Its loop is a single goroutine that owns all
// state; checking happens on the goroutines that fetch, calls are made and letters
// written on goroutines of their own, and all of them speak to the loop through
// channels.
//
// A batch goes this way; the rules in verdict.go say which:
//
//	gathered ──► called ──► delivered
//	               │  ▲
//	             failed │
//	               ├──┴─ again, later, hold: as it is, when its time or its app's has come
//	               ├──► apart: halves go each its own way, of one player one behind the other;
//	               │    a suspect's go behind everybody else
//	               ├──► doubt ──► rejected, once others get through or the wait is over
//	               │       └────► hold, if the app turns out to be held
//	               └──► rejected, exhausted: a dead letter
//
// What waits meanwhile for longer than max_age or max_hold is given up without a
// call (gather.go, hold.go), and what waits at the end of a generation is let go.
//
// What is known of an app outlives generations: see package platform, which draws
// the states of its breaker. Whose a record is and whether it is fit is for package
// admission to say.
//
// Promises: an event is settled when the platform has accepted it or its letter
// is on all in-sync replicas, and never otherwise; one user's events are
// delivered in order; what is in memory is bounded by the configuration; values
// are passed on byte for byte. It does not promise that nothing is delivered
// twice: what a crash leaves unsettled is delivered again.
package pipeline

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/cmd/internal/renewal"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// Options are what a pipeline needs beside its configuration. The zero value
// is fit for use.
type Options struct {
	Logger         *slog.Logger         // default slog.Default()
	MeterProvider  metric.MeterProvider // default: none
	TracerProvider trace.TracerProvider // default: none

	// DialKafka and DialMSDK open connections; nil means TCP.
	DialKafka, DialMSDK func(ctx context.Context, network, address string) (net.Conn, error)

	// UserAgent names the program to MSDK; empty: msdkclient's own name for it.
	UserAgent string

	// HeartbeatInterval overrides the consumer's; 0 keeps it.
	HeartbeatInterval time.Duration
}

// Pipeline is the whole way from Kafka to MSDK. Its methods are safe for
// concurrent use; Run may be called once.
type Pipeline struct {
	lasting
	conn     consumer.Connection
	consumer *consumer.Consumer
	files    *renewal.Watch
	engine   atomic.Pointer[engine] // of the current generation
	workload *workload
}

// New checks that everything the configuration names can be loaded. It does not
// connect. Close releases what it holds.
func New(cfg *config.Config, opts Options) (*Pipeline, error) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.MeterProvider == nil {
		opts.MeterProvider = noop.NewMeterProvider()
	}
	conn, err := kafkafault.Connection(&cfg.Kafka, opts.DialKafka, func(err error) {
		opts.Logger.Warn("an address of kafka.brokers does not answer, and another does", "error", err)
	})
	if err != nil {
		return nil, err
	}
	directory, err := admission.New(cfg)
	if err != nil {
		return nil, err
	}
	msdkOpts := []msdkclient.Option{msdkclient.WithMeterProvider(opts.MeterProvider), msdkclient.WithTracerProvider(opts.TracerProvider)}
	if opts.DialMSDK != nil {
		msdkOpts = append(msdkOpts, msdkclient.WithDialContext(opts.DialMSDK))
	}
	if opts.UserAgent != "" {
		msdkOpts = append(msdkOpts, msdkclient.WithUserAgent(opts.UserAgent))
	}
	msdk, err := msdkclient.New(msdkclient.Config{
		BaseURL:     cfg.MSDK.BaseURL,
		Timeout:     cfg.MSDK.Timeout,
		ContentType: cfg.MSDK.ContentType,
		MaxConns:    cfg.Delivery.MaxInFlight,
		CAFile:      cfg.MSDK.CAFile,
	}, msdkOpts...)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{conn: conn, lasting: lasting{
		cfg: cfg, log: opts.Logger, directory: directory, msdk: msdk,
		letterLog: newLetterLog(opts.Logger), tracer: newTracer(opts.TracerProvider, cfg.Kafka.Group), deferred: make([]atomic.Int64, len(directory.Apps)),
	}}
	for _, app := range directory.Apps {
		p.apps = append(p.apps, platform.NewApp(app, cfg.Delivery.Breaker))
	}
	if p.files, err = renewal.New(cfg, opts.Logger, opts.MeterProvider); err != nil {
		return nil, err
	}
	if p.metrics, err = newMetrics(opts.MeterProvider, cfg, directory, p.apps); err != nil {
		return nil, err
	}
	start := consumer.Earliest
	if cfg.Kafka.Start == "latest" {
		start = consumer.Latest
	}
	one, total := fetchBytes(cfg)
	p.workload = newWorkload(cfg.Delivery.MaxInFlight)
	p.consumer, err = consumer.New(consumer.Config{
		Connection:        conn,
		Group:             cfg.Kafka.Group,
		Topics:            directory.Topics(),
		Start:             start,
		Once:              directory.ReplayTopics(),
		DrainTimeout:      cfg.Delivery.DrainTimeout,
		FetchBytes:        one,
		FetchTotal:        total,
		Strand:            p.strand,
		SessionTimeout:    cfg.Kafka.SessionTimeout,
		HeartbeatInterval: opts.HeartbeatInterval,
		Logger:            kafkafault.Logger(&cfg.Kafka, opts.Logger),
		MeterProvider:     opts.MeterProvider,
	})
	if err != nil {
		return nil, err
	}
	if p.letters, err = deadletter.NewWriter(conn, kafkafault.Logger(&cfg.Kafka, opts.Logger)); err != nil {
		p.consumer.Close()
		return nil, err
	}
	if err = p.metrics.observe(meterOf(opts.MeterProvider), p); err != nil {
		p.letters.Close()
		p.consumer.Close()
		return nil, err
	}
	return p, nil
}

// strand is what is deferred together with a record. It is asked of each.
func (p *Pipeline) strand(r *consumer.Record) uint64 {
	if len(r.Headers) == 0 { // which says so without looking up the topic
		return 0
	}
	return p.directory.Feed(r.Partition.Topic).Strand(r.Headers)
}

// fetchBytes is how much is fetched of a partition at a time, hundreds of records, and
// of all of them what may be in hand beside what the intake has let in: as much again.
func fetchBytes(cfg *config.Config) (one, total int) {
	one = int(min(max(cfg.Delivery.MaxPendingBytes/256, 64<<10), 256<<10))
	return one, int(max(cfg.Delivery.MaxPendingBytes, 4<<20))
}

// Run makes sure that the topics of dead letters, of their resolutions and of
// replays exist, and then takes,
// delivers and commits until ctx ends; it drains and returns nil. It waits for
// brokers that cannot be reached, and for source topics that do not exist while
// it serves those that do. An error means that it cannot work as configured.
func (p *Pipeline) Run(ctx context.Context) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	noteSchemas(p.log, p.directory.Apps)
	waiting.Go(func() { p.files.Run(ctx) })
	topics := &provisioner{cfg: p.cfg, conn: p.conn, log: p.log}
	missing, err := topics.provideAll(ctx, p.cfg.SourceTopics())
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	waiting.Go(func() { topics.await(ctx, missing) })
	waiting.Go(func() { p.watchWorkload(ctx) })
	err = p.consumer.Run(ctx, func(ctx context.Context, gen *consumer.Generation) {
		e := newEngine(&p.lasting)
		p.engine.Store(e)
		defer p.engine.Store(nil)
		e.run(ctx, gen.Fetch)
	})
	return kafkafault.Explain(&p.cfg.Kafka, err)
}

// Close releases the connections. Call it after Run has returned.
func (p *Pipeline) Close() {
	p.metrics.close()
	p.files.Close()
	p.consumer.Close()
	p.msdk.Close()
	p.letters.Close()
}

// NotReady lists what keeps the pipeline from working; empty means ready: in
// the group, and letters can be written as far as is known.
func (p *Pipeline) NotReady() []string {
	var why []string
	if !p.consumer.Joined() {
		why = append(why, "not in the consumer group")
	}
	if err := p.letters.Err(); err != nil {
		why = append(why, "dead letters cannot be written: "+kafkafault.Explain(&p.cfg.Kafka, err).Error())
	}
	return why
}

// Lag reports how far the partitions held are behind.
func (p *Pipeline) Lag() []consumer.PartitionLag { return p.consumer.Lag() }
