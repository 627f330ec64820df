package words

import (
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0":         Grouped(0),
		"999":       Grouped(999),
		"1,000":     Grouped(1000),
		"-12,345":   Grouped(-12345),
		"1,234,567": Grouped(1234567),
		"0.5":       PerSecond(0.5),
		"1,235":     PerSecond(1234.6),
		"212ms":     Rough(212_345_678).String(),
		"1.23s":     Rough(1_234_567_890).String(),
		"1:02:03":   Elapsed(time.Hour + 2*time.Minute + 3*time.Second),
		"59:59":     Elapsed(time.Hour - 1),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
