package consumer_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestARecordIsTakenAsItWasWritten(t *testing.T) {
	w := loopback(t, 1)
	w.topic += "-kept"
	if err := w.CreateTopic(t.Context(), w.topic, 1, map[string]string{"retention.ms": "-1"}); err != nil { // or old records go
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	written := w.Produce(t,
		kafkatest.Record{Topic: w.topic, Timestamp: at, Key: []byte("openid"), Value: []byte(`{"a": 1e0}`)},
		kafkatest.Record{Topic: w.topic, Timestamp: at, Key: nil, Value: []byte{}},
		kafkatest.Record{Topic: w.topic, Timestamp: at, Key: []byte{}, Value: nil},
		kafkatest.Record{Topic: w.topic, Timestamp: at.Add(-time.Hour), Headers: []kafkatest.Header{
			{Key: "twice", Value: []byte("1")}, {Key: "between", Value: []byte{}}, {Key: "twice", Value: []byte("2")},
		}},
	)
	m := w.join()
	w.untilTaken(m, len(written))
	for i, got := range m.records() {
		want := written[i]
		if got.Offset != want.Offset || !got.Time.Equal(want.Timestamp) || got.Partition.Topic != w.topic || got.Partition.ID != 0 {
			t.Errorf("record %d is %s of %v, want offset %d of %v", i, placeOf(got), got.Time, want.Offset, want.Timestamp)
		}
		if !same(got.Key, want.Key) || !same(got.Value, want.Value) {
			t.Errorf("record %d: key %#v, value %#v; want %#v, %#v", i, got.Key, got.Value, want.Key, want.Value)
		}
		if !slices.EqualFunc(got.Headers, want.Headers, func(a consumer.Header, b kafkatest.Header) bool {
			return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
		}) {
			t.Errorf("record %d has the headers %v, want %v", i, got.Headers, want.Headers)
		}
	}
	if size := m.records()[3].Size(); size != len("twice1betweentwice2")+3*40 /* a header is a string and a slice */ {
		t.Errorf("the last record has the size %d", size)
	}
}

// same tells nil from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestBatchesOfEveryCompressionAreTaken(t *testing.T) {
	w := loopback(t, 1)
	var want []string
	for codec, c := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		value := strings.Repeat(codec+" ", 10_000)
		want = append(want, value)
		client := w.client(kgo.ProducerBatchCompression(c))
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	m := w.join()
	w.untilTaken(m, len(want))
	if !slices.Equal(m.values(), want) {
		t.Error("other values were taken than were written")
	}
}

func TestOfABatchOnlyTheTailThatIsNotCommittedIsTaken(t *testing.T) {
	w := loopback(t, 1)
	var batch []*kgo.Record
	for i := range 10 {
		batch = append(batch, &kgo.Record{Topic: w.topic, Value: fmt.Append(nil, i)})
	}
	client := w.client(kgo.ProducerLinger(time.Second), kgo.ManualFlushing())
	for _, r := range batch {
		client.Produce(t.Context(), r, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := w.join(func(_ *consumer.Config, m *member) {
		m.held = func(r consumer.Record) bool { return r.Offset >= 4 }
	})
	w.untilTaken(first, 10)
	first.stop()
	w.untilCommitted(map[int32]int64{0: 4})
	second := w.join()
	w.untilTaken(second, 6)
	if got := strings.Join(second.values(), ""); got != "456789" {
		t.Errorf("taken %s", got)
	}
}

func TestManyRecordsAreTakenOnceAndInOrder(t *testing.T) {
	w := loopback(t, 3)
	value := bytes.Repeat([]byte("x"), 1000)
	var records []kafkatest.Record
	for i := range 3000 {
		records = append(records, kafkatest.Record{Topic: w.topic, Partition: int32(i % 3), Value: value})
	}
	w.Produce(t, records...)
	m := w.join(func(cfg *consumer.Config, _ *member) { cfg.FetchBytes = 20_000 })
	w.untilTaken(m, len(records))
	next := map[int]int64{}
	for _, r := range m.records() {
		if r.Offset != next[r.Partition.ID] {
			t.Fatalf("%s was taken in the place of %d", placeOf(r), next[r.Partition.ID])
		}
		next[r.Partition.ID]++
	}
	m.stop()
	if want := (map[int32]int64{0: 1000, 1: 1000, 2: 1000}); !maps.Equal(w.Committed(t, w.group, w.topic), want) {
		t.Errorf("committed %v", w.Committed(t, w.group, w.topic))
	}
}

func TestARecordOfTenMebibytesIsTakenWhole(t *testing.T) {
	w := loopback(t, 1)
	w.topic += "-large"
	if err := w.CreateTopic(t.Context(), w.topic, 1, map[string]string{"max.message.bytes": "20000000"}); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 10<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(value)
	client := w.client(kgo.ProducerBatchMaxBytes(20_000_000))
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.publish(0, "after")
	m := w.join(func(cfg *consumer.Config, _ *member) { cfg.FetchBytes = 64 << 10 })
	w.untilTaken(m, 2)
	if !bytes.Equal(m.records()[0].Value, value) {
		t.Error("another value was taken")
	}
}

func TestWhileARecordHasNoRoomNoMoreIsFetchedOfItsPartition(t *testing.T) {
	w := loopback(t, 2)
	w.publish(0, "a", "b")
	w.publish(1, "c")
	room := make(chan struct{})
	m := w.join(func(_ *consumer.Config, m *member) {
		m.held = func(r consumer.Record) bool {
			if r.Partition.ID == 0 {
				<-room
			}
			return false
		}
	})
	w.untilTaken(m, 3)
	w.publish(0, "later")
	w.publish(1, "d")
	w.untilTaken(m, 4)
	if got := strings.Join(m.values(), " "); got != "a b c d" {
		t.Errorf("taken %s", got)
	}
	close(room)
	w.untilTaken(m, 5)
}

// transactions writes one transaction after the other, each with the values and as it says committed or aborted.
func (w *world) transaction(client *kgo.Client, commit kgo.TransactionEndTry, values ...string) {
	w.t.Helper()
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for _, v := range values {
		if err := client.ProduceSync(w.t.Context(), &kgo.Record{Topic: w.topic, Value: []byte(v)}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := client.EndTransaction(w.t.Context(), commit); err != nil {
		w.t.Fatal(err)
	}
}

func TestOfTransactionsOnlyTheCommittedAreTaken(t *testing.T) {
	w := loopback(t, 1)
	one, two := w.client(kgo.TransactionalID(kafkatest.Name(t)), kgo.TransactionTimeout(10*time.Minute)), w.client(kgo.TransactionalID(kafkatest.Name(t)), kgo.TransactionTimeout(10*time.Minute))
	w.transaction(one, kgo.TryCommit, "a", "b")
	w.transaction(one, kgo.TryAbort, "never", "never")
	// The transactions of two producers overlap.
	if err := two.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := two.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Value: []byte("never")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.transaction(one, kgo.TryCommit, "c")
	if err := two.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	w.publish(0, "outside")
	w.transaction(two, kgo.TryCommit, "d")
	w.transaction(one, kgo.TryAbort, "never")

	m := w.join()
	w.untilTaken(m, 5)
	w.untilCommitted(map[int32]int64{0: 9 + 6}) // records and markers: past the last of them no lag is left over
	if got := strings.Join(m.values(), " "); got != "a b c outside d" {
		t.Errorf("taken %s", got)
	}
	w.until("nothing is left", func() bool { lag := m.Lag()[0]; return lag.Lag == 0 && lag.Pending == 0 })
}

func TestATransactionIsTakenOnceItIsCommitted(t *testing.T) {
	w := loopback(t, 1)
	client := w.client(kgo.TransactionalID(kafkatest.Name(t)), kgo.TransactionTimeout(10*time.Minute))
	m := w.join()
	w.until("joined", m.Joined)
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Value: []byte("a")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.until("the end of the log is known", func() bool { l := m.Lag(); return len(l) == 1 && l[0].End == 1 })
	if got := m.values(); len(got) > 0 {
		t.Errorf("taken %v of a transaction that is open", got)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	w.untilTaken(m, 1)
}

func TestWhatCompactionHasRemovedIsPassed(t *testing.T) {
	w := loopback(t, 1)
	fake := w.RequireKfake(t)
	w.topic += "-compacted"
	if err := w.CreateTopic(t.Context(), w.topic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		w.Produce(t, kafkatest.Record{Topic: w.topic, Key: fmt.Append(nil, "key", i%3), Value: fmt.Append(nil, i)})
	}
	fake.Compact()
	want := w.ReadAll(t, w.topic)
	if len(want) >= 50 {
		t.Fatal("nothing was compacted")
	}
	m := w.join()
	w.untilCommitted(map[int32]int64{0: 50})
	if got := m.records(); !slices.EqualFunc(got, want, func(a consumer.Record, b kafkatest.Record) bool { return a.Offset == b.Offset }) {
		t.Errorf("%d records were taken, want %d", len(got), len(want))
	}
}

func TestWhatRetentionDeletedBeforeItWasTakenIsSaid(t *testing.T) {
	w := loopback(t, 1)
	w.publish(0, "a", "b")
	first := w.join()
	w.untilTaken(first, 2)
	first.stop()
	w.publish(0, "lost", "lost", "kept")
	w.deleteRecords(0, 4)
	second := w.join()
	w.untilTaken(second, 1)
	w.untilCommitted(map[int32]int64{0: 5})
	if got := second.values(); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("taken %v", got)
	}
	if n := w.log.count("level=ERROR msg=\"records were deleted by retention before they were taken\""); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestALeaderThatMovesIsFollowed(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		fake := w.RequireKfake(w.t)
		for i := range 6 {
			if err := fake.MoveTopicPartition(w.topic, 0, int32(i%3)); err != nil {
				w.t.Fatal(err)
			}
			w.publish(0, fmt.Sprint(i))
			w.untilTaken(m, i+1)
		}
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
	})
}

func TestABrokerThatIsGoneForAnHourIsWaitedFor(t *testing.T) {
	virtual(t, 2, func(w *world) {
		m := w.join()
		w.publish(0, "a")
		w.untilTaken(m, 1)
		w.untilCommitted(map[int32]int64{0: 1, 1: 0})
		w.Sever()
		time.Sleep(time.Hour)
		if lines := strings.Count(w.log.text(), "\n"); lines > 300 {
			w.t.Errorf("the outage of an hour took %d lines of log", lines)
		}
		if w.log.count("level=WARN") == 0 {
			w.t.Error("the outage was not said")
		}
		w.Restore()
		w.publish(0, "b")
		w.publish(1, "c")
		w.untilTaken(m, 3)
		w.untilCommitted(map[int32]int64{0: 2, 1: 1})
		if r := w.repeats(); len(r) > 0 {
			w.t.Errorf("taken twice: %v", r)
		}
	})
}

func TestAPartitionThatCannotBeReadLeavesTheOthers(t *testing.T) {
	for rule, keys := range map[string][]kmsg.Key{
		"its begin is not known": {kmsg.ListOffsets},
		"it cannot be fetched":   {kmsg.Fetch},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 3, func(w *world) {
				fault := w.RequireKfake(w.t).Fault(kfake.Fault{
					Keys: keys, Topic: w.topic, Partitions: []int32{1}, Err: kerr.KafkaStorageError, Count: -1,
				})
				for p := range int32(3) {
					w.publish(p, fmt.Sprint(p))
				}
				m := w.join()
				w.untilTaken(m, 2)
				time.Sleep(5 * time.Minute)
				if got := strings.Join(m.values(), " "); got != "0 2" {
					w.t.Errorf("taken %s", got)
				}
				if n := w.log.count("partition cannot be fetched, trying again"); n < 5 || n > 7 {
					w.t.Errorf("said %d times in five minutes", n)
				}
				fault.Remove()
				w.untilTaken(m, 3)
				w.until("the end of the trouble is said", func() bool { return w.log.count("partition is fetched again") == 1 })
			})
		})
	}
}

func TestFetchReturnsAtOnceWhenItsContextEnds(t *testing.T) {
	virtual(t, 1, func(w *world) {
		var open atomic.Int32
		m := w.join(func(cfg *consumer.Config, _ *member) {
			cfg.FetchWait = 30 * time.Second
			cfg.Connection.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := w.Dial(ctx, network, address)
				if err == nil {
					open.Add(1)
					conn = &counted{Conn: conn, closed: sync.OnceFunc(func() { open.Add(-1) })}
				}
				return conn, err
			}
		})
		w.until("joined", m.Joined)
		time.Sleep(time.Second) // a fetch is under way
		begin := time.Now()
		m.stop()
		if took := time.Since(begin); took > time.Second {
			w.t.Errorf("it took %v to stop", took)
		}
		w.rest() // nobody waits for its answer any more
		if n := open.Load(); n != 0 {
			w.t.Errorf("%d connections are left open", n)
		}
	})
}

// counted is a connection that tells when it is closed.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}
