package admission

import (
	"fmt"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/schema"
)

// App is a configured app, and which records of it are fit. It is not changed, and safe for concurrent use.
type App struct {
	config.App

	Index    int // its place in the configuration, from 0
	MaxBytes int // of a value, and of a key

	schema *schema.Schema
}

// NewApp loads the app's schema.
func NewApp(cfg config.App) (*App, error) {
	limits := schema.DefaultLimits()
	s, err := schema.Load(cfg.Schema, limits)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", cfg.AppID, err)
	}
	return &App{App: cfg, MaxBytes: limits.MaxBytes, schema: s}, nil
}

// SchemaNotes returns what of the app's schema looks like a check and is none.
func (a *App) SchemaNotes() []schema.Note { return a.schema.Lint() }

// Admit returns what a record of the app reports, or why it is refused. Excess is what its reader left out of it because
// there was too much; the zero value is nothing.
func (a *App) Admit(key, value []byte, headers []consumer.Header, excess consumer.Excess) (schema.Report, *Refusal) {
	if refusal := tooManyHeaders(headers, excess); refusal != nil {
		return schema.Report{}, refusal
	}
	if size := max(len(key), excess.Key); size > a.MaxBytes {
		return schema.Report{}, refuse(deadletter.TooLarge, "the key has %d bytes, %d are allowed", size, a.MaxBytes)
	}
	if excess.Value > 0 {
		return schema.Report{}, refuse(deadletter.TooLarge, "%d bytes, %d are allowed", excess.Value, a.MaxBytes)
	}
	report, refused := a.schema.Check(value)
	if refused == nil && a.Route == config.RouteScore && len(report.Score) == 0 {
		const instance, message = "/battleinfo/score", "route " + config.RouteScore + " reports battleinfo.score, and there is no integer"
		refused = &schema.Refusal{
			Reason: schema.SchemaViolation, Detail: instance + ": " + message,
			Violations: []schema.Violation{{Instance: instance, Keyword: "/required", Message: message}},
		}
	}
	if refused == nil {
		return report, nil
	}
	refusal := &Refusal{Reason: deadletter.Reason(refused.Reason), Detail: refused.Detail}
	for _, v := range refused.Violations {
		refusal.Violations = append(refusal.Violations, deadletter.Violation(v))
	}
	return report, refusal
}
