package telemetry_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/cmd/internal/telemetry/telemetrytest"
)

// environment sets variables as the only ones of OpenTelemetry, and returns the log of what is made of them.
func environment(t *testing.T, variables ...string) *bytes.Buffer {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	return &bytes.Buffer{}
}

func tracing(log *bytes.Buffer, links int) *telemetry.Tracing {
	return telemetry.NewTracing("v1.2.3", links, telemetry.NewLogger("info", "text", log))
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// tell makes a span with links.
func tell(t *telemetry.Tracing, links int) {
	span := trace.SpanContextConfig{TraceID: trace.TraceID{1}, TraceFlags: trace.FlagsSampled}
	var all []trace.Link
	for i := range links {
		span.SpanID = trace.SpanID{1, byte(i >> 8), byte(i)}
		all = append(all, trace.Link{SpanContext: trace.NewSpanContext(span)})
	}
	_, s := t.Provider().Tracer("test").Start(context.Background(), "told", trace.WithLinks(all...))
	s.End()
}

func TestSpansGoWhereTheVariablesSay(t *testing.T) {
	var c telemetrytest.Collector
	overHTTP := httptest.NewServer(&c)
	t.Cleanup(overHTTP.Close)
	overTLS := httptest.NewTLSServer(&c)
	t.Cleanup(overTLS.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pemOf(overTLS.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.ServeGRPC(l))
	grpc := "http://" + l.Addr().String()
	for rule, test := range map[string]struct {
		variables []string
		links     int    // told of a span, where batches have as many
		header    string // x-tenant of the request
		service   string // "": nothing comes
		kept      int    // of the links
	}{
		"nowhere if nobody asks":               {nil, 0, "", "", 0},
		"to an endpoint over HTTP":             {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL}, 0, "", "battlereport", 0},
		"to an endpoint for traces":            {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + overHTTP.URL + "/v1/traces"}, 0, "", "battlereport", 0},
		"over gRPC":                            {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + grpc, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, 0, "", "battlereport", 0},
		"over gRPC for traces, packed":         {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + grpc, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}, 0, "", "battlereport", 0},
		"packed":                               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip"}, 0, "", "battlereport", 0},
		"over TLS with an authority":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overTLS.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE=" + authority}, 0, "", "battlereport", 0},
		"not if the SDK is disabled":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_SDK_DISABLED=true"}, 0, "", "", 0},
		"not if the exporter is none":          {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_TRACES_EXPORTER=none"}, 0, "", "", 0},
		"not if the sampler is always_off":     {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_TRACES_SAMPLER=always_off"}, 1, "", "", 0},
		"nor of a share of 0":                  {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, 0, "", "", 0},
		"unless what it is linked to is":       {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, 1, "", "battlereport", 1},
		"which traceidratio does not follow":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, 1, "", "", 0},
		"with headers":                         {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_EXPORTER_OTLP_HEADERS=x-tenant=a%20game"}, 0, "a game", "battlereport", 0},
		"under another name":                   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_SERVICE_NAME=reports-eu"}, 0, "", "reports-eu", 0},
		"as the resource's attributes have it": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_RESOURCE_ATTRIBUTES=service.name=reports-jp"}, 0, "", "reports-jp", 0},
		"with as many links as a batch has":    {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL}, 500, "", "battlereport", 500},
		"or as the limit says":                 {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + overHTTP.URL, "OTEL_SPAN_LINK_COUNT_LIMIT=40"}, 500, "", "battlereport", 40},
	} {
		t.Run(rule, func(t *testing.T) {
			before := len(c.Spans())
			log := environment(t, test.variables...)
			tr := tracing(log, test.links)
			if asked := tr.Provider() != nil; asked {
				tell(tr, test.links)
			}
			tr.Shutdown()
			came := c.Spans()[before:]
			if strings.Contains(log.String(), "WARN") || len(came) > 0 != (test.service != "") {
				t.Fatalf("%d spans came; the log says\n%s", len(came), log)
			}
			if test.service == "" {
				return
			}
			if got := c.Resource("service.name"); got != test.service || c.Resource("service.version") != "v1.2.3" || c.Header("x-tenant") != test.header {
				t.Errorf("service %q of version %q, x-tenant %q", got, c.Resource("service.version"), c.Header("x-tenant"))
			}
			if n := len(came[0].Links); n != test.kept || int(came[0].DroppedLinksCount) != test.links-test.kept {
				t.Errorf("%d links are kept, %d dropped", n, came[0].DroppedLinksCount)
			}
		})
	}
}

func TestAVariableThatIsWrongIsNamedAndNothingIsTraced(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
	for rule, test := range map[string]struct {
		variables []string
		want      string // of the log
	}{
		"an exporter":                   {[]string{"OTEL_TRACES_EXPORTER=zipkin"}, `variable=OTEL_TRACES_EXPORTER value=zipkin want="otlp, none"`},
		"whether it is disabled":        {[]string{endpoint, "OTEL_SDK_DISABLED=maybe"}, `variable=OTEL_SDK_DISABLED value=maybe want="false, true"`},
		"a protocol":                    {[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=foo"}, `variable=OTEL_EXPORTER_OTLP_PROTOCOL value=foo want="http/protobuf, grpc"`},
		"a protocol for traces":         {[]string{endpoint, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"}, `variable=OTEL_EXPORTER_OTLP_TRACES_PROTOCOL value=http/json want="http/protobuf, grpc"`},
		"an endpoint":                   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318"}, `variable=OTEL_EXPORTER_OTLP_ENDPOINT value=localhost:4318 want="a URL`},
		"an endpoint with secret":       {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://me:secret@host"}, `value=…@host want="a URL`},
		"a compression":                 {[]string{endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION=zstd"}, `variable=OTEL_EXPORTER_OTLP_COMPRESSION value=zstd want="gzip, none"`},
		"a timeout":                     {[]string{endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, `variable=OTEL_EXPORTER_OTLP_TIMEOUT value=10s want="milliseconds, such as 10000"`},
		"headers, which are secret":     {[]string{endpoint, "OTEL_EXPORTER_OTLP_HEADERS=Bearer secret"}, `variable=OTEL_EXPORTER_OTLP_HEADERS value="(not shown)" want="NAME=VALUE`},
		"a sampler":                     {[]string{endpoint, "OTEL_TRACES_SAMPLER=x"}, `variable=OTEL_TRACES_SAMPLER value=x want="always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"`},
		"a share":                       {[]string{endpoint, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=1%"}, `variable=OTEL_TRACES_SAMPLER_ARG value=1% want="a share, 0 to 1, such as 0.01"`},
		"a share above 1":               {[]string{endpoint, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=50"}, `variable=OTEL_TRACES_SAMPLER_ARG value=50 want="a share`},
		"a limit":                       {[]string{endpoint, "OTEL_SPAN_LINK_COUNT_LIMIT=many"}, `variable=OTEL_SPAN_LINK_COUNT_LIMIT value=many want="a number, 0 or more"`},
		"a queue":                       {[]string{endpoint, "OTEL_BSP_MAX_QUEUE_SIZE=0"}, `variable=OTEL_BSP_MAX_QUEUE_SIZE value=0 want="a number, 1 or more"`},
		"an authority":                  {[]string{endpoint, "OTEL_EXPORTER_OTLP_CERTIFICATE=" + missing}, "variable=OTEL_EXPORTER_OTLP_CERTIFICATE value=" + missing},
		"an authority in no file":       {[]string{endpoint, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=" + empty}, "no certificate is in it"},
		"a key without its certificate": {[]string{endpoint, "OTEL_EXPORTER_OTLP_CLIENT_KEY=" + empty}, `variable="OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY"`},
	} {
		t.Run(rule, func(t *testing.T) {
			log := environment(t, test.variables...)
			tr := tracing(log, 1)
			defer tr.Shutdown()
			if tr.Provider() != nil || !strings.Contains(log.String(), test.want) || strings.Contains(log.String(), "secret") || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("the log says\n%s, want %s", log, test.want)
			}
		})
	}
}

func TestOtherVariablesAreNobodysBusinessWhereNothingIsTraced(t *testing.T) {
	for _, variables := range [][]string{
		{"OTEL_TRACES_SAMPLER=jaeger_remote", "OTEL_EXPORTER_OTLP_PROTOCOL=foo"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318", "OTEL_SDK_DISABLED=true", "OTEL_TRACES_SAMPLER=x"},
	} {
		log := environment(t, variables...)
		if tr := tracing(log, 1); tr.Provider() != nil || log.Len() > 0 {
			t.Errorf("%q: the log says\n%s", variables, log)
		}
	}
}

func TestACollectorThatFailsIsMentionedOnce(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // nobody ever accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangs.Close() })
	says := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("no ", 1000), http.StatusBadRequest)
	}))
	t.Cleanup(says.Close)
	for rule, endpoint := range map[string]string{"nobody is there": "http://" + refused.Addr().String(), "it never answers": "http://" + hangs.Addr().String(), "it takes nothing": says.URL} {
		for _, protocol := range []string{"http/protobuf", "grpc"} {
			t.Run(rule+" over "+protocol, func(t *testing.T) {
				log := environment(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1")
				tr := tracing(log, 1)
				for range 5 {
					tell(tr, 0)
				}
				tr.Shutdown()
				if n := strings.Count(log.String(), "spans cannot be exported"); n != 1 || log.Len() > 2000 {
					t.Errorf("it is mentioned %d times:\n%s", n, log)
				}
			})
		}
	}
}

func TestALineAboutWhatIsTracedNamesTheTrace(t *testing.T) {
	span := trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}}
	sampled := span
	sampled.TraceFlags = trace.FlagsSampled
	ids := fmt.Sprintf(" trace_id=ab%s span_id=cd%s", strings.Repeat("0", 30), strings.Repeat("0", 14))
	for rule, test := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"in a span that is sampled": {trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(sampled)), "msg=seen app=a n=1" + ids},
		"not in one that is not":    {trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(span)), "msg=seen app=a n=1"},
		"nor without one":           {context.Background(), "msg=seen app=a n=1"},
	} {
		var out bytes.Buffer
		telemetry.NewLogger("info", "text", &out).With("app", "a").InfoContext(test.ctx, "seen", "n", 1)
		if got := strings.TrimSpace(out.String()); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: got %q, want %q", rule, got, test.want)
		}
	}
}
