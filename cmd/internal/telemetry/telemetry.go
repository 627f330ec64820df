// Package telemetry wires what the packages say about themselves to the outside:
// logs to a writer, metrics to a Prometheus page, health to two probes, traces to
// a collector if the environment names one. The packages themselves use the
// OpenTelemetry API and log/slog only.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// NewLogger returns a logger that writes to w, with the ids of the trace where a
// line is about one. level is debug, info, warn or error, format json or text;
// anything else counts as info and json.
func NewLogger(level, format string, w io.Writer) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // JSON would have it in nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if format == "text" {
		return slog.New(Traced(slog.NewTextHandler(w, opts)))
	}
	return slog.New(Traced(slog.NewJSONHandler(w, opts)))
}

// Metrics gathers measurements and shows them as a Prometheus page. Safe for
// concurrent use.
type Metrics struct {
	provider *sdkmetric.MeterProvider
	registry *prometheus.Registry
}

// mostSeries is how many series an instrument has at most: those beyond are counted together, as otel_metric_overflow.
// OpenTelemetry's own bound is less than an app's reasons, or a member's partitions, come to where there are many. What is a
// label is bounded elsewhere; this is for what nobody has thought of.
const mostSeries = 50_000

// NewMetrics returns an empty collection, with the Go runtime's and the
// process's own metrics.
func NewMetrics() (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		// The scope of an instrument is in its name already.
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("metrics exporter: %w", err)
	}
	return &Metrics{
		provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithCardinalityLimit(mostSeries)),
		registry: registry,
	}, nil
}

// Provider makes instruments for the packages.
func (m *Metrics) Provider() metric.MeterProvider { return m.provider }

// TellBuild has the page tell what the program was built from: its version, and the
// commit, which may be empty. It may be called once.
func (m *Metrics) TellBuild(version, commit string) error {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "battlereport_build_info",
		Help:        "1, with what the program was built from.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	})
	info.Set(1)
	if err := m.registry.Register(info); err != nil {
		return fmt.Errorf("metric of the build: %w", err)
	}
	return nil
}

// Handler serves the page: to who asks for OpenMetrics in that form, with exemplars,
// which lead from a bucket to the trace of a call in it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Shutdown ends the collection.
func (m *Metrics) Shutdown(ctx context.Context) error { return m.provider.Shutdown(ctx) }
