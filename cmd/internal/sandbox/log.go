package sandbox

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/telemetry"
)

// openLog is where the pipeline logs to: a file, or what shows warnings and errors to people.
func openLog(o *options, people io.Writer) (log *slog.Logger, closeLog func(), err error) {
	if o.Log == "" {
		level := slog.LevelWarn
		if o.Verbose {
			level = slog.LevelInfo
		}
		return slog.New(slog.NewTextHandler(people, &slog.HandlerOptions{Level: level, ReplaceAttr: shortTime})), func() {}, nil
	}
	file, err := os.Create(o.Log)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	level := "info"
	if o.Verbose {
		level = "debug"
	}
	return telemetry.NewLogger(level, "json", file), func() { _ = file.Close() }, nil
}

// shortTime leaves the date out: lines above a view are short of room.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
	}
	return a
}
