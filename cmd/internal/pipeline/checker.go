package pipeline

import (
	"fmt"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/schema"
)

// Checker says which values of an app's records the pipeline delivers; who
// publishes asks it beforehand. Safe for concurrent use.
type Checker struct {
	MaxBytes int // of a value

	schema     *schema.Schema
	needsScore bool
}

// NewChecker loads the app's schema.
func NewChecker(app config.App) (*Checker, error) {
	limits := schema.DefaultLimits()
	s, err := schema.Load(app.Schema, limits)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", app.AppID, err)
	}
	return &Checker{MaxBytes: limits.MaxBytes, schema: s, needsScore: app.Route == routeScore}, nil
}

// Check returns what a report says, or why it is refused.
func (c *Checker) Check(value []byte) (schema.Report, *schema.Refusal) {
	report, refusal := c.schema.Check(value)
	if refusal == nil && c.needsScore && len(report.Score) == 0 {
		v := schema.Violation{
			Instance: "/battleinfo/score", Keyword: "/required",
			Message: "route " + routeScore + " reports battleinfo.score, and there is no integer",
		}
		refusal = &schema.Refusal{Reason: schema.SchemaViolation, Detail: v.Instance + ": " + v.Message, Violations: []schema.Violation{v}}
	}
	return report, refusal
}
