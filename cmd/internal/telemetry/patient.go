package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// patient is an exporter whose failures are mentioned in the log once a minute, and harm nobody: so are those of a collector
// that comes and goes. It stands in the place of OpenTelemetry's error handler, which is one for the whole process and knows
// nothing of what was lost.
type patient struct {
	sdktrace.SpanExporter
	log *slog.Logger

	ctx    context.Context // ends when there is no time left to export
	giveUp context.CancelFunc

	mu      sync.Mutex
	said    time.Time // when a failure was mentioned last
	failing bool      // as far as the log tells
	lost    int       // spans since the log last told that it works
}

// sayAgain is after how long a failure that lasts is said again.
const sayAgain = time.Minute

func newPatient(e sdktrace.SpanExporter, log *slog.Logger) *patient {
	p := &patient{SpanExporter: e, log: log}
	p.ctx, p.giveUp = context.WithCancel(context.Background())
	return p
}

// ExportSpans never fails.
func (p *patient) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(p.ctx, cancel)
	defer stop()
	p.note(len(spans), p.SpanExporter.ExportSpans(ctx, spans))
	return nil
}

func (p *patient) note(spans int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case err != nil:
		p.lost += spans
		if now.Sub(p.said) >= sayAgain {
			p.said, p.failing = now, true
			p.log.Warn("spans cannot be exported: they are lost", "lost", p.lost, "error", clip(err.Error()))
		}
	case p.failing:
		p.log.Info("spans are exported again", "lost", p.lost)
		p.failing, p.lost = false, 0
	}
}

// clip shortens what may quote a server's whole answer.
func clip(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
