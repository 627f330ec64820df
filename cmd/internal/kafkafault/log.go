package kafkafault

import (
	"context"
	"log/slog"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// Logger returns a logger that tells errors of Kafka's by their cause: for those who talk to Kafka, and know no more of
// an error than that they have it.
func Logger(k *config.Kafka, log *slog.Logger) *slog.Logger {
	return slog.New(&handler{k, log.Handler()})
}

type handler struct {
	kafka *config.Kafka
	slog.Handler
}

// Handle explains the errors among the attributes of the record.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	explained := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(Explain(h.kafka, err))
		}
		explained.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, explained)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.kafka, h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.kafka, h.Handler.WithGroup(name)}
}
