package words

import (
	"strings"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))
	for _, test := range []struct{ got, want string }{
		{Grouped(0), "0"},
		{Grouped(999), "999"},
		{Grouped(1000), "1,000"},
		{Grouped(-1234567), "-1,234,567"},
		{Number(1, "letter"), "1 letter"},
		{Number(0, "letter"), "0 letters"},
		{Number(int64(2000), "letter"), "2,000 letters"},
		{Span(0), "0s"},
		{Span(-time.Second), "0s"},
		{Span(59*time.Second + 999*time.Millisecond), "59s"},
		{Span(2 * time.Hour), "2h"},
		{Span(2*time.Hour + 5*time.Minute + 7*time.Second), "2h 5m"},
		{Span(30*day + 5*time.Minute), "30d"},
		{Count(1, "app"), "1 app"},
		{Count(2000, "record"), "2000 records"},
		{Share(0, 0), "-"},
		{Share(0, 5), "0%"},
		{Share(5, 5), "100%"},
		{Share(1, 3), "33.3%"},
		{Share(1, 100_000), "<0.1%"},
		{Share(99_999, 100_000), ">99.9%"},
		{Clock(noon, noon, false), "12:00"},
		{Clock(noon.UTC(), noon, true), "12:00:00"},
		{Clock(noon.Add(-13*time.Hour), noon, false), "Nov 21 23:00"},
		{Clock(noon.AddDate(-1, 0, 0), noon, false), "2025-11-22 12:00"},
		{strings.Join(Wrap("one two three  four", 9), "|"), "one two|three|four"},
		{strings.Join(Wrap("", 9), "|"), ""},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
