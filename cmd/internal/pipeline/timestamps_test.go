package pipeline_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// keep has the world's topic be another, whose records are not deleted for their age.
func (w *world) keep(settings map[string]string) {
	w.t.Helper()
	settings["retention.ms"] = "-1"
	w.topic = kafkatest.Name(w.t)
	if err := w.CreateTopic(w.t.Context(), w.topic, 4, settings); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Apps[0].Topics = []string{w.topic}
}

// publishAt produces a good event of a user for each time; zero is none.
func (w *world) publishAt(user string, times ...time.Time) {
	w.t.Helper()
	var records []kafkatest.Record
	for i, at := range times {
		if at.IsZero() {
			at = time.UnixMilli(-1)
		}
		records = append(records, kafkatest.Record{
			Topic: w.topic, Partition: partitionOf(user), Timestamp: at, Key: []byte(user), Value: []byte(report(user, i)),
		})
	}
	w.Produce(w.t, records...)
}

// measure has the world's pipelines measured, and returns what is known of how long calls took, in seconds.
func (w *world) measure() (latency func() (calls uint64, sum float64)) {
	reader := sdkmetric.NewManualReader()
	w.opts.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return func() (calls uint64, sum float64) {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(w.t.Context(), &all); err != nil {
			w.t.Fatal(err)
		}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				if h, is := m.Data.(metricdata.Histogram[float64]); is && m.Name == "battlereport.delivery.latency" {
					for _, d := range h.DataPoints {
						calls, sum = calls+d.Count, sum+d.Sum
					}
				}
			}
		}
		return calls, sum
	}
}

// seconds is a time as a producer writes it that counts seconds.
func seconds(now time.Time) time.Time { return time.UnixMilli(now.Unix()) }

func TestARecordExpiresByATimeThatSomebodyCanHaveMeant(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		at      func(now time.Time) time.Time
		expired bool
		known   bool // how long it took
	}{
		"none":               {func(time.Time) time.Time { return time.Time{} }, false, false},
		"below Kafka's":      {func(time.Time) time.Time { return time.UnixMilli(-2) }, false, false},
		"0":                  {func(time.Time) time.Time { return time.UnixMilli(0) }, false, false},
		"seconds":            {seconds, false, false},
		"ahead":              {func(now time.Time) time.Time { return now.Add(30 * time.Minute) }, false, false},
		"ahead by a second":  {func(now time.Time) time.Time { return now.Add(time.Second) }, false, false},
		"ahead by a century": {func(now time.Time) time.Time { return now.AddDate(100, 0, 0) }, false, false},
		"young":              {func(now time.Time) time.Time { return now.Add(-time.Hour) }, false, true},
		"a day old":          {func(now time.Time) time.Time { return now.Add(-25 * time.Hour) }, true, false},
		"years old":          {func(now time.Time) time.Time { return now.AddDate(-3, 0, 0) }, true, false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			virtual(t, func(w *world) {
				w.keep(map[string]string{})
				w.cfg.Delivery.MaxAge = 24 * time.Hour
				latency := w.measure()
				w.publishAt("anna", test.at(time.Now()))
				p, stop := w.start()
				w.settled(p, 1, time.Minute)
				stop()
				if letters := w.letters(); test.expired != (len(letters) == 1 && header(letters[0], "deadletter.reason") == "expired") {
					w.t.Errorf("letters: %v", letters)
				}
				if calls, sum := latency(); test.known != (calls == 1) || sum < 0 || sum > 3700 {
					w.t.Errorf("%d calls took %.1f s", calls, sum)
				}
			})
		})
	}
}

func TestACallTakesAsLongAsTheOldestOfItsRecordsWhoseAgeIsKnown(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.keep(map[string]string{})
		latency := w.measure()
		now := time.Now()
		for i, at := range []time.Time{{}, now.Add(-10 * time.Second), seconds(now), now.Add(time.Hour), now.Add(-time.Minute)} {
			w.publishAt(fmt.Sprint("player-", i), at)
		}
		p, stop := w.start()
		w.settled(p, 5, time.Minute)
		stop()
		if calls, sum := latency(); w.calls() != 1 || calls != 1 || sum < 60 || sum > 65 {
			w.t.Errorf("of %d calls %d took %.1f s", w.calls(), calls, sum)
		}
	})
}

func TestAPlayersReportsArriveInOrderWhateverTheirTimes(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.keep(map[string]string{})
		w.cfg.Batch.MaxRecords = 2
		w.cfg.Delivery.MaxAge = time.Hour
		now := time.Now()
		times := []time.Time{now, {}, now.Add(30 * time.Minute), seconds(now), {}, now.Add(-time.Minute), now.AddDate(1, 0, 0), {}}
		w.publishAt("anna", times...)
		var want []string
		for i := range times {
			want = append(want, report("anna", i))
		}
		p, stop := w.start()
		w.settled(p, len(times), time.Hour)
		stop()
		if got := w.accepted("anna"); !slices.Equal(got, want) {
			w.t.Errorf("accepted %q, want %q", got, want)
		}
	})
}

func TestARecordAheadOfTheClockExpiresWhenItsTimeIsOld(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		outage  time.Duration
		expired int
	}{
		"not before": {12 * time.Minute, 1}, // of the two the one that is of now
		"after it":   {17 * time.Minute, 2},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			virtual(t, func(w *world) {
				w.keep(map[string]string{})
				w.cfg.Delivery.MaxAge, w.cfg.Delivery.MaxHold = 10*time.Minute, 24*time.Hour
				outage := new(msdktest.Outage)
				outage.Begin(msdktest.Answer{Ret: -504})
				w.msdk.SetRules(outage.Rule)
				w.publishAt("now", time.Now())
				w.publishAt("ahead", time.Now().Add(5*time.Minute))
				w.publishAt("none", time.Time{})
				p, stop := w.start()
				time.Sleep(test.outage)
				outage.End()
				w.settled(p, 3, time.Hour)
				stop()
				if n := len(w.letters()); n != test.expired || w.msdk.Ledger.Len() != 3-n || len(w.accepted("none")) != 1 {
					w.t.Errorf("%d letters, want %d", n, test.expired)
				}
			})
		})
	}
}

func TestTheLetterOfARecordWithoutATimeSaysNone(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.keep(map[string]string{})
		w.cfg.Delivery.MaxHold = 10 * time.Minute // which does count
		w.msdk.SetRules(msdktest.Always(msdktest.Answer{Ret: -502}))
		counted := seconds(time.Now())
		w.publishAt("none", time.Time{})
		w.publishAt("seconds", counted)
		replay := w.replay("replayed", report("replayed", 0), 42)
		replay.Headers = slices.DeleteFunc(replay.Headers, func(h kafkatest.Header) bool { return h.Key == "deadletter.source.timestamp" })
		replay.Timestamp = time.UnixMilli(-1)
		if err := w.CreateTopic(w.t.Context(), replay.Topic, 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.Produce(w.t, replay)
		began := time.Now()
		p, stop := w.start()
		w.settled(p, 3, time.Hour)
		stop()
		want := map[string]string{"none": "", "seconds": counted.UTC().Format("2006-01-02T15:04:05.000Z"), "replayed": ""}
		letters := w.letters()
		for _, l := range letters {
			if got := header(l, "deadletter.source.timestamp"); got != want[string(l.Key)] || header(l, "deadletter.reason") != "exhausted" {
				w.t.Errorf("%s: %v", l.Key, l.Headers)
			}
			if at, err := time.Parse(time.RFC3339, header(l, "deadletter.time")); err != nil || at.Sub(began) < 10*time.Minute {
				w.t.Errorf("%s: given up at %v, error %v", l.Key, at, err)
			}
			if string(l.Key) == "replayed" && (header(l, "deadletter.replays") != "2" || header(l, "deadletter.source.offset") != "42") {
				w.t.Errorf("%s: %v", l.Key, l.Headers)
			}
		}
		if len(letters) != 3 {
			w.t.Errorf("%d letters", len(letters))
		}
	})
}

// What is deferred is read a second time.
func TestRecordsWithoutATimeAreDeferredLikeOthers(t *testing.T) {
	t.Parallel()
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		w.keep(map[string]string{})
		w.cfg.Apps[1].Topics = w.cfg.Apps[0].Topics
		w.cfg.Delivery.MaxAge = 10 * time.Minute
		latency := w.measure()
		const n, users = 3000, 50
		var records []kafkatest.Record
		for i := range n {
			for _, app := range []string{appID, otherApp} {
				user := fmt.Sprintf("%s-%d", app[len(app)-1:], i%users)
				at := time.UnixMilli(-1)
				if i%2 == 0 {
					at = seconds(time.Now())
				}
				records = append(records, kafkatest.Record{
					Topic: w.topic, Partition: partitionOf(user), Timestamp: at, Key: []byte(user), Value: []byte(report(user, i)),
					Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
				})
			}
		}
		w.Produce(w.t, records...)
		p, stop := w.start()
		w.until("the others are delivered", 10*time.Hour, func() bool { return p.Stats().Delivered == n && deferred(p) > 0 })
		time.Sleep(15 * time.Minute)
		for _, l := range p.Lag() {
			if l.Age < 0 || l.Age > 30*time.Minute {
				w.t.Errorf("partition %d: what waits is %v old", l.Partition, l.Age)
			}
		}
		bar.End()
		w.settled(p, 2*n, 10*time.Hour)
		stop()
		w.expectOnceInOrder(appID, n, users)
		w.expectOnceInOrder(otherApp, n, users)
		if calls, _ := latency(); calls != 0 {
			w.t.Errorf("of %d calls it is measured how long they took", calls)
		}
	})
}

func TestOnlyATimeThatSomebodyMeantExpires(t *testing.T) {
	t.Parallel()
	w := real(t)
	w.keep(map[string]string{})
	w.cfg.Delivery.MaxAge = 24 * time.Hour
	w.cfg.Batch.MaxRecords = 1
	latency := w.measure()
	now := time.Now()
	w.publishAt("anna", time.Time{}, seconds(now), now.Add(30*time.Minute), now.AddDate(-3, 0, 0), now)
	p, stop := w.start()
	w.settled(p, 5, time.Minute)
	stop()
	if letters := w.letters(); len(letters) != 1 || header(letters[0], "deadletter.source.offset") != "3" || header(letters[0], "deadletter.reason") != "expired" {
		t.Errorf("letters: %v", letters)
	}
	if calls, sum := latency(); calls != 1 || sum < 0 || sum > 1000 {
		t.Errorf("%d calls took %.1f s", calls, sum)
	}
}

func TestATimeThatTheBrokerSetsCountsWhateverTheProducerSaid(t *testing.T) {
	t.Parallel()
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("the fake broker sets no times: needs " + kafkatest.BrokersVariable)
	}
	w := real(t)
	w.keep(map[string]string{"message.timestamp.type": "LogAppendTime"})
	w.cfg.Delivery.MaxAge = 24 * time.Hour
	w.cfg.Batch.MaxRecords = 1
	latency := w.measure()
	w.publishAt("anna", time.Time{}, seconds(time.Now()))
	p, stop := w.start()
	w.settled(p, 2, time.Minute)
	stop()
	if calls, sum := latency(); calls != 2 || sum < 0 || sum > 1000 || len(w.letters()) != 0 {
		t.Errorf("%d calls took %.1f s, letters %v", calls, sum, w.letters())
	}
	if w.log.contains("nobody can have meant") {
		t.Error("the times are complained of")
	}
}
