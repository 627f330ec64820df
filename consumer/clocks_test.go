package consumer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// publishAt writes a record of each time to a partition.
func (w *world) publishAt(partition int32, times ...time.Time) {
	w.t.Helper()
	var records []kafkatest.Record
	for i, at := range times {
		records = append(records, kafkatest.Record{Topic: w.topic, Partition: partition, Timestamp: at, Value: fmt.Append(nil, "- ", partition, i)})
	}
	w.Produce(w.t, records...)
}

func TestTimesThatNobodyCanMeanAreCountedAndSaidOnceATopic(t *testing.T) {
	virtual(t, 2, func(w *world) {
		now := time.Now()
		none, seconds, ahead := time.UnixMilli(-1), time.UnixMilli(now.Unix()), now.Add(30*time.Minute)
		w.publishAt(0, none, seconds, now, ahead, ahead, none, now.AddDate(-3, 0, 0), now.Add(time.Minute))
		w.publishAt(1, seconds, none, ahead)
		reader := metric.NewManualReader()
		m := w.join(measured(reader))
		w.untilTaken(m, 11)
		if got := fmt.Sprint(metricOf(w, reader, "odd_timestamps")); got != "[{future,topic} 3 {missing,topic} 3 {past,topic} 2]" {
			w.t.Errorf("counted are %s", got)
		}
		for what, likely := range map[string]string{
			"a record is of a time that nobody can have meant": "the producer counts seconds where Kafka counts milliseconds",
			"a record is ahead of this machine's clock":        "the producer's clock is ahead of this machine's by 30m",
		} {
			if n := w.log.count(what); n != 1 || w.log.count(likely) != 1 {
				w.t.Errorf("it is said %d times: %s; and %d times why", n, what, w.log.count(likely))
			}
		}
		if !strings.Contains(w.log.text(), "partition="+w.topic+"/") {
			w.t.Error("the partition is not said")
		}
		m.stop()
		w.publishAt(0, seconds, ahead)
	})
}

func TestTheAgeOfWhatWaitsIsNeverOfATimeThatNobodyMeant(t *testing.T) {
	for rule, at := range map[string]func(now time.Time) time.Time{
		"none":             func(time.Time) time.Time { return time.UnixMilli(-1) },
		"seconds":          func(now time.Time) time.Time { return time.UnixMilli(now.Unix()) },
		"ahead":            func(now time.Time) time.Time { return now.Add(30 * time.Minute) },
		"ahead by a month": func(now time.Time) time.Time { return now.AddDate(0, 1, 0) },
	} {
		t.Run(rule+", held", func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := w.join(func(_ *consumer.Config, m *member) { m.held = func(consumer.Record) bool { return true } })
				w.publishAt(0, at(time.Now()))
				w.untilTaken(m, 1)
				time.Sleep(10 * time.Minute)
				expectAge(w, m, 10*time.Minute)
			})
		})
		t.Run(rule+", deferred", func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				s, reader := bar("A"), metric.NewManualReader()
				m := w.join(s.defers, measured(reader))
				w.Produce(w.t, kafkatest.Record{Topic: w.topic, Timestamp: at(time.Now()), Value: []byte("A")},
					kafkatest.Record{Topic: w.topic, Timestamp: at(time.Now()), Value: []byte("A")})
				w.until("it is deferred", func() bool { return m.deferred() == 2 })
				time.Sleep(10 * time.Minute)
				expectAge(w, m, 10*time.Minute)
				s.open("")
				w.untilTaken(m, 2)
				count := func(name string) (sum int) {
					for _, line := range metricOf(w, reader, name) {
						var n int
						_, _ = fmt.Sscan(line[strings.Index(line, " "):], &n)
						sum += n
					}
					return sum
				}
				if odd, taken := count("odd_timestamps"), count("records"); odd != taken {
					w.t.Errorf("%d are counted of %d taken", odd, taken)
				}
			})
		})
	}
}

// expectAge compares the age of the only partition, in minutes: what waits was taken within some seconds.
func expectAge(w *world, m *member, want time.Duration) {
	w.t.Helper()
	if l, held := m.behind(0); !held || l.Age.Round(time.Minute) != want {
		w.t.Errorf("the age is %v, want %v", l.Age, want)
	}
}
