package consumer

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are the package's instruments. Labels are topics, partitions and kinds of
// trouble: bounded by the configuration.
type metrics struct {
	records, bytes          metric.Int64Counter
	deletions               metric.Int64Counter
	timestamps              metric.Int64Counter
	generations             metric.Int64Counter
	commits, commitFailures metric.Int64Counter
	fetchErrors             metric.Int64Counter
	quota                   metric.Float64Counter
	drain                   metric.Float64Histogram
	registration            metric.Registration
	topics                  map[string][]metric.AddOption // made once: they cost more than the counting
}

func newMetrics(provider metric.MeterProvider, c *Consumer) (*metrics, error) {
	meter := provider.Meter("github.com/battlereport/battlereport/consumer")
	var m metrics
	var errs [17]error
	m.records, errs[0] = meter.Int64Counter("battlereport.consumer.records", metric.WithDescription("Records taken from Kafka."))
	m.bytes, errs[1] = meter.Int64Counter("battlereport.consumer.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes taken from Kafka: keys, values and headers."))
	m.generations, errs[2] = meter.Int64Counter("battlereport.consumer.generations", metric.WithDescription("Generations of the consumer group that this member has taken part in."))
	m.commits, errs[3] = meter.Int64Counter("battlereport.consumer.commits", metric.WithDescription("Offset commits that succeeded."))
	m.commitFailures, errs[4] = meter.Int64Counter("battlereport.consumer.commit.failures", metric.WithDescription("Offset commits that failed and are tried again."))
	m.deletions, errs[5] = meter.Int64Counter("battlereport.consumer.deleted", metric.WithDescription("Records that retention deleted before they were taken."))
	lag, err := meter.Int64ObservableGauge("battlereport.consumer.lag", metric.WithDescription("Records between the committed offset and the end of the log, by partition held; none while the end is not known yet."))
	errs[6] = err
	pending, err := meter.Int64ObservableGauge("battlereport.consumer.pending", metric.WithDescription("Records taken and not settled, by partition held."))
	errs[7] = err
	age, err := meter.Float64ObservableGauge("battlereport.consumer.age", metric.WithUnit("s"), metric.WithDescription("Since the timestamp of the oldest record taken and not settled, or deferred, by partition held; since it was first seen where that is no time, or ahead of this machine's clock. 0: all are settled."))
	errs[8] = err
	deferred, err := meter.Int64ObservableGauge("battlereport.consumer.deferred", metric.WithDescription("Records passed, since there is no room for more of their kind, to be taken later, by partition held."))
	errs[9] = err
	m.timestamps, errs[10] = meter.Int64Counter("battlereport.consumer.odd_timestamps", metric.WithDescription("Records taken whose timestamp is missing, of a past that nobody can have meant, or in the future of this machine's clock, by kind."))
	unstable, err := meter.Int64ObservableGauge("battlereport.consumer.unstable", metric.WithDescription("Records that cannot be taken yet, since a producer's transaction before them is open, as the last fetch told, by partition held; none where no transaction is."))
	errs[11] = err
	m.quota, errs[12] = meter.Float64Counter("battlereport.consumer.quota", metric.WithUnit("s"), metric.WithDescription("For how long brokers wanted nothing of this client, by their quotas."))
	m.fetchErrors, errs[13] = meter.Int64Counter("battlereport.consumer.fetch.errors", metric.WithDescription("Fetches of a partition that failed and are tried again."))
	m.drain, errs[14] = meter.Float64Histogram("battlereport.consumer.drain", metric.WithUnit("s"), metric.WithDescription("From the end of a generation to this member's letting go of its partitions."),
		metric.WithExplicitBucketBoundaries(.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 60))
	partitions, err := meter.Int64ObservableGauge("battlereport.consumer.partitions", metric.WithDescription("Partitions held; 0 while the member is joining."))
	errs[15] = err
	paused, err := meter.Int64ObservableGauge("battlereport.consumer.paused_partitions", metric.WithDescription("Partitions held of which nothing more is taken for now, by what they wait for."))
	errs[16] = err
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	// Counters exist at zero before their first event.
	ctx := context.Background()
	for _, counter := range []metric.Int64Counter{m.generations, m.commits, m.commitFailures} {
		counter.Add(ctx, 0)
	}
	m.quota.Add(ctx, 0)
	m.topics = map[string][]metric.AddOption{}
	for _, topic := range c.cfg.Topics {
		m.topics[topic] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("topic", topic)))}
		m.taken(topic, 0, 0)
		m.fetchErrors.Add(ctx, 0, m.topics[topic]...)
		for o := missing; o < oddities; o++ {
			m.odd(topic, o, 0)
		}
	}
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, l := range c.Lag() {
			attrs := ofPartition(l.Topic, l.Partition)
			if l.Lag >= 0 {
				o.ObserveInt64(lag, l.Lag, attrs)
			}
			o.ObserveInt64(pending, int64(l.Pending), attrs)
			o.ObserveInt64(deferred, l.Deferred, attrs)
			if l.Unstable > 0 {
				o.ObserveInt64(unstable, l.Unstable, attrs)
			}
			o.ObserveFloat64(age, l.Age.Seconds(), attrs)
		}
		held, halted := c.held()
		o.ObserveInt64(partitions, int64(held))
		for why := range haltReasons {
			o.ObserveInt64(paused, int64(halted[why]), metric.WithAttributes(attribute.String("reason", why.String())))
		}
		return nil
	}, lag, pending, deferred, unstable, age, partitions, paused)
	return &m, err
}

func ofPartition(topic string, id int) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("topic", topic), attribute.Int("partition", id))
}

func (m *metrics) taken(topic string, records, bytes int) {
	ctx, topicOnly := context.Background(), m.topics[topic]
	m.records.Add(ctx, int64(records), topicOnly...)
	m.bytes.Add(ctx, int64(bytes), topicOnly...)
}

// odd counts records whose timestamp is odd.
func (m *metrics) odd(topic string, o oddity, records int64) {
	m.timestamps.Add(context.Background(), records, metric.WithAttributes(attribute.String("topic", topic), attribute.String("kind", o.String())))
}

// hold has counters of the partitions exist at zero before their first event.
func (m *metrics) hold(partitions []*Partition) {
	for _, p := range partitions {
		m.deleted(p, 0)
	}
}

// deleted counts records of a partition that were deleted before they were taken.
func (m *metrics) deleted(p *Partition, records int64) {
	m.deletions.Add(context.Background(), records, ofPartition(p.Topic, p.ID))
}

// fetchFailed counts a fetch that is tried again.
func (m *metrics) fetchFailed(topic string) {
	m.fetchErrors.Add(context.Background(), 1, m.topics[topic]...)
}

// drained counts a generation that has ended at a time, and is let go of now.
func (m *metrics) drained(ended time.Time) {
	m.drain.Record(context.Background(), time.Since(ended).Seconds())
}

func (m *metrics) close() { _ = m.registration.Unregister() }

// PartitionLag is how far a partition is behind.
type PartitionLag struct {
	Topic     string
	Partition int
	Committed int64         // -1: nothing yet
	End       int64         // the log's end, at most some seconds old if its broker answers; -1: not known yet
	Lag       int64         // from what is committed, or else where the partition was begun, to the end; -1: not known yet
	Pending   int           // records taken and not settled
	Deferred  int64         // records passed, to be taken later
	Unstable  int64         // records behind the last stable offset, as the last fetch told: a transaction is open
	Age       time.Duration // since the timestamp of the oldest of all these, or since it was seen, see [Record.Age]; 0: there are none
}

// Lag reports the partitions held now; none while the member is joining.
func (c *Consumer) Lag() []PartitionLag {
	g := c.generation.Load()
	if g == nil {
		return nil
	}
	lags := make([]PartitionLag, 0, len(g.partitions))
	now := time.Now()
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			lags = append(lags, p.lag(now))
		}
		p.mu.Unlock()
	}
	return lags
}

func (p *Partition) lag(now time.Time) PartitionLag {
	l := PartitionLag{
		Topic: p.Topic, Partition: p.ID,
		Committed: p.committed.offset, End: p.end, Lag: -1,
		Pending: p.tracker.taken(), Deferred: p.tracker.left(), Unstable: p.transaction.unstable(now),
	}
	if l.End >= 0 {
		from := min(p.base, p.tracker.committable()) // what is committed may be beyond what a log has left
		l.Lag = max(0, l.End-from)
	}
	if oldest, is := p.tracker.oldest(); is {
		l.Age = max(0, now.Sub(time.UnixMilli(oldest))) // clocks differ
	}
	return l
}
