package consumer_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

const (
	saysOpen     = "level=WARN msg=\"nothing more can be taken of the partition until a producer ends its transaction"
	saysOver     = "level=INFO msg=\"the transaction that held the partition is over\""
	saysMoreOpen = "level=WARN msg=\"open transactions hold more partitions than those named\""
)

// rarely is an option of join: many minutes pass in these tests.
func rarely(cfg *consumer.Config, _ *member) { cfg.FetchWait = 2 * time.Second }

// hang begins a transaction with a record in each of the partitions, which end ends.
func (w *world) hang(partitions ...int32) (end func()) {
	w.t.Helper()
	client := w.client(kgo.TransactionalID(kafkatest.Name(w.t)), kgo.TransactionTimeout(14*time.Minute))
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for _, p := range partitions {
		if err := client.ProduceSync(w.t.Context(), &kgo.Record{Topic: w.topic, Partition: p, Value: []byte("open")}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	return func() {
		w.t.Helper()
		if err := client.EndTransaction(w.t.Context(), kgo.TryAbort); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestATransactionThatStaysOpenIsSaidAndCounted(t *testing.T) {
	virtual(t, 2, func(w *world) {
		reader := metric.NewManualReader()
		m := w.join(measured(reader), rarely)
		w.publish(0, "before")
		w.untilTaken(m, 1)
		end := w.hang(0)
		w.publish(0, "a", "b", "c")
		w.publish(1, "d")
		time.Sleep(50 * time.Second)
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times soon", n)
		}
		if got := metricOf(w, reader, "unstable"); !slices.Equal(got, []string{"{0,topic} 4"}) {
			w.t.Errorf("metric %v", got)
		}
		time.Sleep(3 * time.Minute)
		if n := w.log.count(saysOpen); n != 3 || w.log.count("level=WARN") != n {
			w.t.Errorf("it is said %d times, in %d warnings", n, w.log.count("level=WARN"))
		}
		said := fmt.Sprintf("partition=%s/0 offset=1 behind=4 since=1m2s error=\"an open transaction holds the partition at offset 1\"", w.topic)
		if w.log.count(said) != 1 {
			w.t.Errorf("it is not said: %s", said)
		}
		end()
		w.untilTaken(m, 5)
		time.Sleep(time.Minute)
		if n := w.log.count(saysOver); n != 1 || w.log.count(saysOpen) != 3 {
			w.t.Errorf("it is said %d times that it is over, and %d times that it is not", n, w.log.count(saysOpen))
		}
		if got := metricOf(w, reader, "unstable"); len(got) > 0 {
			w.t.Errorf("metric %v", got)
		}
		if got := m.values(); !slices.Equal(got, []string{"before", "a", "b", "c", "d"}) {
			w.t.Errorf("taken %v", got)
		}
	})
}

func TestTransactionsThatEndAreNothingToSpeakOf(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.join(rarely)
		for range 6 {
			end := w.hang(0)
			time.Sleep(50 * time.Second)
			end()
		}
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
	})
}

func TestOfManyPartitionsThatAreHeldSomeAreNamed(t *testing.T) {
	const partitions = 40
	virtual(t, partitions, func(w *world) {
		m := w.join(rarely)
		w.until("joined", m.serving)
		end := w.hang(upTo(partitions)...)
		time.Sleep(170 * time.Second)
		if n, more := w.log.count(saysOpen), w.log.count(saysMoreOpen+" who=member1 generation=1 partitions=30"); n != 20 || more != 2 || w.log.count("level=WARN") != 22 {
			w.t.Errorf("%d partitions are named in two minutes, %d times more are counted, in %d warnings", n, more, w.log.count("level=WARN"))
		}
		end()
		time.Sleep(10 * time.Second)
		if n := w.log.count(saysOver); n != 10 {
			w.t.Errorf("of %d it is said that it is over", n)
		}
	})
}

// Its records are not taken before there is room, so that the transaction is not what they wait for.
func TestAPartitionThatIsMerelyBehindIsNotHeldByATransaction(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "before")
		end := w.hang(0)
		defer end()
		room := make(chan struct{})
		m := w.join(rarely, func(_ *consumer.Config, m *member) {
			m.held = func(consumer.Record) bool {
				<-room
				return false
			}
		})
		time.Sleep(5 * time.Minute)
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
		close(room)
		w.untilTaken(m, 1)
		time.Sleep(2 * time.Minute)
		if w.log.count(saysOpen) == 0 {
			w.t.Error("then it is, and nothing is said")
		}
	})
}

func TestWhoeverTakesOverAPartitionSaysThatItIsHeld(t *testing.T) {
	virtual(t, 2, func(w *world) {
		first := w.join(rarely)
		w.until("joined", first.serving)
		end := w.hang(0, 1)
		time.Sleep(90 * time.Second)
		second := w.join(rarely)
		w.until("both hold one", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
		time.Sleep(90 * time.Second)
		first.stop()
		left := w.log.count("level=WARN")
		if w.log.count("who=member2 generation=2 partition="+w.topic) == 0 {
			w.t.Error("the second says nothing")
		}
		time.Sleep(90 * time.Second)
		if w.log.count("level=WARN") <= left || strings.Contains(w.log.text(), saysOver) {
			w.t.Error("the second, alone, says nothing, or that it is over")
		}
		end()
	})
}

func TestATopicMadeAnewIsHeldByNoTransactionOfTheFormer(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(rarely)
		w.until("joined", m.serving)
		w.hang(0)
		time.Sleep(90 * time.Second)
		n := w.log.count(saysOpen)
		w.recreate(1)
		w.publish(0, "new")
		w.untilTaken(m, 1)
		time.Sleep(5 * time.Minute)
		if n != 1 || w.log.count(saysOpen) != n {
			w.t.Errorf("it is said %d times, and then %d", n, w.log.count(saysOpen)-n)
		}
		if l := m.Lag(); l[0].Unstable != 0 {
			w.t.Errorf("%+v", l)
		}
	})
}

func TestWhatWasDeferredIsTakenBeforeAnOpenTransaction(t *testing.T) {
	virtual(t, 1, func(w *world) {
		s := bar("A")
		m := w.join(s.defers, rarely)
		w.publish(0, "A1", "b1", "A2", "b2")
		end := w.hang(0)
		w.publish(0, "A3")
		w.untilTaken(m, 2)
		time.Sleep(90 * time.Second)
		s.open("")
		w.untilTaken(m, 4)
		if n := w.log.count(saysOpen); n != 1 {
			w.t.Errorf("it is said %d times", n)
		}
		end()
		w.untilTaken(m, 5)
		if got := m.values(); !slices.Equal(got, []string{"b1", "b2", "A1", "A2", "A3"}) {
			w.t.Errorf("taken %v", got)
		}
	})
}

// Who is throttled hears nothing, and what was heard last need not be so any more.
func TestUnderAQuotaNoMoreIsSaidOfATransactionThanIsKnown(t *testing.T) {
	virtual(t, 1, func(w *world) {
		var limits atomic.Bool
		q := w.limit(kmsg.Fetch, 50*time.Second, limits.Load)
		m := w.join(q.watch, rarely)
		w.until("joined", m.serving)
		end := w.hang(0)
		time.Sleep(30 * time.Second)
		limits.Store(true)
		time.Sleep(time.Second)
		end()
		time.Sleep(2 * time.Minute)
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
		limits.Store(false)
	})
}

func TestAMemberThatDrainsIsHeldByNoTransaction(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(rarely, func(cfg *consumer.Config, m *member) {
			cfg.DrainTimeout = time.Hour
			m.drain = func() { time.Sleep(5 * time.Minute) }
		})
		w.until("joined", m.serving)
		end := w.hang(0)
		time.Sleep(50 * time.Second)
		m.stop()
		if n := w.log.count("level=WARN"); n > 0 {
			w.t.Errorf("it warns %d times", n)
		}
		end()
	})
}

// It takes more than a minute of real time, and is left to Kafka, which knows best what is stable.
func TestATransactionThatStaysOpenInKafkaIsSaid(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("tests of virtual time say the same of the fake broker")
	}
	w := loopback(t, 1)
	m := w.join()
	w.publish(0, "before")
	w.untilTaken(m, 1)
	end := w.hang(0)
	w.publish(0, "behind")
	w.until("it is said", func() bool { return w.log.count(saysOpen) == 1 })
	if l := m.Lag(); l[0].Unstable != 2 {
		t.Errorf("%+v", l)
	}
	end()
	w.untilTaken(m, 2)
	w.until("it is said that it is over", func() bool { return w.log.count(saysOver) == 1 })
}
