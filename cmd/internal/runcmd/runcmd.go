// Package runcmd is the command run: the pipeline as a process, with its log, its probes and metrics, and a bound for its
// memory. What the pipeline does is package pipeline's.
package runcmd

import (
	"cmp"
	"context"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/msdkclient"
)

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Take battle reports from Kafka and deliver them",
		Long: `Joins the consumer group, checks each record, posts the good ones to MSDK in batches, writes the others and what cannot
be delivered to the dead-letter topic, and commits what is settled. Run as many of it as there is work for: they
share the partitions.

SIGTERM or SIGINT: stops taking, finishes what is in flight within delivery.drain_timeout, commits, leaves the group
and exits 0. A second signal ends it at once; what was not committed is then delivered again by the next.

On http.listen: /livez, /readyz (in the group, and dead letters can be written), /metrics (Prometheus), /debug/pprof/.
The log goes to standard error. Its first line names the proxy, if calls go through one: HTTPS_PROXY, HTTP_PROXY and
NO_PROXY are respected.

The dead-letter and replay topics are created at the start if they do not exist. Where this client may not do that, it
says which to create and exits 2, as it does for all that will not pass: a wrong password, a right that is denied.
Brokers that cannot be reached, or are too few, are waited for.

Traces are exported by OTLP if OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_TRACES_EXPORTER=otlp, asks for it, as the other
standard variables OTEL_* say: OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG=0.01, for
example, follows one batch in a hundred, and those with a record whose producer is followed.

Files of certificates, authorities and secrets may be replaced while it runs: what is in them counts from the next
handshake, or call, on.

Exit codes: 0 drained after a signal, 2 cannot work as configured.`,
		Example: `  battlereport run -c battlereport.yaml
  MSDK_APPKEY=... battlereport run -c battlereport.yaml --log-format text
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 battlereport run -c battlereport.yaml`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	level := &cli.Choice{Allowed: []string{"debug", "info", "warn", "error"}}
	format := &cli.Choice{Allowed: []string{"json", "text"}}
	cmd.Flags().Var(level, "log-level", "`LEVEL` of the log in the place of telemetry.log_level: "+strings.Join(level.Allowed, ", "))
	cmd.Flags().Var(format, "log-format", "`FORMAT` of the log in the place of telemetry.log_format: "+strings.Join(format.Allowed, ", "))
	listen := cmd.Flags().String("listen", "", "`HOST:PORT` for probes and metrics in the place of http.listen")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		cfg.Telemetry.LogLevel = cmp.Or(level.Value, cfg.Telemetry.LogLevel)
		cfg.Telemetry.LogFormat = cmp.Or(format.Value, cfg.Telemetry.LogFormat)
		cfg.HTTP.Listen = cmp.Or(*listen, cfg.HTTP.Listen)
		return serve(cmd, cfg)
	}
	return cmd
}

// serve runs the pipeline until the command's context ends.
func serve(cmd *cobra.Command, cfg *config.Config) error {
	log := telemetry.NewLogger(cfg.Telemetry.LogLevel, cfg.Telemetry.LogFormat, cmd.ErrOrStderr())
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		return err
	}
	limitMemory(cfg.Delivery.MaxPendingBytes)
	proxy, err := msdkclient.ProxyFor(cfg.MSDK.BaseURL, os.Getenv)
	if err != nil {
		return err
	}
	version := cli.ThisVersion()
	if err := metrics.TellBuild(version.Version, version.Revision); err != nil {
		return err
	}
	tracing := telemetry.NewTracing(version.Version, cfg.Batch.MaxRecords, log)
	defer tracing.Shutdown()
	p, err := pipeline.New(cfg, pipeline.Options{
		Logger: log, MeterProvider: metrics.Provider(), TracerProvider: tracing.Provider(), UserAgent: version.UserAgent("battlereport"),
	})
	if err != nil {
		return err
	}
	defer p.Close()
	log.Info("battlereport", "version", version.Version, "brokers", cfg.Kafka.Brokers, "group", cfg.Kafka.Group,
		"topics", cfg.SourceTopics(), "msdk", cfg.MSDK.BaseURL, "proxy", proxy.String())
	if cfg.HTTP.Listen != "" {
		server, err := telemetry.Listen(cfg.HTTP.Listen, metrics, p.NotReady, log)
		if err != nil {
			return err
		}
		log.Info("serving probes and metrics", "address", server.Addr())
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			_ = server.Close(ctx)
		}()
	}
	return p.Run(cmd.Context())
}

// limitMemory has the garbage collector work harder before the process takes more
// than what waits for delivery, as much again for what is fetched beside it, and some
// for all else: by itself it would let the heap grow to twice of that. What GOMEMLIMIT
// says goes before.
func limitMemory(maxPendingBytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		const rest = 64 << 20
		debug.SetMemoryLimit(2*maxPendingBytes + rest)
	}
}
