package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// sandbox is everything that runs. Build it with start, run it once, close it.
type sandbox struct {
	opts    *options
	log     *slog.Logger
	started time.Time // all of this; publishing begins now

	brokers   []string
	embedded  bool
	kafka     *kgo.Client
	cfg       *config.Config
	platform  *platform
	metrics   *telemetry.Metrics
	tracing   *telemetry.Tracing
	pipeline  *pipeline.Pipeline
	http      *telemetry.Server
	book      *audit.Book
	letters   *letterReader
	delays    *delays
	publisher *publisher
	phase     phase

	closers []func() // to be called in reverse
}

// start starts all but the pipeline and the traffic. After an error nothing is left running.
func start(ctx context.Context, o *options, log *slog.Logger) (s *sandbox, err error) {
	now := time.Now()
	s = &sandbox{opts: o, log: log, book: audit.New(), delays: newDelays()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	run := strconv.FormatInt(now.UnixMilli(), 36) // in every event's id: two runs may meet in one broker
	if err := s.startKafka(ctx); err != nil {
		return s, err
	}
	events, err := traffic.New(traffic.Config{
		Seed: o.Seed, Run: run, Apps: games(o), Players: o.Players, Bad: o.Bad, Size: o.Size, Start: now,
	})
	if err != nil {
		return s, err
	}
	poisoned := map[string]bool{}
	for i := range min(o.Poison, o.Players) {
		poisoned[events.Player(i)] = true
	}
	if s.platform, err = startPlatform(o, run, s.book, s.delays, poisoned); err != nil {
		return s, err
	}
	s.onClose(s.platform.close)
	if s.cfg, err = configure(o, s.brokers, s.platform.url); err != nil {
		return s, err
	}
	if err := s.startPipeline(); err != nil {
		return s, err
	}
	dlq := s.cfg.DeadLetter.TopicFor(o.Topic)
	if err := s.createLetterTopic(ctx, dlq); err != nil {
		return s, err
	}
	if s.letters, err = readLetters(ctx, s.brokers, dlq, run, s.book); err != nil {
		return s, err
	}
	s.onClose(s.letters.close)
	s.publisher = &publisher{opts: o, kafka: s.kafka, events: events, book: s.book, delays: s.delays, poisoned: poisoned, tracer: newProducerTracer(s.tracing.Provider())}
	s.started = time.Now()
	return s, nil
}

func games(o *options) []traffic.App {
	apps := []traffic.App{{ID: gameID, Weight: 9}}
	if o.Apps > 1 {
		apps = append(apps, traffic.App{ID: scoreID, ScoreOnly: true})
	}
	return apps
}

// startKafka starts the embedded broker, unless there is another, and creates the topic.
func (s *sandbox) startKafka(ctx context.Context) error {
	s.brokers = s.opts.Brokers
	if s.embedded = len(s.brokers) == 0; s.embedded {
		addrs, stop, err := cluster.Start(s.opts.KafkaPort, s.opts.Data)
		if err != nil {
			return err
		}
		s.brokers = addrs
		s.onClose(stop)
	}
	var err error
	s.kafka, err = kgo.NewClient(
		kgo.SeedBrokers(s.brokers...),
		kgo.ClientID("sandbox-publisher"),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1<<20),
	)
	if err != nil {
		return fmt.Errorf("make a Kafka client: %w", err)
	}
	s.onClose(s.kafka.Close)
	return cluster.CreateTopic(ctx, s.kafka, s.opts.Topic, s.opts.Partitions)
}

// createLetterTopic creates the dead-letter topic as the pipeline would a moment later: what is read from it must not
// begin after the first letter.
func (s *sandbox) createLetterTopic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, cluster.Patience)
	defer cancel()
	_, err := topic.Ensure(ctx, s.kafka, name, s.opts.Topic, deadletter.LetterSettings()...)
	return err
}

// startPipeline builds the pipeline, with its probes and metrics.
func (s *sandbox) startPipeline() error {
	var err error
	if s.metrics, err = telemetry.NewMetrics(); err != nil {
		return err
	}
	s.onClose(func() { _ = s.metrics.Shutdown(context.Background()) })
	version := cli.ThisVersion()
	if err := s.metrics.TellBuild(version.Version, version.Revision); err != nil {
		return err
	}
	s.tracing = telemetry.NewTracing(version.Version, s.cfg.Batch.MaxRecords, s.log)
	s.onClose(s.tracing.Shutdown)
	s.pipeline, err = pipeline.New(s.cfg, pipeline.Options{Logger: s.log, MeterProvider: s.metrics.Provider(), TracerProvider: s.tracing.Provider()})
	if err != nil {
		return fmt.Errorf("build the pipeline: %w", err)
	}
	s.onClose(s.pipeline.Close)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.opts.HTTPPort))
	if s.http, err = telemetry.Listen(addr, s.metrics, s.pipeline.NotReady, s.log); err != nil {
		return err
	}
	s.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.http.Close(ctx)
	})
	return nil
}

func (s *sandbox) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *sandbox) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}
