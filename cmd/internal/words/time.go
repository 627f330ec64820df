package words

import (
	"fmt"
	"strconv"
	"time"
)

// Span writes a duration as a person says it, to two units at most: "45s", "2h 5m", "3d 4h".
func Span(d time.Duration) string {
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.of {
			continue
		}
		text := strconv.FormatInt(int64(d/u.of), 10) + u.name
		if i+1 < len(units) {
			if rest := d % u.of / units[i+1].of; rest > 0 {
				text += fmt.Sprintf(" %d%s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0s"
}

// Clock writes a time in the zone of now, as short as it can be understood then: without the date on the same day, and
// with the year in another.
func Clock(at, now time.Time, seconds bool) string {
	at = at.In(now.Location())
	hour := "15:04"
	if seconds {
		hour = "15:04:05"
	}
	switch {
	case at.Year() != now.Year():
		return at.Format("2006-01-02 " + hour)
	case at.YearDay() != now.YearDay():
		return at.Format("Jan 02 " + hour)
	default:
		return at.Format(hour)
	}
}
