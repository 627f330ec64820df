package words

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// PerSecond writes a rate without its unit: with a digit behind the point below 10, and else like [Grouped].
func PerSecond(rate float64) string {
	if rate > 0 && rate < 10 {
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return Grouped(int64(math.Round(rate)))
}

// Rough leaves two digits or three of a duration.
func Rough(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
}

// Elapsed writes a duration as 0:05 or 1:02:03.
func Elapsed(d time.Duration) string {
	seconds := int(d.Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
