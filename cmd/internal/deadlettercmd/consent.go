package deadlettercmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// heading is what would be done, in a line.
func (w *work) heading(plan *triage.Plan) string {
	text := fmt.Sprintf("%s would be %s", words.Number(plan.Letters, "letter"), w.done)
	if plan.Letters == 0 {
		return "No letter can be " + w.done + "."
	}
	if targets := targetsOf(plan); targets != "" {
		text += " to " + targets
	}
	if plan.Repaired > 0 {
		text += fmt.Sprintf(", %s of them repaired", words.Grouped(plan.Repaired))
	}
	if unchanged := w.unchanged(plan); unchanged > 0 {
		text += ", unchanged by the repair: " + words.Grouped(unchanged)
	}
	if droppings := w.droppings(plan); droppings != "" {
		text += ", without the header " + droppings
	}
	switch {
	case w.because != "":
		text += ", because: " + words.Visible(w.because)
	case w.rate > 0:
		took := time.Duration(float64(plan.Letters) / w.rate * float64(time.Second)).Round(time.Second)
		text += fmt.Sprintf("; at %s that takes %s", perTime(w.rate), words.Span(max(took, time.Second)))
	}
	if w.most > 0 && plan.Letters == w.most {
		text += "; more may match, which --max leaves"
	}
	return strings.TrimSpace(text + ". " + w.caution)
}

// unchanged is how many letters of the plan the repair leaves as they are, if there is one.
func (w *work) unchanged(plan *triage.Plan) int64 {
	if w.repair == nil {
		return 0
	}
	return plan.Letters - plan.Repaired
}

// perTime says a rate, given a second, in whole letters.
func perTime(rate float64) string {
	for _, unit := range []string{"second", "minute"} {
		if rate >= 1 {
			return words.Grouped(int64(rate)) + " a " + unit
		}
		rate *= 60
	}
	return words.Grouped(int64(rate)) + " an hour"
}

func targetsOf(plan *triage.Plan) string {
	return strings.Join(slices.Sorted(maps.Keys(plan.Targets)), ", ")
}

// consent returns nil if the plan may be carried out: somebody has said yes, on the command line or now.
func (w *work) consent(ctx context.Context, plan *triage.Plan) error {
	if w.opts.dryRun || w.opts.yes || plan.Letters == 0 {
		return nil
	}
	return cli.Consent(ctx, w.cmd, w.question(plan))
}

func (w *work) question(plan *triage.Plan) string {
	text := strings.ToUpper(w.verb[:1]) + w.verb[1:] + " " + words.Number(plan.Letters, "letter")
	if targets := targetsOf(plan); targets != "" {
		text += " to " + targets
	}
	return text + "?"
}
