// Package consumer takes records from Kafka topics as one member of a consumer
// group and commits what has been settled.
//
// It hands records out partition by partition, in offset order, and learns
// through [Record.Settle] that one is done with. The committed offset of a
// partition never passes a record that is not settled, and once a generation of
// the group is over nothing that settles late is committed for it.
//
// A change of the group is planned: fetching stops first, the [Serve] function
// then finishes what it has begun, the offsets are committed, and only then does
// the member let go of its partitions. A crash repeats what was not yet
// committed; nothing is ever skipped.
//
// What is not settled is a list, and what the list says is committed beside the
// offset: whoever comes next takes those records and no others. Before there are
// more than fit there, the partition pauses.
//
// Records of one kind that there is no room for need not be in the way of others:
// [Partition.Defer] leaves all of a strand for later. That is noted too, as a range,
// however many they are. A second cursor fetches them again as there is room, never
// beyond the first, and once it has caught up the strand is taken as any other.
//
// A topic is its id, not its name, and an offset means something in its topic
// alone. Where a partition goes on:
//
//	committed, and noted beside it what is settled   there; what is settled is passed over
//	committed, and the offset was moved since        there; what was noted means nothing
//	the same in a mirror, another cluster            likewise
//	the topic was deleted and made anew              at its first record, once what is in
//	                                                 flight of the old one has settled
//	its log has lost records that were taken         where it differs, likewise
//	retention was faster                             at the first record that is left
//	a record batch cannot be read                    there, until somebody has the group
//	                                                 moved past it: see [Consumer.Skip]
//	nothing committed, Start is Earliest             at the first record
//	nothing committed of the topic, Start is Latest  at its end, as the group's leader commits
//	                                                 it for all partitions at once
//	a partition, or a topic, that came later         at the first record
//	nothing committed of a topic that is taken once  where of all other groups, whose notes
//	                                                 tell them to be of this program, the one
//	                                                 is that has come farthest: what it has
//	                                                 not settled is taken, and nothing else.
//	                                                 Where there is none, at the first record
//
// Other groups are those that the client may describe. While brokers do not answer,
// the partitions in question wait, half a minute at most, and the others do not.
//
// Brokers tell topics apart from Kafka 3.1 on; with older ones a topic made anew is
// noticed when it is shorter than the old one was.
//
// How far it is behind is known for each partition held, at most 10 s old, also while
// nothing is taken: the records between what is committed and the log's end, those
// that are taken and not settled, and the age of the first of these. What retention
// deleted before it was taken is counted. Of a partition that stands still since some
// producer has left a transaction open it is said, and counted, what that holds back.
//
// A broker that has a quota on this client is not fetched from for as long as it says.
//
// What is in memory of what is fetched and not handed on is bounded, whatever the
// batches contain, see [Config]: they are unpacked as their records are read, and what
// of a record is too large to be kept is left out, see [Excess]. A partition whose
// records wait for room holds on to nothing that others want.
//
// A broker is asked at once for all partitions that it leads, up to 256, and again for
// those that have had records 5 ms later, so that records which come one by one are
// fetched together. What is said of one is told as soon as it has come; one that is in
// trouble, or whose next batch is large, is asked for by itself until it is not, so that
// it is not in the way of others.
//
// The package knows nothing of what the records mean.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Serve consumes the records of one generation: it calls gen.Fetch until ctx
// ends, then finishes what is in flight within Config.DrainTimeout and returns.
type Serve func(ctx context.Context, gen *Generation)

// Consumer is a member of a consumer group. Its methods are safe for concurrent
// use; Run may be called once.
type Consumer struct {
	cfg     Config
	client  *kafka.Client
	cutOff  func() // breaks the client's connections
	log     *slog.Logger
	metrics *metrics
	budget  *wire.Budget

	timestamps *timestamps

	spoken      spoken
	quota       quota
	coordinator coordinator

	// refused is the length of the shortest note that a broker has refused for
	// that, in characters; 0: none.
	refused atomic.Int64

	// generation is the current generation, nil while the member is joining.
	generation atomic.Pointer[Generation]

	// kept is what former generations have settled and could not commit, by
	// partition. It is changed only between generations.
	kept map[string]*kept

	mu        sync.Mutex
	firstSeen map[string]incarnation // topics, as they were when this member looked first
}

// New prepares a consumer. It does not connect: an unreachable broker is
// reported by Run, which waits for it. Close releases the connections.
func New(cfg Config) (*Consumer, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	cut, cutOff := context.WithCancel(context.Background())
	c := &Consumer{
		cfg: cfg, client: cfg.Connection.until(cut).client(cfg.Topics), cutOff: cutOff, log: cfg.Logger,
		budget: wire.NewBudget(cfg.FetchTotal/4, recordSize),
		kept:   map[string]*kept{}, firstSeen: map[string]incarnation{},
	}
	m, err := newMetrics(cfg.MeterProvider, c)
	if err != nil {
		cutOff()
		return nil, fmt.Errorf("consumer: %w", err)
	}
	c.metrics, c.timestamps = m, newTimestamps(&c.cfg, m)
	c.quota = quota{log: c.log, metrics: m, closed: cut.Done()}
	return c, nil
}

// rebalanceMargin is what the others wait, in a rebalance, beyond DrainTimeout and
// HeartbeatInterval for a member that drains: for its last commit, and some air.
const rebalanceMargin = 22 * time.Second

// Run joins the group and calls serve for every generation in turn until ctx
// ends; it then drains, commits, leaves the group and returns nil. Brokers that
// cannot be reached and rebalances are waited out, and said in the log: Run
// returns an error only where the configuration can never work, or the client may
// not join the group, which is a [DeniedError].
//
// Once nothing is being served, leaving takes at most another DrainTimeout: who
// is just joining waits that long for the others to drain.
func (c *Consumer) Run(ctx context.Context, serve Serve) error {
	cut, cutOff := context.WithCancel(context.Background())
	defer cutOff()
	balancer := &balancer{conn: c.cfg.Connection}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                c.cfg.Group,
		Brokers:           []string{Bootstrap},
		Dialer:            c.cfg.Connection.until(cut).dialer(),
		Topics:            c.cfg.Topics,
		GroupBalancers:    []kafka.GroupBalancer{balancer},
		HeartbeatInterval: c.cfg.HeartbeatInterval,
		SessionTimeout:    c.cfg.SessionTimeout,
		RebalanceTimeout:  c.cfg.DrainTimeout + c.cfg.HeartbeatInterval + rebalanceMargin,
		JoinGroupBackoff:  time.Second,
	})
	if err != nil {
		return fmt.Errorf("consumer group %s: %w", c.cfg.Group, err)
	}
	// Closing the group ends the generation, waits until it has drained, and
	// leaves the group so that the others take over at once.
	stop := context.AfterFunc(ctx, func() { _ = group.Close() })
	defer stop()

	c.log.Info("joining the consumer group", "group", c.cfg.Group, "topics", c.cfg.Topics)
	trouble := newTrouble(c.log, "waiting for Kafka", "Kafka answers again")
	// kafka-go waits for what a generation runs, unless the generation is over
	// before it begins to run.
	var serving sync.WaitGroup
	joined := false // once: a right that is taken away later may be given back
	for {
		kgen, err := group.Next(ctx)
		serving.Wait()
		switch {
		case ctx.Err() != nil && kgen == nil, errors.Is(err, kafka.ErrGroupClosed):
			defer time.AfterFunc(c.cfg.DrainTimeout, cutOff).Stop()
			_ = group.Close()
			c.log.Info("left the consumer group", "group", c.cfg.Group)
			return nil
		case errors.Is(err, kafka.InvalidSessionTimeout):
			_ = group.Close()
			return fmt.Errorf("consumer group %s: session timeout %s: %w (the broker's group.min.session.timeout.ms and group.max.session.timeout.ms)",
				c.cfg.Group, c.cfg.SessionTimeout, err)
		case errors.Is(err, kafka.GroupAuthorizationFailed) && !joined:
			_ = group.Close()
			return fmt.Errorf("join the group %s: %w", c.cfg.Group, Right{"Read", Group, c.cfg.Group}.Needed(err))
		case err != nil:
			if !errors.Is(err, kafka.RebalanceInProgress) {
				trouble.report(err, "group", c.cfg.Group, "brokers", c.cfg.Connection.Brokers)
			}
			continue
		}
		joined = true
		trouble.over()
		start := func(f func(context.Context)) {
			serving.Add(1)
			kgen.Start(func(ctx context.Context) {
				defer serving.Done()
				f(ctx)
			})
		}
		assigned := balancer.leads()
		start(func(ctx context.Context) { c.serveGeneration(ctx, newGeneration(c, kgen, assigned), serve) })
		if assigned != nil {
			start(func(ctx context.Context) { c.watchPartitions(ctx, assigned) })
		}
	}
}

// serveGeneration lives as long as the member holds its partitions: the group
// rejoins only after it has returned.
func (c *Consumer) serveGeneration(ctx context.Context, gen *Generation, serve Serve) {
	// kafka-go's context costs a goroutine for each that is derived from it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.metrics.generations.Add(ctx, 1)
	c.metrics.hold(gen.partitions)
	gen.log.Info("generation begun", "member", gen.kgen.MemberID, "partitions", gen.assignment())

	if gen.locateAll(ctx) != nil {
		return // the generation ended before the committed offsets were known
	}
	c.generation.Store(gen)
	var beside sync.WaitGroup
	serving, served := context.WithCancel(context.Background()) // it lasts while the generation drains
	beside.Go(func() { gen.commitLoop(serving.Done()) })
	beside.Go(func() { gen.watchEnds(serving) })
	beside.Go(func() { gen.watchBrokers(serving) })

	staying := make(chan struct{})
	stopStaying := make(chan struct{})
	var ended time.Time
	notDraining := context.AfterFunc(ctx, func() {
		defer close(staying)
		ended = time.Now()
		gen.stayAlive(stopStaying)
	})

	serve(ctx, gen)

	// A Serve that returns early would end the generation and start another at
	// once; it has no reason to.
	c.generation.Store(nil)
	served()
	beside.Wait()
	gen.commitLast()
	close(stopStaying)
	drained := !notDraining()
	if drained {
		<-staying
	}
	gen.keep()
	if unsettled := gen.unsettled(); unsettled > 0 {
		gen.log.Info("generation over, the records not settled are left to whoever comes next", "records", unsettled)
	} else {
		gen.log.Info("generation over, all settled")
	}
	gen.release()
	if drained {
		c.metrics.drained(ended)
	}
}

// Joined tells whether the member is in the group and serves its partitions
// (possibly none, in a group with more members than partitions).
func (c *Consumer) Joined() bool { return c.generation.Load() != nil }

// Close closes the connections to Kafka. Call it after Run has returned.
func (c *Consumer) Close() {
	c.metrics.close()
	c.cutOff()
	CloseClient(c.client)
}
