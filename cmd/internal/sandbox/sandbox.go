package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/cluster"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
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
	pipeline  *pipeline.Pipeline
	http      *telemetry.Server
	book      *audit.Book
	letters   *letters
	waits     *latency
	publisher *publisher
	phase     phase

	closers []func() // to be called in reverse
}

// start starts all but the pipeline and the traffic. After an error nothing is left running.
func start(ctx context.Context, o *options, log *slog.Logger) (s *sandbox, err error) {
	now := time.Now()
	s = &sandbox{opts: o, log: log, book: audit.New(), waits: newLatency()}
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
	if s.platform, err = startPlatform(o, run, s.book, s.waits, poisoned); err != nil {
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
	s.publisher = &publisher{opts: o, kafka: s.kafka, events: events, book: s.book, waits: s.waits, poisoned: poisoned}
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
func (s *sandbox) createLetterTopic(ctx context.Context, topic string) error {
	conn, err := pipeline.Connection(s.cfg, nil)
	if err != nil {
		return err
	}
	client := conn.Client()
	defer consumer.CloseClient(client)
	ctx, cancel := context.WithTimeout(ctx, cluster.Patience)
	defer cancel()
	_, err = deadletter.EnsureTopic(ctx, client, topic, s.opts.Topic, deadletter.LetterSettings()...)
	return err
}

// startPipeline builds the pipeline, with its probes and metrics.
func (s *sandbox) startPipeline() error {
	var err error
	if s.metrics, err = telemetry.NewMetrics(); err != nil {
		return err
	}
	s.onClose(func() { _ = s.metrics.Shutdown(context.Background()) })
	s.pipeline, err = pipeline.New(s.cfg, pipeline.Options{Logger: s.log, MeterProvider: s.metrics.Provider()})
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

// result is how a run has ended.
type result struct {
	audit.Findings
	took          time.Duration
	notPublished  int64 // events that the broker did not take
	foreign       int64 // accepted reports of others than the sandbox
	foreignLetter int64 // and letters
	replayed      bool  // somebody has replayed letters meanwhile
	calls, failed int64
	settle        time.Duration // how long to wait for what is pending
	hurried       bool          // somebody did not want to
}

// ok says whether every event is accounted for. A letter that is replayed is both dead-lettered and delivered, perhaps
// with another value and out of its turn, which is what it was replayed for: then only what is lost counts.
func (r *result) ok() bool {
	broken := len(r.Breaches) > 0
	if r.replayed {
		broken = r.Breaches[audit.Lost] > 0
	}
	return !broken && (r.Pending == 0 || r.hurried)
}

// run publishes until stop ends or the events are all out, waits until they have settled, drains the pipeline and
// accounts for all. The end of hurry ends the waiting.
func (s *sandbox) run(stop, hurry context.Context) (result, error) {
	stop, fail := context.WithCancel(stop)
	defer fail()
	wait, abandon := context.WithCancel(hurry)
	defer abandon()
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	ended := make(chan error, 1)
	go func() {
		err := s.pipeline.Run(ctx)
		if ctx.Err() == nil { // it cannot work as configured: nothing will settle
			fail()
			abandon()
		}
		ended <- err
	}()
	if s.embedded && s.opts.Data == "" {
		var house sync.WaitGroup
		house.Go(func() { s.keepHouse(ctx) })
		defer house.Wait()
		defer drain()
	}

	before, _ := cluster.Committed(ctx, s.kafka, group) // an account that cannot be had is one of nothing
	s.publisher.run(stop, wait)
	took := time.Since(s.started)
	s.phase.enter(settling)
	s.settle(wait)
	s.phase.enter(draining)
	drain()
	if err := <-ended; err != nil {
		return result{}, fmt.Errorf("run the pipeline: %w", err)
	}
	r, err := s.account(context.Background(), before)
	r.took, r.settle, r.hurried = took, s.opts.Settle, hurry.Err() != nil
	s.phase.enter(over)
	return r, err
}

// settle waits until nothing is pending.
func (s *sandbox) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Settle)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for s.book.Counts().Pending > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// account reads the rest of the letters and closes the book. Before is what the group had committed at the start.
func (s *sandbox) account(ctx context.Context, before map[string]map[int32]int64) (result, error) {
	if err := s.letters.readToEnd(ctx); err != nil {
		return result{}, err
	}
	offsets, err := cluster.Committed(ctx, s.kafka, group)
	if err != nil {
		return result{}, err
	}
	replayed := false
	replays := s.cfg.DeadLetter.ReplayTopicFor(s.opts.Topic)
	for partition, offset := range offsets[replays] {
		replayed = replayed || offset > before[replays][partition]
	}
	stats := s.pipeline.Stats()
	return result{
		replayed:      replayed,
		Findings:      s.book.Findings(offsets),
		notPublished:  s.publisher.failed.Load(),
		foreign:       s.platform.foreign.Load(),
		foreignLetter: s.letters.foreigners(),
		calls:         stats.Calls,
		failed:        stats.FailedCalls,
	}, nil
}

// Housekeeping of the embedded broker, which keeps all records in memory.
const (
	houseInterval = 5 * time.Second
	keptRecords   = 20_000 // by partition, for people to look at
)

// keepHouse has the broker forget what has been read long ago, until ctx ends.
func (s *sandbox) keepHouse(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(houseInterval):
		}
		read, err := cluster.Committed(ctx, s.kafka, group)
		if err != nil {
			continue // the next time, then
		}
		read[s.letters.topic] = s.letters.position()
		for _, offsets := range read {
			for partition, offset := range offsets {
				if offsets[partition] = offset - keptRecords; offsets[partition] <= 0 {
					delete(offsets, partition)
				}
			}
		}
		if err := cluster.Trim(ctx, s.kafka, read); err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("the embedded broker does not forget", "error", err)
		}
	}
}

func (s *sandbox) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *sandbox) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}
