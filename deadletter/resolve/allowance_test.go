package resolve

import (
	"testing"
	"time"
)

func TestATransactionIsOfWhatTheOneBeforeHasShownToBeWrittenSoon(t *testing.T) {
	for rule, test := range map[string]struct {
		allowed allowance
		bytes   int
		took    time.Duration
		want    allowance
	}{
		"twice as much after one that was swift":           {64 << 10, 65 << 10, 20 * time.Millisecond, 128 << 10},
		"as much after one that was not full":              {64 << 10, 10 << 10, 20 * time.Millisecond, 64 << 10},
		"never more than fits into memory":                 {mostBytes, 4 << 20, time.Second, mostBytes},
		"what would have been soon after one that was not": {1 << 20, 1 << 20, 50 * time.Second, 1 << 20 / 10},
		"less after one that was not full and took long":   {1 << 20, 512 << 10, 20 * time.Second, 128 << 10},
		"some letters at least, however long they take":    {leastBytes, 5000, 48 * time.Hour, leastBytes},
	} {
		allowed := test.allowed
		if allowed.took(test.bytes, test.took); allowed != test.want {
			t.Errorf("%s: %d bytes, want %d", rule, allowed, test.want)
		}
	}
}
