package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestMain(m *testing.M) {
	if argument := os.Getenv(replayVariable); argument != "" { // this process is one to be killed
		if err := replayProcess(argument); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var discard = slog.New(slog.DiscardHandler)

// world is a broker with a topic for dead letters, and a writer.
type world struct {
	*kafkatest.Broker
	*deadletter.Writer
	t     *testing.T
	topic string
	log   journal
}

// settings are those of the topic, in Kafka's words.
type settings map[string]string

// loopback gives a broker in real time: the fake one or a real cluster.
func loopback(t *testing.T, partitions int32, s settings) *world {
	t.Helper()
	t.Parallel()
	return newWorld(t, kafkatest.Start(t), partitions, s)
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, partitions int32, s settings, test func(w *world)) {
	t.Helper()
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) { test(newWorld(t, b, partitions, s)) })
}

func newWorld(t *testing.T, b *kafkatest.Broker, partitions int32, s settings) *world {
	t.Helper()
	w := &world{Broker: b, t: t, topic: kafkatest.Name(t)}
	w.Writer = newWriter(t, connection(b), slog.New(slog.NewTextHandler(&w.log, nil)))
	if partitions > 0 {
		w.create(partitions, s)
	}
	return w
}

func newWriter(t *testing.T, conn consumer.Connection, log *slog.Logger) *deadletter.Writer {
	t.Helper()
	w, err := deadletter.NewWriter(conn, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func connection(b *kafkatest.Broker) consumer.Connection {
	return consumer.Connection{Brokers: b.Addrs(), Dial: b.Dial}
}

func (w *world) create(partitions int32, s settings) {
	w.t.Helper()
	if err := w.CreateTopic(w.t.Context(), w.topic, partitions, s); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(letters ...deadletter.Letter) {
	w.t.Helper()
	write(w.t, w.Writer, w.topic, letters...)
}

// write writes letters, and tells what is in the way rather than run into the time limit of all tests.
func write(t *testing.T, w *deadletter.Writer, topic string, letters ...deadletter.Letter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	if left, err := w.Write(ctx, topic, letters...); err != nil || len(left) > 0 {
		t.Fatalf("letters %v are left: %v", left, err)
	}
}

// fails is the error of a write.
func fails(_ []int, err error) error { return err }

// produced counts the produce requests from now on.
func (w *world) produced() *kfake.FaultHandle {
	return w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
}

// letters makes n letters of so many bytes, each with a key and a value of its own.
func letters(n, bytes int) []deadletter.Letter {
	out := make([]deadletter.Letter, n)
	for i := range out {
		value := fmt.Sprintf("value %03d ", i)
		out[i] = letter(fmt.Sprintf("key %03d", i), value+strings.Repeat("x", bytes-len(value)))
	}
	return out
}

var offset atomic.Int64

// letter is of a record of its own.
func letter(key, value string) deadletter.Letter {
	return deadletter.Letter{
		Key: []byte(key), Value: []byte(value), Headers: []consumer.Header{{Key: "appid", Value: []byte("wx1")}},
		Reason: deadletter.Exhausted, Source: deadletter.Source{Topic: "source", Offset: offset.Add(1), Time: time.UnixMilli(0)}, Time: time.Now(),
	}
}

// expectEachOnce checks that the topic holds each letter whole, and once.
func (w *world) expectEachOnce(want []deadletter.Letter) {
	w.t.Helper()
	times := map[string]int{}
	for _, r := range w.ReadAll(w.t, w.topic) {
		if omitted(r) != "" {
			w.t.Errorf("the letter %s lies there without %s", r.Key, omitted(r))
		}
		times[string(r.Key)+"="+string(r.Value)]++
	}
	for _, l := range want {
		if n := times[string(l.Key)+"="+string(l.Value)]; n != 1 {
			w.t.Errorf("the letter %s lies there %d times", l.Key, n)
		}
	}
	if len(times) != len(want) {
		w.t.Errorf("%d letters lie there, %d were written", len(times), len(want))
	}
}

// omitted lists what a letter says is omitted.
func omitted(r kafkatest.Record) string {
	var names []string
	for _, h := range r.Headers {
		if string(h.Value) == "omitted" {
			names = append(names, h.Key)
		}
	}
	return strings.Join(names, " ")
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

func (j *journal) count(s string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.b.String(), s)
}

const (
	saysTrouble = "level=ERROR msg=\"dead letters cannot be written, trying again until they can\""
	saysOver    = "level=INFO msg=\"dead letters are written again\""
)

func TestALetterIsTheRecordUnchangedAndExplained(t *testing.T) {
	w := loopback(t, 1, nil)
	for rule, l := range map[string]deadletter.Letter{
		"bytes":              {Key: []byte{0, 0xff}, Value: []byte("not {JSON\x00"), Reason: deadletter.InvalidJSON},
		"null key and value": {Reason: deadletter.UnknownApp},
		"empty, not null":    {Key: []byte{}, Value: []byte{}, Headers: []consumer.Header{{Key: "h", Value: []byte{}}}},
	} {
		w.write(l)
		all := w.ReadAll(t, w.topic)
		r := all[len(all)-1]
		if !same(r.Key, l.Key) || !same(r.Value, l.Value) {
			t.Errorf("%s: key %#v, value %#v lie there", rule, r.Key, r.Value)
		}
		if len(l.Headers) > 0 && (r.Headers[0].Key != "h" || len(r.Headers[0].Value) > 0) {
			t.Errorf("%s: headers %v lie there", rule, r.Headers)
		}
		if i := slices.IndexFunc(r.Headers, func(h kafkatest.Header) bool { return h.Key == deadletter.HeaderReason }); string(r.Headers[i].Value) != string(l.Reason) {
			t.Errorf("%s: headers %v lie there", rule, r.Headers)
		}
	}
}

// same tells nil from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestALetterLiesInThePartitionThatOtherClientsChooseForItsKey(t *testing.T) {
	w := loopback(t, 7, nil)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(w.Addrs()...), kgo.Dialer(w.Dial), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // that of Java
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, l := range letters(30, 20) {
		other, err := client.ProduceSync(t.Context(), &kgo.Record{Topic: w.topic, Key: l.Key}).First()
		if err != nil {
			t.Fatal(err)
		}
		w.write(l)
		for _, r := range w.ReadAll(t, w.topic) {
			if bytes.Equal(r.Key, l.Key) && r.Partition != other.Partition {
				t.Errorf("%s lies in partition %d, another client chooses %d", r.Key, r.Partition, other.Partition)
			}
		}
	}
}

func TestWriteWaitsForAllReplicas(t *testing.T) {
	w := loopback(t, 1, nil)
	acks := make(chan int16, 10)
	w.RequireKfake(t).ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		acks <- r.(*kmsg.ProduceRequest).Acks
		return nil, nil, false
	})
	w.write(letters(1, 20)...)
	if got := <-acks; got != -1 {
		t.Errorf("asked for %d acknowledgements", got)
	}
}

func TestLettersTravelTogether(t *testing.T) {
	for rule, test := range map[string]struct {
		n, bytes, requests int
	}{
		"none need no request":              {0, 0, 0},
		"few, in one for each partition":    {256, 100, 4},
		"many bytes, in as few as can be":   {64, 100_000, 12},
		"what is large, alone":              {2, 1_000_000, 2},
		"and what is small beside it apart": {8, 500_000, 8},
	} {
		t.Run(rule, func(t *testing.T) {
			w := loopback(t, 4, nil)
			requests := w.produced()
			all := letters(test.n, max(test.bytes, 20))
			w.write(all...)
			if got := requests.Hits(); got > test.requests {
				t.Errorf("it took %d requests, want %d at most", got, test.requests)
			}
			w.expectEachOnce(all)
		})
	}
}

func TestOfABatchTooLargeEachLetterIsWrittenWholeAndOnce(t *testing.T) {
	w := loopback(t, 2, settings{"max.message.bytes": "20000"})
	all := letters(256, 500)
	w.write(all...)
	w.expectEachOnce(all)
	if w.log.count("MESSAGE_TOO_LARGE") > 0 {
		t.Error("it counts as trouble")
	}
}

func TestALetterTooLargeGoesInWithoutItsValueAndItsNeighboursWhole(t *testing.T) {
	w := loopback(t, 1, settings{"max.message.bytes": "20000"})
	all := letters(50, 500)
	large := letter("large", strings.Repeat("x", 30_000))
	w.write(slices.Insert(slices.Clone(all), 25, large)...)
	seen := 0
	for _, r := range w.ReadAll(t, w.topic) {
		if string(r.Key) != "large" {
			seen++
			if omitted(r) != "" || len(r.Value) != 500 {
				t.Errorf("%s lies there without %s", r.Key, omitted(r))
			}
			continue
		}
		if r.Value != nil || omitted(r) != deadletter.HeaderValue || r.Headers[0].Key != "appid" {
			t.Errorf("the large letter lies there with %d bytes and %v", len(r.Value), r.Headers)
		}
	}
	if total := len(w.ReadAll(t, w.topic)); seen != 50 || total != 51 {
		t.Errorf("%d letters lie there, %d of the small ones", total, seen)
	}
}

func TestALetterTooLargeForOnePartGoesInWithAllOthers(t *testing.T) {
	for part, test := range map[string]struct {
		key     string
		headers int
		want    string
	}{
		"headers": {"key", 10_000, "deadletter.headers"},
		"key":     {strings.Repeat("k", 10_000), 3, "deadletter.key"},
		"two":     {strings.Repeat("k", 10_000), 9_000, "deadletter.key deadletter.headers"},
	} {
		t.Run(part, func(t *testing.T) {
			w := loopback(t, 1, settings{"max.message.bytes": "5000"})
			l := letter(test.key, "value")
			l.Headers = append(l.Headers, consumer.Header{Key: "large", Value: make([]byte, test.headers)})
			w.write(l, letter("other", "value"))
			all := w.ReadAll(t, w.topic)
			if len(all) != 2 {
				t.Errorf("%d records lie there, want 2", len(all))
			}
			for _, r := range all {
				if string(r.Key) == "other" {
					continue
				}
				if omitted(r) != test.want || string(r.Value) != "value" || (r.Key == nil) != strings.Contains(test.want, "key") {
					t.Errorf("the letter lies there with key %.9q, value %q, without %s", r.Key, r.Value, omitted(r))
				}
			}
		})
	}
}

func TestATopicThatTakesNoLetterAtAllIsWaitedForAndThenTakesItWhole(t *testing.T) {
	virtual(t, 1, settings{"max.message.bytes": "100"}, func(w *world) {
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("key", "value"))) }()
		time.Sleep(10 * time.Minute)
		if !errors.Is(w.Err(), kerr.MessageTooLarge) {
			w.t.Errorf("Err says %v", w.Err())
		}
		w.alter("max.message.bytes", "2000000")
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}

// alter changes a setting of the topic.
func (w *world) alter(name, value string) {
	w.t.Helper()
	client := connection(w.Broker).Client()
	defer consumer.CloseClient(client)
	if _, err := client.IncrementalAlterConfigs(w.t.Context(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: w.topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	}); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhenAPartitionFailsOnlyItsLettersAreWrittenAgain(t *testing.T) {
	virtual(t, 4, nil, func(w *world) {
		w.RequireKfake(w.t).Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: w.topic, Partitions: []int32{2}, Err: kerr.NotEnoughReplicas, Count: 100,
		})
		all := letters(256, 100)
		w.write(all...)
		w.expectEachOnce(all)
		if n := w.log.count(saysTrouble); n < 5 || n > 10 { // 100 attempts, 5 s apart
			w.t.Errorf("the trouble was said %d times", n)
		}
		if n := w.log.count(saysOver); n != 1 {
			w.t.Errorf("its end was said %d times", n)
		}
	})
}

func TestATopicThatIsMissingIsWaitedFor(t *testing.T) {
	virtual(t, 0, nil, func(w *world) {
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("key", "value"))) }()
		time.Sleep(10*time.Minute + 30*time.Second)
		if !errors.Is(w.Err(), deadletter.ErrNoTopic) || !strings.Contains(w.Err().Error(), w.topic) {
			w.t.Errorf("Err says %v", w.Err())
		}
		if n := w.log.count(saysTrouble); n != 11 {
			w.t.Errorf("in ten minutes and a half it was said %d times", n)
		}
		w.create(1, nil)
		created := time.Now()
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		if took := time.Since(created); took > 12*time.Second {
			w.t.Errorf("the topic was noticed after %v", took)
		}
		if w.Err() != nil {
			w.t.Errorf("Err says %v still", w.Err())
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}

func TestABrokerThatIsGoneForAnHourIsWaitedFor(t *testing.T) {
	virtual(t, 2, nil, func(w *world) {
		w.write(letter("before", "value"))
		w.Sever()
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("after", "value"))) }()
		time.Sleep(time.Hour)
		w.Restore()
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		w.expectEachOnce([]deadletter.Letter{letter("before", "value"), letter("after", "value")})
	})
}

func TestErrTellsOfATopicInTroubleWhileOthersAreWritten(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(ctx, w.topic+"-missing", letter("key", "value"))) }()
		for range 100 {
			time.Sleep(time.Second)
			w.write(letter("key", "value"))
			if !errors.Is(w.Err(), deadletter.ErrNoTopic) {
				w.t.Fatalf("Err says %v", w.Err())
			}
		}
		if n := w.log.count(saysTrouble); n != 2 {
			w.t.Errorf("in 100 seconds it was said %d times", n)
		}
		cancel()
		if err := <-written; !errors.Is(err, context.Canceled) || !errors.Is(err, deadletter.ErrNoTopic) {
			w.t.Errorf("got error %v", err)
		}
	})
}

func TestWriteReturnsAtOnceWhenItsContextEnds(t *testing.T) {
	for rule, prepare := range map[string]func(w *world){
		"while the topic is missing": func(w *world) { w.topic += "-missing" },
		"while no broker answers":    func(w *world) { w.Sever() },
		"while a broker takes its time": func(w *world) {
			w.RequireKfake(w.t).ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				return nil, nil, true // never answered
			})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				prepare(w)
				ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := w.Write(ctx, w.topic, letter("key", "value"))
				if took := time.Since(begin); took != 5*time.Second {
					w.t.Errorf("it took %v", took)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					w.t.Errorf("got error %v", err)
				}
			})
		})
	}
}

func TestABrokerThatNeverAnswersDoesNotHoldALetterForEver(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		w.RequireKfake(w.t).ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, nil, true // never answered, once
		})
		begin := time.Now()
		w.write(letter("key", "value"))
		if took := time.Since(begin); took > 11*time.Second {
			w.t.Errorf("it took %v", took)
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}

func TestManyWriteAtTheSameTime(t *testing.T) {
	w := loopback(t, 3, nil)
	all := letters(300, 50)
	var wg sync.WaitGroup
	for part := range slices.Chunk(all, 10) {
		wg.Go(func() {
			if _, err := w.Write(t.Context(), w.topic, part...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.expectEachOnce(all)
}
