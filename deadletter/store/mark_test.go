package store

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

func TestAResolutionWithoutATimeIsNeverTooOld(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for rule, test := range map[string]struct {
		written time.Time
		old     bool
	}{
		"of a year ago": {now.AddDate(-1, 0, 0), true},
		"of today":      {now, false},
		"of no time":    {time.Time{}, false},
		"Kafka's none":  {time.UnixMilli(-1), false},
		"of seconds":    {time.UnixMilli(now.Unix()), false},
	} {
		m := markOf(deadletter.Replayed, test.written)
		if old := m.day() < markDay(now.Add(-deadletter.Retention)); old != test.old || m.state() != deadletter.Replayed {
			t.Errorf("%s: too old: %v, %s", rule, old, m.state())
		}
	}
}
