package part

import (
	"context"
	"fmt"
	"io"
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
	p, err := pipeline.New(cfg, pipeline.Options{Logger: log, MeterProvider: metrics.Provider()})
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
	return say(expenses())
}
