package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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

func TestALetterWithoutATimeDoesNotHideThoseBehindIt(t *testing.T) {
	d := newDesk(loopback(t, 2, kept))
	none, seconds := d.at(0, 0), d.at(1, 0)
	none.Timestamp, seconds.Timestamp = time.UnixMilli(-1), time.UnixMilli(1700000000)
	d.Produce(t, d.at(0, 1), d.at(0, 5), none, d.at(1, 2), seconds, d.at(1, 4))
	if got, want := names(d.all(deadletter.Query{})), "0/2 0/1 1/2 1/1 1/0 0/0"; got != want {
		t.Errorf("newest first: %s, want %s", got, want)
	}
	if got, want := names(d.all(oldestFirst)), "0/0 1/0 1/1 1/2 0/1 0/2"; got != want {
		t.Errorf("oldest first: %s, want %s", got, want)
	}
	for want, f := range map[string]deadletter.Filter{
		"1/2 0/1": {Since: d.at(0, 3).Timestamp}, "0/0 1/0": {Until: d.at(0, 3).Timestamp},
	} {
		if got := names(d.all(deadletter.Query{OldestFirst: true, Filter: f})); got != want {
			t.Errorf("since %v until %v: %s, want %s", f.Since, f.Until, got, want)
		}
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
