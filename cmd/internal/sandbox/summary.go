package sandbox

import (
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// summary is what is said at the end.
func summary(r result) string {
	var b strings.Builder
	b.WriteString("\n")
	if r.replayed && len(r.Breaches) > 0 {
		b.WriteString("Letters were replayed, which this account does not follow: of them it says that they are delivered and\ndead-lettered, altered by a repair, or out of order.\n\n")
	}
	fmt.Fprint(&b, r.Findings)
	seconds := r.took.Seconds()
	fmt.Fprintf(&b, "%s of publishing, %s events/s; %s calls, %s failed\n",
		words.Elapsed(r.took), words.PerSecond(float64(r.Published)/seconds), words.Grouped(r.calls), words.Grouped(r.failed))
	if r.notPublished > 0 {
		fmt.Fprintf(&b, "%s events were not taken by the broker, and are not counted\n", words.Grouped(r.notPublished))
	}
	if r.foreign+r.foreignLetter > 0 {
		fmt.Fprintf(&b, "besides, of events that others, or an earlier run, have published: %s delivered, %s dead-lettered\n",
			words.Grouped(r.foreign), words.Grouped(r.foreignLetter))
	}
	switch {
	case len(r.Breaches) > 0 && !r.replayed, r.Breaches[audit.Lost] > 0:
		b.WriteString("NOT every event is accounted for.\n")
	case r.Pending > 0 && !r.hurried:
		were := "events were"
		if r.Pending == 1 {
			were = "event was"
		}
		fmt.Fprintf(&b, "%s %s still under way when --settle %s was over.\n", words.Grouped(r.Pending), were, r.settle)
	case r.Pending > 0:
		b.WriteString("Every event is accounted for, those included that nobody wanted to wait for.\n")
	case r.replayed:
		b.WriteString("No event is lost.\n")
	default:
		b.WriteString("Every event is accounted for.\n")
	}
	return b.String()
}
