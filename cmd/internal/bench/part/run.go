package part

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
)

// configuration is that of the pipeline in a benchmark: the defaults but for what the workload says.
func configuration(t Task) (*config.Config, error) {
	quoted := make([]string, len(t.Brokers))
	for i, addr := range t.Brokers {
		quoted[i] = strconv.Quote(addr)
	}
	text := fmt.Sprintf(`
kafka: {brokers: [%s], group: %q}
msdk: {base_url: %q}
apps: [{appid: %s, appkey: %s, topics: [%q], schema: "builtin:any"}]
batch: {max_records: %d}
delivery: {max_in_flight: %d}
http: {listen: 127.0.0.1:0}
`, strings.Join(quoted, ", "), t.Group, t.MSDK, workload.AppID, workload.AppKey, t.Topic, t.Workload.Batch, t.Workload.InFlight)
	cfg, err := config.Parse([]byte(text), ".", os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("configure the pipeline: %w", err)
	}
	return cfg, nil
}

// follow has spans exported to the sink, if the workload is traced. The variables are those of this process alone.
func follow(t Task, links int, log *slog.Logger) (*telemetry.Tracing, error) {
	share, err := t.Workload.Traces.Share()
	if err != nil {
		return nil, err
	}
	for _, v := range os.Environ() { // of who has started the benchmark
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OTEL_") {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	if share > 0 {
		for name, value := range map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": t.MSDK,
			"OTEL_TRACES_SAMPLER":         "parentbased_traceidratio",
			"OTEL_TRACES_SAMPLER_ARG":     strconv.FormatFloat(share, 'g', -1, 64),
		} {
			if err := os.Setenv(name, value); err != nil {
				return nil, err
			}
		}
	}
	return telemetry.NewTracing("bench", links, log), nil
}

// playRun does what battlereport run does, until ctx ends.
func playRun(ctx context.Context, t Task, say func(any) error, stderr io.Writer) error {
	cfg, err := configuration(t)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(cfg.Telemetry.LogLevel, cfg.Telemetry.LogFormat, stderr)
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		return err
	}
	tracing, err := follow(t, cfg.Batch.MaxRecords, log)
	if err != nil {
		return err
	}
	p, err := pipeline.New(cfg, pipeline.Options{Logger: log, MeterProvider: metrics.Provider(), TracerProvider: tracing.Provider()})
	if err != nil {
		return err
	}
	defer p.Close()
	server, err := telemetry.Listen(cfg.HTTP.Listen, metrics, p.NotReady, log)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Close(ctx)
	}()
	if err := p.Run(ctx); err != nil {
		return err
	}
	tracing.Shutdown()
	return say(expenses())
}
