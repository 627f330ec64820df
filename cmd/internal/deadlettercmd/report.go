package deadlettercmd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A workReport is what became of letters, for scripts.
type workReport struct {
	Run       string            `json:"run"`
	By        string            `json:"by"`
	DryRun    bool              `json:"dry_run"`
	To        []string          `json:"to,omitempty"` // the topics of replays
	Dropped   []triage.Count    `json:"dropped_headers,omitempty"`
	Planned   int64             `json:"planned"`
	Done      int64             `json:"done"`          // replayed or discarded
	Repaired  int64             `json:"repaired"`      // of these
	Unchanged int64             `json:"unchanged"`     // by the repair, of those planned
	Rounded   int64             `json:"rounded"`       // of those planned
	Raw       bool              `json:"raw,omitempty"` // the repair is of the text
	Skipped   int64             `json:"skipped"`       // another run has resolved them meanwhile
	Unknown   int64             `json:"unknown"`       // the connection broke before the answer
	Left      []triage.Hindered `json:"left"`          // as they are, and why
	Before    []triage.Hindered `json:"before"`        // were resolved before
	Seconds   float64           `json:"seconds"`
	Error     string            `json:"error,omitempty"` // what ended it
}

// report says what became of the plan, which err may have ended.
func (w *work) report(plan *triage.Plan, err error) error {
	out := w.cmd.OutOrStdout()
	if w.opts.json {
		r := workReport{
			Run: w.run.ID, By: w.run.By, DryRun: w.opts.dryRun, To: slices.Sorted(maps.Keys(plan.Targets)), Dropped: plan.Droppings(w.drop), Planned: plan.Letters, Done: w.resolved, Repaired: w.repaired,
			Unchanged: w.unchanged(plan), Rounded: plan.Rounded, Raw: w.repair != nil && w.repair.Raw(), Skipped: w.skipped, Unknown: w.unknown, Left: append(plan.Obstacles(), w.unresolved.Obstacles()...), Before: plan.Resolved(),
			Seconds: math.Round(w.took.Seconds()*1000) / 1000, // nobody reads more
		}
		if err != nil {
			r.Error = err.Error()
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(r)
	}
	if plan.Letters == 0 {
		return nil
	}
	text := fmt.Sprintf("\n%s %s", w.done, words.Number(w.resolved, "letter"))
	if err != nil {
		text += " of " + words.Grouped(plan.Letters)
	}
	if w.repaired > 0 {
		text += fmt.Sprintf(", %s of them repaired,", words.Grouped(w.repaired))
	}
	if targets := targetsOf(plan); targets != "" {
		text += " to " + targets
	}
	text += fmt.Sprintf(" in %s", w.took.Round(100*time.Millisecond))
	if seconds := w.took.Seconds(); seconds > 0 {
		text += fmt.Sprintf(", %s/s", words.Grouped(int64(float64(w.resolved)/seconds)))
	}
	text += fmt.Sprintf("\nrun %s, by %s\n", w.run.ID, w.run.By)
	if unchanged := w.resolved - w.repaired; unchanged > 0 && w.repair != nil {
		text += fmt.Sprintf("unchanged by the repair: %s\n", words.Grouped(unchanged))
	}
	if left := triage.Total(plan.Obstacles()); left > 0 && err == nil {
		text += fmt.Sprintf("left %s as they are, as said above\n", words.Number(left, "letter"))
	}
	if w.skipped > 0 {
		text += fmt.Sprintf("skipped %s that another run has resolved meanwhile\n", words.Number(w.skipped, "letter"))
	}
	if w.unknown > 0 {
		text += fmt.Sprintf("of %s it is not known whether they are %s: the answer was lost; the same command run again finds out, and does none twice\n",
			words.Number(w.unknown, "letter"), w.done)
	}
	if err != nil && !kafkafault.Stays(err) {
		text += "to go on, run the same command again: what is done is not done twice\n"
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = words.Fit(lines[i], w.style.Width)
	}
	if _, err := io.WriteString(out, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return view.Obstacles(out, w.style, w.unresolved)
}
