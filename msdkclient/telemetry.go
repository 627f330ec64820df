package msdkclient

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "github.com/battlereport/battlereport/msdkclient"

// Attributes of a span that the conventions do not know.
const (
	attrRet       = attribute.Key("msdk.ret")
	attrInner     = attribute.Key("msdk.inner") // the code of WeChat or mobile QQ behind it
	attrUncertain = attribute.Key("msdk.uncertain")
)

// telemetry tells of each attempt as OpenTelemetry's conventions for HTTP clients have it. It is made here since what wraps
// a transport from outside puts the URL, with sig, appid and openid in it, into url.full. For the same reason nothing of
// the platform's words is told, nor of an error's. Nothing is sent along to the platform, which is another's: a header
// traceparent would say more than it needs to know.
type telemetry struct {
	tracer         trace.Tracer // nil: nobody follows
	duration       metric.Float64Histogram
	sent, received metric.Int64Histogram
	server         []attribute.KeyValue // of each attempt

	mu     sync.RWMutex
	labels map[outcome][]metric.RecordOption // making them costs more than counting
}

// outcome is what the metrics tell of an attempt. There are as many as there are calls, classes and statuses.
type outcome struct {
	what   *Call
	status int    // 0: none came, or one that HTTP does not know
	class  string // empty: no failure
}

// sizes are buckets of bytes, from an answer of a few words to the longest list.
var sizes = metric.WithExplicitBucketBoundaries(64, 256, 1<<10, 4<<10, 16<<10, 64<<10, 256<<10, 1<<20, 4<<20)

// newTelemetry tells the providers of calls to base. One that is nil is told nothing.
func newTelemetry(base *url.URL, tracers trace.TracerProvider, meters metric.MeterProvider) (*telemetry, error) {
	t := &telemetry{
		server: []attribute.KeyValue{
			semconv.HTTPRequestMethodPost, semconv.ServerAddress(base.Hostname()), semconv.ServerPort(port(base)),
		},
		labels: map[outcome][]metric.RecordOption{},
	}
	switch tracers.(type) {
	case nil, noop.TracerProvider: // who does not listen is not to cost anything
	default:
		t.tracer = tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	}
	var meter metric.Meter // nil makes instruments that do nothing
	if meters != nil {
		meter = meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	}
	duration, err1 := httpconv.NewClientRequestDuration(meter)
	sent, err2 := httpconv.NewClientRequestBodySize(meter, sizes)
	received, err3 := httpconv.NewClientResponseBodySize(meter, sizes)
	t.duration, t.sent, t.received = duration.Inst(), sent.Inst(), received.Inst()
	return t, errors.Join(err1, err2, err3)
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// watched is an attempt under way.
type watched struct {
	*telemetry
	ctx   context.Context // with its span
	what  *Call
	span  trace.Span // nil: nobody follows
	began time.Time
}

func (t *telemetry) begin(ctx context.Context, what *Call, u *url.URL) watched {
	w := watched{telemetry: t, ctx: ctx, what: what, began: time.Now()}
	if t.tracer != nil {
		w.ctx, w.span = t.tracer.Start(ctx, "POST "+what.Path, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(t.server...),
			trace.WithAttributes(semconv.URLFull(RedactURL(u)), semconv.URLTemplate(what.Path)))
	}
	return w
}

// end tells how it went. A nil e is success.
func (w watched) end(sent int, r reply, e *Error) {
	if w.span != nil {
		w.span.SetAttributes(attributes(r, e)...)
		if e != nil {
			w.span.SetStatus(otelcodes.Error, "") // the attributes say it all
		}
		w.span.End()
	}
	if !w.duration.Enabled(w.ctx) {
		return
	}
	o := outcome{what: w.what}
	if 100 <= r.status && r.status <= 599 {
		o.status = r.status
	}
	if e != nil {
		o.class = e.Class.String()
	}
	labels := w.labelled(o)
	w.duration.Record(w.ctx, time.Since(w.began).Seconds(), labels...)
	w.sent.Record(w.ctx, int64(sent), labels...)
	if r.status != 0 {
		w.received.Record(w.ctx, int64(r.size), labels...)
	}
}

// attributes are those of a span that are known at its end.
func attributes(r reply, e *Error) []attribute.KeyValue {
	var all []attribute.KeyValue
	if r.status != 0 {
		all = append(all, semconv.HTTPResponseStatusCode(r.status))
	}
	if r.hasRet {
		all = append(all, attrRet.Int(r.ret))
	}
	if r.inner != 0 {
		all = append(all, attrInner.Int(r.inner))
	}
	if e != nil {
		all = append(all, semconv.ErrorTypeKey.String(e.Class.String()), attrUncertain.Bool(e.Uncertain))
	}
	return all
}

func (t *telemetry) labelled(o outcome) []metric.RecordOption {
	t.mu.RLock()
	labels := t.labels[o]
	t.mu.RUnlock()
	if labels != nil {
		return labels
	}
	all := append(slices.Clone(t.server), semconv.URLTemplate(o.what.Path))
	if o.status != 0 {
		all = append(all, semconv.HTTPResponseStatusCode(o.status))
	}
	if o.class != "" {
		all = append(all, semconv.ErrorTypeKey.String(o.class))
	}
	labels = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(all...))}
	t.mu.Lock()
	t.labels[o] = labels
	t.mu.Unlock()
	return labels
}
