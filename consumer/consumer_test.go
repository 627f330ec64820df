package consumer_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a broker with a topic, and members of one group that reads it.
type world struct {
	*kafkatest.Broker
	t            *testing.T
	topic, group string
	log          journal
	patience     time.Duration // of until
	rest         func()        // returns when nothing more happens at this moment, in virtual time

	mu      sync.Mutex
	members int
	takes   map[at]int // how often any member took it
}

// virtual runs a test in virtual time, where an hour costs nothing.
func virtual(t *testing.T, partitions int32, test func(w *world), opts ...kfake.Opt) {
	t.Helper()
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWorld(t, b, partitions)
		w.patience, w.rest = time.Hour, synctest.Wait
		test(w)
	}, opts...)
}

// loopback gives a broker in real time: the fake one or a real cluster.
func loopback(t *testing.T, partitions int32, opts ...kfake.Opt) *world {
	t.Helper()
	t.Parallel()
	return newWorld(t, kafkatest.Start(t, opts...), partitions)
}

func newWorld(t *testing.T, b *kafkatest.Broker, partitions int32) *world {
	t.Helper()
	w := &world{
		Broker: b, t: t, topic: b.Topic(t, partitions), group: kafkatest.Name(t),
		patience: 5 * time.Minute, rest: func() {}, takes: map[at]int{},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log.text())
		}
	})
	return w
}

func (w *world) connection() consumer.Connection {
	return consumer.Connection{Brokers: w.Addrs(), ClientID: "test", Dial: w.Dial}
}

// member is a member of the group that takes what it can get.
type member struct {
	*consumer.Consumer
	w    *world
	stop func() // ends Run, and waits for it

	// held says of a record that it is not settled when it is taken.
	held func(consumer.Record) bool
	// strands has records deferred, if it is set.
	strands *strands
	// drain is called when a generation has ended and nothing more is taken.
	drain func()

	mu          sync.Mutex
	taken       []consumer.Record
	generations int
	serves      bool // in a generation at this moment
}

// join starts a member that settles each record as soon as it takes it.
func (w *world) join(opts ...func(*consumer.Config, *member)) *member {
	w.t.Helper()
	w.mu.Lock()
	w.members++
	name := fmt.Sprintf("member%d", w.members)
	w.mu.Unlock()
	m := &member{w: w, held: func(consumer.Record) bool { return false }, drain: func() {}}
	cfg := consumer.Config{
		Connection: w.connection(), Group: w.group, Topics: []string{w.topic},
		FetchWait: 100 * time.Millisecond, HeartbeatInterval: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)).With("who", name),
	}
	for _, opt := range opts {
		opt(&cfg, m)
	}
	var err error
	if m.Consumer, err = consumer.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, m.serve) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		m.Close()
	})
	w.t.Cleanup(m.stop)
	return m
}

func (m *member) serve(ctx context.Context, gen *consumer.Generation) {
	m.mu.Lock()
	m.generations++
	m.serves = true
	m.mu.Unlock()
	if m.strands != nil {
		gen.Fetch(ctx, m.strands.take(m.take), m.strands.reserve(m.take))
	} else {
		gen.Fetch(ctx, m.take, nil)
	}
	m.drain()
	m.mu.Lock()
	m.serves = false
	m.mu.Unlock()
}

func (m *member) take(_ context.Context, records []consumer.Record) {
	m.mu.Lock()
	for _, r := range records {
		r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value) // to be looked at when they are settled
		m.taken = append(m.taken, r)
	}
	m.mu.Unlock()
	m.w.mu.Lock()
	for _, r := range records {
		m.w.takes[placeOf(r)]++
	}
	m.w.mu.Unlock()
	for _, r := range records {
		if !m.held(r) {
			r.Settle()
		}
	}
}

// at is where a record lies.
type at struct {
	topic     string
	partition int
	offset    int64
}

func placeOf(r consumer.Record) at { return at{r.Partition.Topic, r.Partition.ID, r.Offset} }

func (a at) String() string { return fmt.Sprintf("%s/%d@%d", a.topic, a.partition, a.offset) }

// records are those taken so far, partition by partition.
func (m *member) records() []consumer.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	records := slices.Clone(m.taken)
	slices.SortStableFunc(records, func(a, b consumer.Record) int { return a.Partition.ID - b.Partition.ID })
	return records
}

func (m *member) values() (values []string) {
	for _, r := range m.records() {
		values = append(values, string(r.Value))
	}
	return values
}

// began is how many generations the member has served.
func (m *member) began() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generations
}

// serving tells whether the member is in a generation that began counts: Joined says so a moment before.
func (m *member) serving() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.serves
}

// partitions are those the member holds.
func (m *member) partitions() (ids []int) {
	for _, l := range m.Lag() {
		ids = append(ids, l.Partition)
	}
	slices.Sort(ids)
	return ids
}

func holdAll(_ *consumer.Config, m *member) { m.held = func(consumer.Record) bool { return true } }

// settleAll settles what has been taken.
func (m *member) settleAll() {
	for _, r := range m.records() {
		r.Settle()
	}
}

// until waits for a condition. In virtual time it looks when all that happens at a moment has happened.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(w.patience)
	for w.rest(); !is(); w.rest() {
		if time.Now().After(deadline) {
			w.t.Fatalf("still not: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *world) untilTaken(m *member, n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d records taken", n), func() bool { return len(m.records()) >= n })
}

func (w *world) untilCommitted(want map[int32]int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("committed %v", want), func() bool { return maps.Equal(w.Committed(w.t, w.group, w.topic), want) })
}

// publish writes one record for each value to a partition.
func (w *world) publish(partition int32, values ...string) {
	w.t.Helper()
	var records []kafkatest.Record
	for _, v := range values {
		records = append(records, kafkatest.Record{Topic: w.topic, Partition: partition, Value: []byte(v)})
	}
	w.Produce(w.t, records...)
}

// repeats are the records that were taken more than once.
func (w *world) repeats() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, n := range w.takes {
		if n > 1 {
			names = append(names, at.String())
		}
	}
	slices.Sort(names)
	return names
}

// client is another client than the one under test.
func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.Addrs()...), kgo.Dialer(w.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

func (w *world) addPartitions(count int32) {
	w.t.Helper()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = w.topic, count
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = append(req.Topics, topic)
	if _, err := req.RequestWith(w.t.Context(), w.client()); err != nil {
		w.t.Fatal(err)
	}
}

// deleteRecords deletes those before the offset, as retention does.
func (w *world) deleteRecords(partition int32, offset int64) {
	w.t.Helper()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = w.topic
	topic.Partitions = append(topic.Partitions, p)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, topic)
	if _, err := req.RequestWith(w.t.Context(), w.client()); err != nil {
		w.t.Fatal(err)
	}
}

// recreate deletes the topic and makes it anew, empty.
func (w *world) recreate(partitions int32) {
	w.t.Helper()
	if err := w.DeleteTopic(w.t.Context(), w.topic); err != nil {
		w.t.Fatal(err)
	}
	w.until("topic made anew", func() bool { return w.CreateTopic(w.t.Context(), w.topic, partitions, nil) == nil })
}

// journal keeps a log.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

func (j *journal) count(s string) int { return strings.Count(j.text(), s) }

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := consumer.Config{Connection: consumer.Connection{Brokers: []string{"localhost:9092"}}, Group: "g", Topics: []string{"t"}}
	for rule, test := range map[string]struct {
		change func(*consumer.Config)
		want   string
	}{
		"brokers are named":                   {func(c *consumer.Config) { c.Connection.Brokers = nil }, "consumer: no brokers"},
		"a group is named":                    {func(c *consumer.Config) { c.Group = "" }, "consumer: no group"},
		"topics are named":                    {func(c *consumer.Config) { c.Topics = nil }, "consumer: no topics"},
		"a fetch fits the protocol's integer": {func(c *consumer.Config) { c.FetchBytes = 1 << 31 }, "consumer: fetch 2147483648 bytes: want 0 to 2147483647"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := good
			test.change(&cfg)
			if _, err := consumer.New(cfg); err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func TestRunRefusesTimesThatTheProtocolCannotExpress(t *testing.T) {
	t.Parallel()
	c, err := consumer.New(consumer.Config{
		Connection: consumer.Connection{Brokers: []string{"localhost:9092"}}, Group: "g", Topics: []string{"t"},
		DrainTimeout: 30 * 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Run(t.Context(), nil); err == nil {
		t.Error("no error")
	}
}
