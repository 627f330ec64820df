package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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
