package msdkclient

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	nometrics "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	notraces "go.opentelemetry.io/otel/trace/noop"
)

func TestTellingOfACallTakesNoMemoryUnlessItIsTraced(t *testing.T) {
	for rule, opts := range map[string][]Option{
		"told nobody":            nil,
		"told those who discard": {WithTracerProvider(notraces.NewTracerProvider()), WithMeterProvider(nometrics.NewMeterProvider())},
		"counted":                {WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())))},
	} {
		c, err := New(DefaultConfig(), append(opts, WithProxy(nil))...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, u := t.Context(), c.sign(callReportBattle, testApp, "o1", time.Now()).url
		r, failed := reply{status: 200, size: 9}, &Error{Class: Retry}
		tell := func() {
			c.telemetry.begin(ctx, callReportBattle, u).end(1000, r, nil)
			c.telemetry.begin(ctx, callReportBattle, u).end(1000, r, failed)
		}
		if allocs := testing.AllocsPerRun(100, tell); allocs != 0 {
			t.Errorf("%s: %v allocations", rule, allocs)
		}
	}
}

// BenchmarkBattleReport posts a hundred reports of 350 bytes over loopback. What the server does is in it.
func BenchmarkBattleReport(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ret":0,"msg":"success"}`)
	}))
	defer server.Close()
	c, err := New(Config{BaseURL: server.URL, Timeout: 5 * time.Second, ContentType: "application/x-www-form-urlencoded", MaxConns: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	reports := slices.Repeat([][]byte{bytes.Repeat([]byte("x"), 350)}, 100)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.BattleReport(b.Context(), testApp, "o1", reports...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(reports)), "ns/report")
}
