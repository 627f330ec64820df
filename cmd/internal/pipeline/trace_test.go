package pipeline_test

import (
	"context"
	"crypto/md5"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/cmd/internal/telemetry/telemetrytest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// follow has a collector take the spans of the pipelines that are started from now on; flush sends it those that have
// ended. All of it is in virtual time.
func (w *world) follow(root sdktrace.Sampler) (c *telemetrytest.Collector, flush func()) {
	w.t.Helper()
	c = &telemetrytest.Collector{}
	pipe := msdktest.NewPipe()
	server := &http.Server{Handler: c}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(pipe)
	}()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return pipe.DialContext(ctx, network, addr)
	}}
	exporter, err := otlptracehttp.New(w.t.Context(), otlptracehttp.WithEndpointURL("http://collector.test/v1/traces"),
		otlptracehttp.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		w.t.Fatal(err)
	}
	open := &openSpans{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(telemetry.LinkBased(root)),
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(1<<16)), sdktrace.WithSpanProcessor(open))
	w.t.Cleanup(func() {
		_ = provider.Shutdown(context.Background())
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	w.opts.TracerProvider = provider
	return c, func() {
		w.t.Helper()
		if now := open.Load(); now != 0 {
			w.t.Errorf("%d spans have not ended", now)
		}
		if err := provider.ForceFlush(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
}

// openSpans counts spans that have begun and not ended.
type openSpans struct{ atomic.Int64 }

func (o *openSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) { o.Add(1) }
func (o *openSpans) OnEnd(sdktrace.ReadOnlySpan)                     { o.Add(-1) }
func (o *openSpans) Shutdown(context.Context) error                  { return nil }
func (o *openSpans) ForceFlush(context.Context) error                { return nil }

// span is the id of the n-th span of producers, and traceparent what it sends along.
func span(n int) string { return fmt.Sprintf("%016x", n) }

func traceparent(n int, sampled bool) string {
	flags := "00"
	if sampled {
		flags = "01"
	}
	return fmt.Sprintf("00-%032x-%s-%s", n, span(n), flags)
}

// made publishes a value of a user that was made in a span.
func (w *world) made(user, value, traceparent string, more ...kafkatest.Header) {
	w.t.Helper()
	w.Produce(w.t, kafkatest.Record{
		Topic: w.topic, Key: []byte(user), Value: []byte(value), // one partition, whose order is known
		Headers: append([]kafkatest.Header{{Key: "traceparent", Value: []byte(traceparent)}}, more...),
	})
}

// treeOf are the spans that have come, with the name of the topic as in the examples.
func (w *world) treeOf(c *telemetrytest.Collector) string {
	return strings.ReplaceAll(telemetrytest.Tree(c.Spans(),
		"messaging.batch.message_count", "battlereport.batch.deferred_count", "battlereport.outcome", "battlereport.batch.calls",
		"http.response.status_code", "msdk.ret", "battlereport.reason", "battlereport.attempts", "battlereport.source.offset",
	), w.topic, "battle-reports")
}

// failFirst is the answer of the first n calls.
func failFirst(n int, a msdktest.Answer) msdktest.Rule {
	return func(*msdktest.Request) msdktest.Answer {
		if n--; n >= 0 {
			return a
		}
		return msdktest.Answer{}
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// TestTheWayOfABatchIsATrace holds the spans of each story against testdata/traces, where they are to be read.
func TestTheWayOfABatchIsATrace(t *testing.T) {
	t.Parallel()
	for story, test := range map[string]struct {
		users  []string // of each event, made in the span of its number
		bad    string   // whose events are not fit
		config func(*config.Config)
		rules  []msdktest.Rule
		within time.Duration // 0: it is stopped after 5 seconds
	}{
		"one retry, one split and a letter": {
			users:  []string{"player-0", "player-1", "player-2", "player-3"},
			rules:  []msdktest.Rule{failFirst(1, msdktest.Answer{HTTP: 500}), msdktest.Poison(msdktest.Answer{Ret: -1011}, "player-3")},
			within: time.Hour,
		},
		"one player's reports go one behind the other": {
			users:  []string{"player-0", "player-0", "player-0", "player-0"},
			rules:  []msdktest.Rule{failFirst(2, msdktest.Answer{Ret: -1011})},
			within: time.Hour,
		},
		"its app is held, and probed": {
			users:  []string{"player-0", "player-1"},
			rules:  []msdktest.Rule{failFirst(6, msdktest.Answer{Ret: -504})},
			within: time.Hour,
		},
		"held for too long": {
			users: []string{"player-0", "player-1"},
			config: func(c *config.Config) {
				c.Delivery.MaxHold, c.Delivery.Breaker.Cooldown = 10*time.Second, 4*time.Second
			},
			rules:  []msdktest.Rule{msdktest.Always(msdktest.Answer{Ret: -504})},
			within: time.Hour,
		},
		"too fast": {
			users:  []string{"player-0", "player-1"},
			rules:  []msdktest.Rule{failFirst(1, msdktest.Answer{HTTP: 429, RetryAfter: "3"})},
			within: time.Hour,
		},
		"refused alone, and nothing is known of others": {
			users:  []string{"player-0"},
			rules:  []msdktest.Rule{msdktest.Always(msdktest.Answer{Ret: -1011})},
			within: time.Hour,
		},
		"tried for long enough": {
			users:  []string{"player-0"},
			config: func(c *config.Config) { c.Delivery.Retry.MaxElapsed = time.Second },
			rules:  []msdktest.Rule{msdktest.Always(msdktest.Answer{HTTP: 500})},
			within: time.Hour,
		},
		"expired between two calls": {
			users:  []string{"player-0", "player-1"},
			config: func(c *config.Config) { c.Delivery.MaxAge = 3 * time.Second },
			rules:  []msdktest.Rule{msdktest.Always(msdktest.Answer{HTTP: 500})},
			within: time.Hour,
		},
		"a record that is not fit has its letter below its producer": {
			users:  []string{"player-0", "player-1"},
			bad:    "player-1",
			within: time.Hour,
		},
		"the end of a generation lets go of what waits": {
			users: []string{"player-0", "player-1"},
			rules: []msdktest.Rule{failFirst(1, msdktest.Answer{HTTP: 429, RetryAfter: "60"})},
		},
	} {
		t.Run(story, func(t *testing.T) {
			virtual(t, func(w *world) {
				c, flush := w.follow(sdktrace.NeverSample())
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = len(test.users), time.Second
				w.cfg.Delivery.Retry.Jitter = 0
				if test.config != nil {
					test.config(&w.cfg)
				}
				var calls []call
				w.watch(&calls, 10*time.Millisecond, test.rules...)
				for i, user := range test.users {
					value := report(user, i)
					if user == test.bad {
						value = "{}"
					}
					w.made(user, value, traceparent(i+1, true))
				}
				p, stop := w.start()
				if test.within > 0 {
					w.settled(p, len(test.users), test.within)
				} else {
					time.Sleep(5 * time.Second)
				}
				stop()
				flush()
				golden := filepath.Join("testdata", "traces", strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(story)+".txt")
				got := w.treeOf(c)
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						w.t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					w.t.Fatal(err)
				}
				if got != string(want) {
					w.t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				for _, l := range w.letters() {
					if n := l.Offset + 1; !strings.HasPrefix(header(l, "traceparent"), "00-") {
						w.t.Errorf("letter %d has the traceparent %q", n, header(l, "traceparent"))
					}
				}
			})
		})
	}
}

func TestABatchIsTracedIfOneOfItsProducersIsOrTheSamplerSaysSo(t *testing.T) {
	t.Parallel()
	made := func(sampled ...bool) (all []string) {
		for i, yes := range sampled {
			all = append(all, traceparent(i+1, yes))
		}
		return all
	}
	for rule, test := range map[string]struct {
		made   []string
		root   sdktrace.Sampler
		traced bool
	}{
		"no producer says anything, and the sampler says no":      {[]string{"", "", ""}, sdktrace.NeverSample(), false},
		"no producer says anything, and the sampler says yes":     {[]string{"", "", ""}, sdktrace.AlwaysSample(), true},
		"one producer of three follows":                           {made(false, true, false), sdktrace.NeverSample(), true},
		"no producer follows, and the sampler says no":            {made(false, false, false), sdktrace.NeverSample(), false},
		"no producer follows, and the sampler says yes":           {made(false, false, false), sdktrace.AlwaysSample(), true},
		"what follows is malformed, and the sampler says no":      {[]string{"01", "00-0-0-01", traceparent(0, true)}, sdktrace.NeverSample(), false},
		"a share of the batches, whatever producers do not say":   {[]string{"", "", ""}, sdktrace.TraceIDRatioBased(0), false},
		"a share of the batches, and one of the producers' spans": {[]string{"", traceparent(1, true), ""}, sdktrace.TraceIDRatioBased(0), true},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				c, flush := w.follow(test.root)
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = len(test.made), time.Second
				var calls []call
				w.watch(&calls, time.Millisecond, failFirst(1, msdktest.Answer{HTTP: 500}), msdktest.Poison(msdktest.Answer{Ret: -1011}, "player-0"))
				for i, parent := range test.made {
					user := fmt.Sprint("player-", i)
					w.made(user, report(user, i), parent)
				}
				p, stop := w.start()
				w.settled(p, len(test.made), time.Hour)
				stop()
				flush()
				if got := c.Spans(); !test.traced && len(got) > 0 || test.traced && len(got) < 8 {
					w.t.Errorf("%d spans:\n%s", len(got), w.treeOf(c))
				}
			})
		})
	}
}

// TestTheTraceAccountsForEveryRecordAndTellsNoSecret has a platform that fails in many ways.
func TestTheTraceAccountsForEveryRecordAndTellsNoSecret(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		c, flush := w.follow(sdktrace.AlwaysSample())
		const key = "appkey-of-the-test"
		w.msdk.Close()
		pipe := msdktest.NewPipe()
		w.msdk = msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: appID, AppKey: key}}})
		w.msdk.Serve(pipe)
		defer w.msdk.Close()
		w.opts.DialMSDK, w.cfg.Apps[0].AppKey = pipe.DialContext, key
		w.cfg.Batch.MaxRecords, w.cfg.MSDK.Timeout = 16, time.Second
		w.cfg.Delivery.Retry.MaxElapsed = 10 * time.Second
		var calls []call
		w.watch(&calls, 10*time.Millisecond,
			msdktest.Random(1, 0.1, msdktest.Answer{HTTP: 500, Body: "the platform's words"}), msdktest.Random(2, 0.1, msdktest.Answer{Ret: -503}),
			msdktest.Random(3, 0.05, msdktest.Answer{Fault: msdktest.Hang}), msdktest.Random(4, 0.05, msdktest.Answer{Ret: -504, Msg: "the platform's words"}),
			msdktest.Poison(msdktest.Answer{Ret: -1011, Msg: "the platform's words about openid-3"}, "openid-3", "openid-7"),
			msdktest.Poison(msdktest.Answer{HTTP: 500}, "openid-11"))
		const events = 400
		for i := range events {
			user := fmt.Sprint("openid-", i%40)
			value := report(user, i)
			if i%25 == 24 {
				value = `{"a player's own words": 1}`
			}
			w.made(user, value, traceparent(i+1, true), kafkatest.Header{Key: "tracestate", Value: []byte("vendor=value")})
		}
		p, stop := w.start()
		w.settled(p, events, 24*time.Hour)
		stop()
		flush()

		secrets := []string{key, "openid-", "words"}
		for _, call := range calls {
			secrets = append(secrets, fmt.Sprintf("%x", md5.Sum(fmt.Append(nil, key, call.began.Unix()))))
		}
		if told := c.Holding(secrets...); told != "" {
			w.t.Error("it tells ", told)
		}
		byID := map[string]*traces.Span{}
		for _, s := range c.Spans() {
			byID[string(s.SpanId)] = s
		}
		delivered, letters, attempts, count := 0, map[string]int{}, 0, map[string]int{}
		for _, s := range byID {
			attribute := func(name string) string { return telemetrytest.Attribute(s.Attributes, name) }
			kind, _, _ := strings.Cut(s.Name, " ")
			count[kind]++
			parent := byID[string(s.ParentSpanId)]
			switch kind {
			case "POST":
				attempts++
				if parent == nil || !strings.HasPrefix(parent.Name, "process ") {
					w.t.Errorf("a call is in %v", parent)
				}
			case "process":
				records, _ := strconv.Atoi(attribute("messaging.batch.message_count"))
				if len(s.Links) != records {
					w.t.Errorf("%d links to %d records' spans", len(s.Links), records)
				}
				if attribute("battlereport.outcome") == "delivered" {
					delivered += records
				}
				if parent != nil && telemetrytest.Attribute(parent.Attributes, "battlereport.outcome") == "" {
					w.t.Errorf("a part is in %v", parent)
				}
			case "send":
				letters[attribute("battlereport.reason")]++
				switch {
				case parent != nil:
					if len(s.Links) != 1 {
						w.t.Errorf("a letter of a batch has %d links", len(s.Links))
					}
				case len(s.ParentSpanId) == 0 || s.TraceState != "vendor=value": // it was in no batch: in its producer's span, which is elsewhere
					w.t.Errorf("a letter is in %x with the state %q", s.ParentSpanId, s.TraceState)
				}
			}
		}
		stats := p.Stats()
		for reason, n := range stats.DeadLetters {
			if letters[string(reason)] != int(n) {
				w.t.Errorf("%d letters are traced of %d for %s", letters[string(reason)], n, reason)
			}
		}
		if delivered != int(stats.Delivered) || attempts != int(stats.Calls) || letters["rejected"] == 0 || letters["exhausted"] == 0 || letters["schema_violation"] != events/25 || count["process"] < 60 {
			w.t.Errorf("spans of %d delivered records, %d calls, letters %v, and %v; but %+v", delivered, attempts, letters, count, stats)
		}
	})
}
