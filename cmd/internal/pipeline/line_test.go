package pipeline_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestTheLogHasALineForEachCallAndItsTrace holds what the log says at debug against the spans.
func TestTheLogHasALineForEachCallAndItsTrace(t *testing.T) {
	t.Parallel()
	for rule, root := range map[string]sdktrace.Sampler{"traced": sdktrace.AlwaysSample(), "not traced": sdktrace.NeverSample()} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				c, flush := w.follow(root)
				w.opts.Logger = slog.New(telemetry.Traced(w.opts.Logger.Handler()))
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 4, time.Second
				var calls []call
				w.watch(&calls, 10*time.Millisecond, failFirst(1, msdktest.Answer{HTTP: 500}), msdktest.Poison(msdktest.Answer{Ret: -1011}, "player-3"))
				for i := range 4 {
					user := fmt.Sprint("player-", i)
					w.made(user, report(user, i), "")
				}
				p, stop := w.start()
				w.settled(p, 4, time.Hour)
				stop()
				flush()
				var got []string
				ids := map[string]bool{}
				for _, l := range regexp.MustCompile(`msg="call (?:succeeded|failed)" appid=\S+ (events=\d outcome=\S+ calls=\d took=10ms).*?( trace_id=\S+ span_id=\S+)?\n`).FindAllStringSubmatch(w.log.text(), -1) {
					got = append(got, l[1])
					if l[2] != "" {
						ids[l[2]] = true
					}
				}
				want := []string{
					"events=4 outcome=retry calls=1 took=10ms", "events=4 outcome=split calls=2 took=10ms", "events=2 outcome=split calls=3 took=10ms",
					"events=1 outcome=doubted calls=4 took=10ms", "events=2 outcome=delivered calls=3 took=10ms", "events=1 outcome=delivered calls=4 took=10ms",
				}
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					w.t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				known := 0
				for _, s := range c.Spans() {
					if ids[fmt.Sprintf(" trace_id=%x span_id=%x", s.TraceId, s.SpanId)] {
						known++
					}
				}
				if n := map[string]int{"traced": 5, "not traced": 0}[rule]; len(ids) != n || known != n {
					w.t.Errorf("%d spans are named, %d of them are there; want %d", len(ids), known, n)
				}
			})
		})
	}
}

// TestALetterThatWaitsToBeWrittenIsSeen has the dead-letter topic refuse it for two minutes.
func TestALetterThatWaitsToBeWrittenIsSeen(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		c, flush := w.follow(sdktrace.AlwaysSample())
		accept := w.refuseLetters()
		p, stop := w.start()
		w.made("player-0", "no JSON", traceparent(1, true))
		time.Sleep(2 * time.Minute)
		accept()
		w.settled(p, 1, 10*time.Minute)
		w.until("it is said", time.Minute, func() bool { return w.log.contains("taking records in again") })
		stop()
		flush()
		for _, line := range []string{"taking nothing in until dead letters can be written", "taking records in again: dead letters can be written"} {
			if n := strings.Count(w.log.text(), line); n != 1 {
				w.t.Errorf("%q is said %d times", line, n)
			}
		}
		spans := c.Spans()
		if len(spans) != 1 {
			w.t.Fatalf("got\n%s", w.treeOf(c))
		}
		if took := time.Duration(spans[0].EndTimeUnixNano - spans[0].StartTimeUnixNano); took < 2*time.Minute-5*time.Second || fmt.Sprintf("%x", spans[0].ParentSpanId) != span(1) {
			w.t.Errorf("the letter is in span %x and took %s", spans[0].ParentSpanId, took)
		}
	})
}
