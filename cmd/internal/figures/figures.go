// Package figures writes numbers and durations as people read them at a glance.
package figures

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Grouped writes n with a comma before every third digit.
func Grouped[T int | int64](n T) string {
	digits := []byte(strconv.FormatInt(int64(n), 10))
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}

// PerSecond writes a rate without its unit: with a digit behind the point below 10, and else like [Grouped].
func PerSecond(rate float64) string {
	if rate > 0 && rate < 10 {
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return Grouped(int64(math.Round(rate)))
}

// Round leaves two digits or three of a duration.
func Round(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
}

// Clock writes a duration as 0:05 or 1:02:03.
func Clock(d time.Duration) string {
	seconds := int(d.Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
