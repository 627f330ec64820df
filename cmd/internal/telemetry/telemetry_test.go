package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServer(t *testing.T) {
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	counter, err := metrics.Provider().Meter("test").Int64Counter("battlereport.test")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3)
	var why []string
	s, err := telemetry.Listen("127.0.0.1:0", metrics, func() []string { return why }, telemetry.NewLogger("error", "text", io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	get := func(path string) (int, string) {
		t.Helper()
		res, err := http.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for rule, test := range map[string]struct {
		path   string
		why    []string
		status int
		body   string
	}{
		"alive whatever happens":          {"/livez", []string{"no broker"}, 200, "ok\n"},
		"ready when nothing is amiss":     {"/readyz", nil, 200, "ok\n"},
		"not ready, and says why":         {"/readyz", []string{"no broker", "no topic"}, 503, "not ready: no broker; no topic\n"},
		"metrics in Prometheus form":      {"/metrics", nil, 200, "\nbattlereport_test_total 3\n"},
		"profiles of the running program": {"/debug/pprof/", nil, 200, "goroutine"},
		"nothing elsewhere":               {"/", nil, 404, ""},
	} {
		why = test.why
		status, body := get(test.path)
		if status != test.status || !strings.Contains(body, test.body) {
			t.Errorf("%s: %s answered %d %.80q", rule, test.path, status, body)
		}
	}
	if _, err := telemetry.Listen(s.Addr(), metrics, func() []string { return nil }, telemetry.NewLogger("error", "json", io.Discard)); err == nil {
		t.Error("a taken address was taken again")
	}
}

func TestLogger(t *testing.T) {
	for rule, test := range map[string]struct{ level, format, want string }{
		"json by default":        {"info", "json", `"msg":"seen","after":"1.5s"`},
		"text when asked":        {"info", "text", "msg=seen after=1.5s"},
		"silent below its level": {"error", "text", ""},
	} {
		var out bytes.Buffer
		telemetry.NewLogger(test.level, test.format, &out).Info("seen", "after", 1500*time.Millisecond)
		if got := out.String(); (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q", rule, got)
		}
	}
}

// TestExemplarsLeadToTheTraceOfASampledCall asks for the page as Prometheus does that keeps exemplars, and as others do.
func TestExemplarsLeadToTheTraceOfASampledCall(t *testing.T) {
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	if err := metrics.TellBuild("v1.2.3", "0123abcd"); err != nil {
		t.Fatal(err)
	}
	meter := metrics.Provider().Meter("test")
	histogram, err1 := meter.Float64Histogram("battlereport.test", metric.WithUnit("s"))
	counter, err2 := meter.Int64Counter("battlereport.tests")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	sampled := map[bool]string{}
	for _, always := range []bool{true, false} {
		sampler := trace.NeverSample()
		if always {
			sampler = trace.AlwaysSample()
		}
		ctx, span := trace.NewTracerProvider(trace.WithSampler(sampler)).Tracer("test").Start(context.Background(), "call")
		histogram.Record(ctx, 0.3)
		counter.Add(ctx, 1)
		sampled[always] = span.SpanContext().TraceID().String()
	}
	const openMetrics = "application/openmetrics-text"
	for rule, test := range map[string]struct {
		accept, contentType string
		lines               []string
		exemplars           bool
	}{
		"OpenMetrics for who asks for it": {
			openMetrics + ";version=1.0.0", openMetrics, []string{"battlereport_tests_total 2.0", "# TYPE battlereport_tests counter", "# EOF"}, true,
		},
		"plain text for who asks for nothing": {
			"", "text/plain", []string{"\nbattlereport_tests_total 2\n", "# TYPE battlereport_tests_total counter"}, false,
		},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept", test.accept)
		metrics.Handler().ServeHTTP(w, r)
		page := w.Body.String()
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, test.contentType) {
			t.Errorf("%s: it is %s", rule, got)
		}
		build := fmt.Sprintf(`battlereport_build_info{commit="0123abcd",goversion="%s",version="v1.2.3"} 1`, runtime.Version())
		for _, line := range append(test.lines, build) {
			if !strings.Contains(page, line) {
				t.Errorf("%s: %q is missing from\n%s", rule, line, page)
			}
		}
		inBucket := regexp.MustCompile(`battlereport_test_seconds_bucket\{le="5.0"\} 2 # \{[^}]*trace_id="` + sampled[true]) // labels have no order there
		if inBucket.MatchString(page) != test.exemplars || strings.Contains(page, sampled[true]) != test.exemplars || strings.Contains(page, sampled[false]) {
			t.Errorf("%s: exemplars of %s, and of no other, are to be there: %v\n%s", rule, sampled[true], test.exemplars, page)
		}
		if strings.Contains(page, "_created") {
			t.Errorf("%s: each series is there twice", rule)
		}
	}
}

func TestManySeriesAreToldApart(t *testing.T) {
	t.Parallel()
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	counter, err := metrics.Provider().Meter("test").Int64Counter("battlereport.test")
	if err != nil {
		t.Fatal(err)
	}
	const series = 10_000 // a thousand apps, with ten reasons each
	for i := range series {
		counter.Add(t.Context(), 1, metric.WithAttributes(attribute.Int("n", i)))
	}
	page := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if n := strings.Count(page.Body.String(), "\nbattlereport_test_total{n="); n != series {
		t.Errorf("the page has %d series, want %d", n, series)
	}
}
