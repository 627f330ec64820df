package consumer

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are the package's instruments. Labels are topics and partitions:
// bounded by the configuration.
type metrics struct {
	records, bytes          metric.Int64Counter
	generations             metric.Int64Counter
	commits, commitFailures metric.Int64Counter
	registration            metric.Registration
	topics                  map[string][]metric.AddOption // made once: they cost more than the counting
}

func newMetrics(provider metric.MeterProvider, c *Consumer) (*metrics, error) {
	meter := provider.Meter("github.com/battlereport/battlereport/consumer")
	var m metrics
	var errs [8]error
	m.records, errs[0] = meter.Int64Counter("battlereport.consumer.records", metric.WithDescription("Records taken from Kafka."))
	m.bytes, errs[1] = meter.Int64Counter("battlereport.consumer.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes taken from Kafka: keys, values and headers."))
	m.generations, errs[2] = meter.Int64Counter("battlereport.consumer.generations", metric.WithDescription("Generations of the consumer group that this member has taken part in."))
	m.commits, errs[3] = meter.Int64Counter("battlereport.consumer.commits", metric.WithDescription("Offset commits that succeeded."))
	m.commitFailures, errs[4] = meter.Int64Counter("battlereport.consumer.commit.failures", metric.WithDescription("Offset commits that failed and are tried again."))
	lag, err := meter.Int64ObservableGauge("battlereport.consumer.lag", metric.WithDescription("Records between the committed offset and the end of the log, by partition held."))
	errs[5] = err
	pending, err := meter.Int64ObservableGauge("battlereport.consumer.pending", metric.WithDescription("Records taken and not settled, by partition held."))
	errs[6] = err
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
	m.topics = map[string][]metric.AddOption{}
	for _, topic := range c.cfg.Topics {
		m.topics[topic] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("topic", topic)))}
		m.taken(topic, 0, 0)
	}
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, l := range c.Lag() {
			attrs := metric.WithAttributes(attribute.String("topic", l.Topic), attribute.Int("partition", l.Partition))
			o.ObserveInt64(lag, l.Lag, attrs)
			o.ObserveInt64(pending, int64(l.Pending), attrs)
		}
		return nil
	}, lag, pending)
	return &m, err
}

func (m *metrics) taken(topic string, records, bytes int) {
	ctx, topicOnly := context.Background(), m.topics[topic]
	m.records.Add(ctx, int64(records), topicOnly...)
	m.bytes.Add(ctx, int64(bytes), topicOnly...)
}

func (m *metrics) close() { _ = m.registration.Unregister() }

// PartitionLag is how far a partition is behind.
type PartitionLag struct {
	Topic     string
	Partition int
	Committed int64 // -1: nothing yet
	End       int64 // the log's end, as last heard
	Lag       int64 // records from the first not settled to the log's end
	Pending   int   // records taken and not settled
}

// Lag reports the partitions held now; none while the member is joining.
func (c *Consumer) Lag() []PartitionLag {
	g := c.generation.Load()
	if g == nil {
		return nil
	}
	lags := make([]PartitionLag, 0, len(g.partitions))
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			lags = append(lags, PartitionLag{
				Topic: p.Topic, Partition: p.ID,
				Committed: p.committed.offset, End: p.end,
				Lag:     max(0, p.end-p.tracker.committable()),
				Pending: p.tracker.pending,
			})
		}
		p.mu.Unlock()
	}
	return lags
}
