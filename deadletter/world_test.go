package deadletter_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
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
