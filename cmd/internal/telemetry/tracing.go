package telemetry

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing exports spans by OTLP, if the environment asks for it. Safe for concurrent use.
//
// The exporters are used as they are and not through contrib's autoexport, which brings those of metrics and logs, and
// Prometheus once more, into the program: 2.5 MB and 38 modules for nothing that is used. gRPC beside HTTP is but 0.2 MB:
// OTLP's own types import it.
type Tracing struct {
	provider *sdktrace.TracerProvider // nil: nobody asks
	exporter *patient
}

// NewTracing returns what the standard variables ask for: OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_…,
// OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_SPAN_…_LIMIT and OTEL_BSP_…. Without an exporter or an endpoint
// among them nothing is traced. Where one of them cannot be what is meant, the log names it, its value and what is
// allowed, and nothing is traced either: a wrong variable is no reason not to deliver.
//
// A span may have as many links as are given, and no fewer than 128, unless OTEL_SPAN_LINK_COUNT_LIMIT says otherwise.
// The collector is not asked before there is something to tell.
func NewTracing(version string, links int, log *slog.Logger) *Tracing {
	env, faults := readEnvironment()
	for _, f := range faults {
		log.Warn("nothing is traced: a variable is not what it can be", "variable", f.variable, "value", f.value, "want", f.want)
	}
	if len(faults) > 0 || !env.asked {
		return &Tracing{}
	}
	ctx := context.Background()
	var exporter sdktrace.SpanExporter
	var err error
	if env.protocol == protocolGRPC {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		log.Warn("nothing is traced: the exporter cannot be made", "error", err)
		return &Tracing{}
	}
	own, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "battlereport"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil { // it has what could be found out
		log.Warn("the traces' resource is not all that was asked for", "error", err)
	}
	limits := sdktrace.NewSpanLimits()
	if !env.limited {
		limits.LinkCountLimit = max(links, limits.LinkCountLimit)
	}
	t := &Tracing{exporter: newPatient(exporter, log)}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithResource(own), sdktrace.WithRawSpanLimits(limits), sdktrace.WithSampler(env.sampler),
		sdktrace.WithBatcher(t.exporter, batching(limits.LinkCountLimit)...),
	)
	log.Info("spans are exported", "to", env.endpoint, "protocol", env.protocol, "sampler", env.sampling)
	return t
}

// batching keeps what waits for export, and what is sent at a time, as small in bytes as the SDK's numbers of spans have
// it for spans of its own limit of links: collectors refuse large messages, by gRPC of more than 4 MiB as a rule. What
// OTEL_BSP_… say goes before.
func batching(links int) (opts []sdktrace.BatchSpanProcessorOption) {
	fewer := func(spans int) int {
		return max(1, spans*sdktrace.DefaultLinkCountLimit/max(links, sdktrace.DefaultLinkCountLimit))
	}
	if valueOf("OTEL_BSP_MAX_QUEUE_SIZE") == "" {
		opts = append(opts, sdktrace.WithMaxQueueSize(fewer(sdktrace.DefaultMaxQueueSize)))
	}
	if valueOf("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") == "" {
		opts = append(opts, sdktrace.WithMaxExportBatchSize(fewer(sdktrace.DefaultMaxExportBatchSize)))
	}
	return opts
}

// Provider makes spans for the packages; nil if nobody asks for any.
func (t *Tracing) Provider() trace.TracerProvider {
	if t.provider == nil {
		return nil
	}
	return t.provider
}

// shutdownWithin is how long the end may take, and flushWithin how much of that is for spans that are not exported yet:
// then what is under way is given up, which is said before the end.
const (
	shutdownWithin = 2 * time.Second
	flushWithin    = shutdownWithin - 300*time.Millisecond
)

// Shutdown exports the spans that have ended, which takes two seconds at most.
func (t *Tracing) Shutdown() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWithin)
	defer cancel()
	defer t.exporter.giveUp()
	defer time.AfterFunc(flushWithin, t.exporter.giveUp).Stop()
	_ = t.provider.Shutdown(ctx) // what could not be exported the exporter has said
}
