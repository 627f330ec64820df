package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// names lists the offsets of entries as partition/offset.
func names(entries []deadletter.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprintf("%d/%d", e.Name.Partition, e.Name.Offset))
	}
	return strings.Join(all, " ")
}

// kept are the settings of a topic whose records are too old for a broker's default: else it deletes them when it looks
// for such, every few minutes.
var kept = settings{"retention.ms": "-1"}

// at makes a record of a time, in seconds, for a partition of the desk's topic. It needs the topic to be [kept].
func (d *desk) at(partition int32, second int64) kafkatest.Record {
	return kafkatest.Record{
		Topic: d.topic, Partition: partition, Timestamp: time.Unix(1700000000+second, 0), Value: []byte("value"),
	}
}

func TestLettersComeByTimeAndEachPartitionInItsOrder(t *testing.T) {
	d := newDesk(loopback(t, 3, kept))
	d.Produce(t, d.at(0, 1), d.at(0, 5), d.at(0, 3), d.at(1, 2), d.at(1, 4), d.at(1, 6))
	if got, want := names(d.all(oldestFirst)), "0/0 1/0 1/1 0/1 0/2 1/2"; got != want {
		t.Errorf("oldest first: %s, want %s", got, want)
	}
	if got, want := names(d.all(deadletter.Query{})), "1/2 1/1 0/2 0/1 1/0 0/0"; got != want {
		t.Errorf("newest first: %s, want %s", got, want)
	}
	since := deadletter.Query{OldestFirst: true, Filter: deadletter.Filter{Since: d.at(0, 4).Timestamp, Until: d.at(0, 6).Timestamp}}
	if got, want := names(d.all(since)), "1/1 0/1"; got != want {
		t.Errorf("since and until: %s, want %s", got, want)
	}
}

// What is read must not depend on how it lies in batches, windows and gaps.
func TestBothOrdersReadEachCommittedRecordOnce(t *testing.T) {
	d := newDesk(loopback(t, 2, settings{"max.message.bytes": "3000000", "retention.ms": "-1"}))
	client, err := kgo.NewClient(
		kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID(d.topic), kgo.ProducerBatchMaxBytes(3000000), kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]int{}
	for i := range 40 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		commit := kgo.TransactionEndTry(random.IntN(4) > 0)
		bytes := []int{10, 1000, 100_000}[random.IntN(3)]
		var records []*kgo.Record
		for j := range 1 + random.IntN(60) {
			if bytes == 100_000 && j > 20 {
				break
			}
			r := &kgo.Record{
				Topic: d.topic, Partition: random.Int32N(2), Key: fmt.Appendf(nil, "%d-%d", i, j), Value: make([]byte, bytes),
				Timestamp: time.Unix(1700000000+int64(i), 0),
			}
			records = append(records, r)
			if commit {
				want[string(r.Key)] = 1
			}
		}
		if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	d.committed(d.topic) // waits for the end of the last
	for _, q := range []deadletter.Query{{}, {OldestFirst: true}} {
		var reads, total int64
		q.Progress = func(r, n int64) {
			if r < reads || r > n {
				t.Errorf("progress from %d to %d of %d", reads, r, n)
			}
			reads, total = r, n
		}
		got := map[string]int{}
		last := map[int]int64{0: -1, 1: -1}
		for e, err := range d.Letters(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			got[string(e.Letter.Key)]++
			if before := last[e.Name.Partition]; before >= 0 && (e.Name.Offset > before) != q.OldestFirst {
				t.Errorf("%s after %d", e.Name, before)
			}
			last[e.Name.Partition] = e.Name.Offset
		}
		for key := range want {
			if got[key] != 1 {
				t.Errorf("oldest first %v: %s is read %d times", q.OldestFirst, key, got[key])
			}
		}
		if len(got) != len(want) {
			t.Errorf("oldest first %v: %d are read, want %d", q.OldestFirst, len(got), len(want))
		}
		if reads != total || total == 0 {
			t.Errorf("progress ends with %d of %d", reads, total)
		}
	}
}

func TestAReaderMayStopAtAnyTime(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(500, 100)...)
	for _, q := range []deadletter.Query{{}, {OldestFirst: true}} {
		for e, err := range d.Letters(t.Context(), q) {
			if err != nil || e.Name.Topic != d.topic {
				t.Errorf("%v, %v", e.Name, err)
			}
			break
		}
	}
}

func TestWhatIsWrittenMeanwhileIsNotRead(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letters(3, 50)...)
	n := 0
	for _, err := range d.Letters(t.Context(), oldestFirst) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		d.write(letter("more", "value"))
	}
	if n != 3 {
		t.Errorf("%d letters are read", n)
	}
}

func TestLettersKnowWhatWasDoneAboutThem(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(20, 50)...)
	entries := d.all(oldestFirst)
	r := d.resolver("run")
	if _, err := r.Replay(t.Context(), d.replays(entries[:5])...); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Discard(t.Context(), "why", entries[5:8]...); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[deadletter.State]int{
		"": 12, deadletter.Pending: 12, deadletter.Replayed: 5, deadletter.Discarded: 3, deadletter.AnyState: 20,
	} {
		got := d.all(deadletter.Query{Filter: deadletter.Filter{State: state}})
		if len(got) != want {
			t.Errorf("state %q: %d letters, want %d", state, len(got), want)
		}
		for _, e := range got {
			if state != "" && state != deadletter.AnyState && e.State != state {
				t.Errorf("%s is %s, asked for %s", e.Name, e.State, state)
			}
		}
	}
	// A tombstone takes back what was done; what is no resolution does nothing.
	resolutions := deadletter.ResolutionTopic(d.topic)
	d.takeBack(resolutions, entries[0].Name.String(), nil)
	d.takeBack(resolutions, entries[1].Name.String(), []byte("by hand"))
	d.takeBack(resolutions, "anything", []byte(`{"state":"replayed"}`))
	if got := d.all(deadletter.Query{}); len(got) != 13 {
		t.Errorf("%d letters are pending", len(got))
	}
}

func (d *desk) takeBack(topic, key string, value []byte) {
	d.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial))
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(d.t.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
}

func TestWithoutATopicOfResolutionsAllArePending(t *testing.T) {
	w := loopback(t, 1, nil)
	w.write(letters(3, 50)...)
	d := &desk{world: w}
	d.Store = d.open()
	entries := d.all(oldestFirst)
	if len(entries) != 3 {
		t.Errorf("%d letters are pending", len(entries))
	}
	if history, err := d.History(t.Context(), entries[0]); err != nil || history != nil {
		t.Errorf("history %v, error %v", history, err)
	}
	if _, err := d.Resolver(t.Context(), deadletter.Run{}); !errors.Is(err, deadletter.ErrNoTopic) || !strings.Contains(err.Error(), w.topic+".resolutions") {
		t.Errorf("error %v", err)
	}
}

func TestForeignRecordsAreEntriesThatSayWhy(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	bare := kafkatest.Record{Topic: d.topic, Key: []byte("k"), Value: []byte{0xff}, Headers: []kafkatest.Header{{Key: "a", Value: []byte("1")}}}
	broken := bare
	broken.Headers = []kafkatest.Header{{Key: deadletter.HeaderReason, Value: []byte("whim")}}
	d.Produce(t, bare, broken)
	entries := d.all(oldestFirst)
	for i, want := range []string{"it has no header deadletter.*", `header deadletter.reason is "whim": want one of the reasons there are`} {
		if got := entries[i]; got.Foreign != want || string(got.Letter.Value) != "\xff" || len(got.Letter.Headers) != 1 {
			t.Errorf("%s is foreign since %q, want %q", got.Name, got.Foreign, want)
		}
	}
}

func TestGetSaysWhyThereIsNoLetter(t *testing.T) {
	d := newDesk(loopback(t, 2, kept))
	for range 20 {
		d.Produce(t, d.at(0, 1), d.at(0, 2))
	}
	d.deleteBefore(0, 7)
	name := func(partition int, offset int64) deadletter.Name {
		return deadletter.Name{Topic: d.topic, Partition: partition, Offset: offset}
	}
	if e, err := d.Get(t.Context(), name(0, 8)); err != nil || e.Name != name(0, 8) {
		t.Errorf("entry %v, error %v", e.Name, err)
	}
	for rule, test := range map[string]struct {
		name deadletter.Name
		want error
	}{
		"the topic has deleted it":  {name(0, 6), deadletter.ErrExpired},
		"it is still to come":       {name(0, 40), deadletter.ErrNotFound},
		"the partition is empty":    {name(1, 0), deadletter.ErrNotFound},
		"there is no partition":     {name(7, 0), deadletter.ErrNotFound},
		"it is of another topic":    {deadletter.Name{Topic: "another"}, deadletter.ErrNotFound},
		"it names nothing":          {deadletter.Name{}, deadletter.ErrNotFound},
		"the partition is negative": {name(-1, 0), deadletter.ErrNotFound},
	} {
		if _, err := d.Get(t.Context(), test.name); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v", rule, err)
		}
	}
	var expired *deadletter.ExpiredError
	if _, err := d.Get(t.Context(), name(0, 0)); !errors.As(err, &expired) || expired.First != 7 || expired.Name != name(0, 0) {
		t.Errorf("error %v", err)
	}
	if got := len(d.all(oldestFirst)); got != 33 {
		t.Errorf("%d letters are read", got)
	}
}

// deleteBefore makes the log begin there, as retention does.
func (d *desk) deleteBefore(partition int32, offset int64) {
	d.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.Addrs()...), kgo.Dialer(d.Dial))
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = d.topic, append(topic.Partitions, p)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 10000
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(d.t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestRetentionMayDeleteWhatIsBeingRead(t *testing.T) {
	for _, q := range []deadletter.Query{{}, {OldestFirst: true}} {
		t.Run(fmt.Sprintf("oldest first %v", q.OldestFirst), func(t *testing.T) {
			d := newDesk(loopback(t, 1, nil))
			for range 8 {
				d.write(letters(100, 20_000)...) // many windows
			}
			var last deadletter.Entry
			n := 0
			for e, err := range d.Letters(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 10 {
					d.deleteBefore(0, 600)
				}
				last = e
			}
			if q.OldestFirst && (last.Name.Offset != 799 || n == 800) || !q.OldestFirst && n < 200 {
				t.Errorf("%d are read, the last %s", n, last.Name)
			}
		})
	}
}

func TestATopicThatIsMissingOrForbiddenIsNamed(t *testing.T) {
	b := kafkatest.Start(t)
	s, err := deadletter.Open(connection(b), "missing")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	get := func() error {
		for _, err := range s.Letters(t.Context(), deadletter.Query{}) {
			return err
		}
		return nil
	}
	if err := get(); !errors.Is(err, deadletter.ErrNoTopic) || err.Error() != "topic missing: there is no such topic" {
		t.Errorf("error %v", err)
	}
	if _, err := s.Get(t.Context(), deadletter.Name{Topic: "missing"}); !errors.Is(err, deadletter.ErrNoTopic) {
		t.Errorf("error %v", err)
	}
	fake := b.RequireKfake(t)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "missing", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if err := get(); !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), "describe topic missing: ") {
		t.Errorf("error %v", err)
	}
}

func TestABrokerThatIsGoneForAWhileIsWaitedForInTheMiddle(t *testing.T) {
	for outage, wait := range map[time.Duration]bool{20 * time.Second: true, time.Hour: false} {
		t.Run(outage.String(), func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				d := newDesk(w)
				d.write(letters(400, 10_000)...)
				n := 0
				var failure error
				begin := time.Now()
				for _, err := range d.Letters(w.t.Context(), oldestFirst) {
					if failure = err; err == nil {
						n++
					}
					if n == 1 {
						d.Sever()
						time.AfterFunc(outage, d.Restore)
					}
				}
				if wait && (n != 400 || failure != nil) {
					w.t.Errorf("%d are read, error %v", n, failure)
				}
				if !wait && (failure == nil || time.Since(begin) > time.Minute) {
					w.t.Errorf("after %v: error %v", time.Since(begin), failure)
				}
				d.Restore()
			})
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		d := newDesk(w)
		d.write(letters(400, 10_000)...)
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		var failure error
		for _, err := range d.Letters(ctx, oldestFirst) {
			failure = err
			d.Sever()
		}
		if !errors.Is(failure, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
			w.t.Errorf("after %v: error %v", time.Since(begin), failure)
		}
	})
}

func TestLettersAreReadOverTLSAndSASL(t *testing.T) {
	t.Parallel()
	secure := kafkatest.StartSecure(t)
	mutual, err := consumer.TLSFiles{CA: secure.CAFile, Cert: secure.CertFile, Key: secure.KeyFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	oneSided, err := consumer.TLSFiles{CA: secure.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	conns := map[string]consumer.Connection{"mutual TLS": {Brokers: secure.TLSAddrs, TLS: mutual}}
	for _, name := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		mechanism, err := consumer.SASL(name, secure.Username, secure.Password)
		if err != nil {
			t.Fatal(err)
		}
		conns[name] = consumer.Connection{Brokers: secure.SASLAddrs, TLS: oneSided, SASL: mechanism}
	}
	for rule, conn := range conns {
		t.Run(rule, func(t *testing.T) {
			topic := kafkatest.Name(t)
			client := conn.Client()
			defer consumer.CloseClient(client)
			for _, name := range []string{topic, topic + ".resolutions", topic + ".replay"} {
				if _, err := deadletter.EnsureTopic(t.Context(), client, name, ""); err != nil {
					t.Fatal(err)
				}
			}
			writer := newWriter(t, conn, discard)
			write(t, writer, topic, letter("key", "value"))
			s, err := deadletter.Open(conn, topic)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r, err := s.Resolver(t.Context(), deadletter.Run{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for e, err := range s.Letters(t.Context(), deadletter.Query{}) {
				if err != nil {
					t.Fatal(err)
				}
				if done, err := r.Replay(t.Context(), deadletter.Replay{Entry: e, Topic: topic + ".replay"}); err != nil || len(done.Resolved) != 1 {
					t.Errorf("%s, error %v", summary(done), err)
				}
			}
		})
	}
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		return // the fake one just hangs up on a wrong password, which is tried again for a while
	}
	wrong, err := consumer.SASL("plain", secure.Username, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	s, err := deadletter.Open(consumer.Connection{Brokers: secure.SASLAddrs, TLS: oneSided, SASL: wrong}, "any")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err = s.Get(t.Context(), deadletter.Name{Topic: "any"}); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a wrong password: error %v", err)
	}
}

func TestNamesAreFoundWithoutReadingAll(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(1000, 100)...)
	all := d.all(oldestFirst)
	some := []deadletter.Name{all[500].Name, all[503].Name, {Topic: "another", Offset: 3}, {Topic: d.topic, Partition: 9}, {Topic: d.topic, Offset: 1 << 40}}
	var total int64
	got := d.all(deadletter.Query{
		OldestFirst: true, Filter: deadletter.Filter{Names: some[:4]}, Progress: func(_, n int64) { total = n },
	})
	if want := []deadletter.Entry{all[500], all[503]}; names(got) != names(want) {
		t.Errorf("got %s, want %s", names(got), names(want))
	}
	if total > 10 {
		t.Errorf("%d letters are looked at", total)
	}
	if got := d.all(deadletter.Query{Filter: deadletter.Filter{Names: some}}); len(got) != 2 {
		t.Errorf("got %s", names(got))
	}
	if got := d.all(deadletter.Query{Filter: deadletter.Filter{Names: some[2:]}}); len(got) != 0 {
		t.Errorf("got %s", names(got))
	}
}

func TestAnEndlessConditionEndsWithItsContext(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	for range 20 {
		d.write(letter("player", "1"))
	}
	where, err := deadletter.CompileWhere("def f: f; f")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := 0
	q := deadletter.Query{Filter: deadletter.Filter{Where: where}, Failed: func(deadletter.Name, error) { // of the first, after a second
		failed++
		cancel()
	}}
	var last error
	for _, last = range d.Letters(ctx, q) {
	}
	if !errors.Is(last, context.Canceled) || failed != 1 {
		t.Errorf("it ended with %v after it had failed on %d letters", last, failed)
	}
}
