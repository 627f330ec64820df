package msdkclient_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resources "go.opentelemetry.io/proto/otlp/resource/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// collector is an OpenTelemetry collector: it takes traces and metrics by OTLP over HTTP. TracesData and MetricsData are on
// the wire what ExportTraceServiceRequest and ExportMetricsServiceRequest are, without gRPC in their packages.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*traces.Span
	metrics []*metrics.Metric // of the last export
	texts   map[string]string // all that there is to read in what came, and where it stood
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{texts: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.take(r.URL.Path, body)
		}
		if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s: %v", r.URL, err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty message
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(path string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch path {
	case "/v1/traces":
		var data traces.TracesData
		if err := proto.Unmarshal(body, &data); err != nil {
			return err
		}
		for _, r := range data.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
		c.read("traces", data.ProtoReflect())
	case "/v1/metrics":
		var data metrics.MetricsData
		if err := proto.Unmarshal(body, &data); err != nil {
			return err
		}
		c.metrics = nil
		for _, r := range data.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				c.metrics = append(c.metrics, s.Metrics...)
			}
		}
		c.read("metrics", data.ProtoReflect())
	default:
		return fmt.Errorf("no such path")
	}
	return nil
}

// read notes every string and all bytes in a message, whatever the field.
func (c *collector) read(where string, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := where + "." + string(f.Name())
		each := func(v protoreflect.Value) {
			switch f.Kind() {
			case protoreflect.MessageKind:
				c.read(at, v.Message())
			case protoreflect.StringKind:
				c.texts[v.String()] = at
			case protoreflect.BytesKind:
				c.texts[string(v.Bytes())] = at
			}
		}
		if f.IsList() {
			for i := range v.List().Len() {
				each(v.List().Get(i))
			}
		} else {
			each(v)
		}
		return true
	})
}

// holding returns where one of the secrets stands in what has come; "" if nowhere.
func (c *collector) holding(secrets ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for text, where := range c.texts {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				return fmt.Sprintf("%q in %s: %q", s, where, text)
			}
		}
	}
	return ""
}

func (c *collector) post(ctx context.Context, path string, m proto.Message) error {
	body, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	res, err := c.Client().Do(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// providers send all that they are told to the collector: spans as they end, metrics when flush is called.
func (c *collector) providers(t *testing.T) (tracers *sdktrace.TracerProvider, meters *sdkmetric.MeterProvider, flush func()) {
	t.Helper()
	tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spanExporter{c}))
	reader := sdkmetric.NewManualReader()
	meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	t.Cleanup(func() { _, _ = tracers.Shutdown(context.Background()), meters.Shutdown(context.Background()) })
	return tracers, meters, func() {
		t.Helper()
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		if err := c.post(t.Context(), "/v1/metrics", metricsOf(&all)); err != nil {
			t.Fatal(err)
		}
	}
}

// spanExporter sends spans whole: nothing that is in one is left out.
type spanExporter struct{ *collector }

func (e spanExporter) Shutdown(context.Context) error { return nil }

func (e spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var data traces.TracesData
	for _, s := range spans {
		traceID, spanID, parent := s.SpanContext().TraceID(), s.SpanContext().SpanID(), s.Parent().SpanID()
		span := &traces.Span{
			TraceId: traceID[:], SpanId: spanID[:], TraceState: s.SpanContext().TraceState().String(),
			Name:              s.Name(),
			Kind:              map[trace.SpanKind]traces.Span_SpanKind{trace.SpanKindClient: traces.Span_SPAN_KIND_CLIENT}[s.SpanKind()],
			StartTimeUnixNano: nanos(s.StartTime()), EndTimeUnixNano: nanos(s.EndTime()),
			Attributes: attributesOf(s.Attributes()),
			Status:     &traces.Status{Message: s.Status().Description},
		}
		if s.Parent().IsValid() {
			span.ParentSpanId = parent[:]
		}
		if s.Status().Code == codes.Error {
			span.Status.Code = traces.Status_STATUS_CODE_ERROR
		}
		for _, ev := range s.Events() {
			span.Events = append(span.Events, &traces.Span_Event{Name: ev.Name, TimeUnixNano: nanos(ev.Time), Attributes: attributesOf(ev.Attributes)})
		}
		for _, l := range s.Links() {
			span.Links = append(span.Links, &traces.Span_Link{TraceState: l.SpanContext.TraceState().String(), Attributes: attributesOf(l.Attributes)})
		}
		data.ResourceSpans = append(data.ResourceSpans, &traces.ResourceSpans{
			Resource:   resourceOf(s.Resource()),
			ScopeSpans: []*traces.ScopeSpans{{Scope: scopeOf(s.InstrumentationScope()), SchemaUrl: s.InstrumentationScope().SchemaURL, Spans: []*traces.Span{span}}},
		})
	}
	return e.post(ctx, "/v1/traces", &data)
}

func metricsOf(all *metricdata.ResourceMetrics) *metrics.MetricsData {
	data := &metrics.ResourceMetrics{Resource: resourceOf(all.Resource)}
	for _, s := range all.ScopeMetrics {
		scope := &metrics.ScopeMetrics{Scope: scopeOf(s.Scope), SchemaUrl: s.Scope.SchemaURL}
		for _, m := range s.Metrics {
			h := &metrics.Histogram{AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE}
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				h.DataPoints = points(d)
			case metricdata.Histogram[int64]:
				h.DataPoints = points(d)
			default:
				panic(fmt.Sprintf("%s is a %T", m.Name, d))
			}
			scope.Metrics = append(scope.Metrics, &metrics.Metric{
				Name: m.Name, Description: m.Description, Unit: m.Unit, Data: &metrics.Metric_Histogram{Histogram: h},
			})
		}
		data.ScopeMetrics = append(data.ScopeMetrics, scope)
	}
	return &metrics.MetricsData{ResourceMetrics: []*metrics.ResourceMetrics{data}}
}

func points[N int64 | float64](h metricdata.Histogram[N]) (all []*metrics.HistogramDataPoint) {
	for _, p := range h.DataPoints {
		sum := float64(p.Sum)
		point := &metrics.HistogramDataPoint{
			Attributes: attributesOf(p.Attributes.ToSlice()), Count: p.Count, Sum: &sum, BucketCounts: p.BucketCounts, ExplicitBounds: p.Bounds,
		}
		for _, e := range p.Exemplars {
			point.Exemplars = append(point.Exemplars, &metrics.Exemplar{FilteredAttributes: attributesOf(e.FilteredAttributes)})
		}
		all = append(all, point)
	}
	return all
}

func attributesOf(kvs []attribute.KeyValue) (all []*common.KeyValue) {
	for _, kv := range kvs {
		v := &common.AnyValue{}
		switch kv.Value.Type() {
		case attribute.INT64:
			v.Value = &common.AnyValue_IntValue{IntValue: kv.Value.AsInt64()}
		case attribute.BOOL:
			v.Value = &common.AnyValue_BoolValue{BoolValue: kv.Value.AsBool()}
		default: // lists too, in words
			v.Value = &common.AnyValue_StringValue{StringValue: kv.Value.String()}
		}
		all = append(all, &common.KeyValue{Key: string(kv.Key), Value: v})
	}
	return all
}

func resourceOf(r *resource.Resource) *resources.Resource {
	return &resources.Resource{Attributes: attributesOf(r.Attributes())}
}

func scopeOf(s instrumentation.Scope) *common.InstrumentationScope {
	return &common.InstrumentationScope{Name: s.Name, Version: s.Version, Attributes: attributesOf(s.Attributes.ToSlice())}
}

func nanos(t time.Time) uint64 { return uint64(t.UnixNano()) }
