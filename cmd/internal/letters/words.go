package letters

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Grouped writes n with a comma before every third digit.
func Grouped[T int | int64](n T) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// Number returns "1 letter" or "2,000 letters".
func Number[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

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

// Share writes a part of a whole in percent, with a digit behind the point where there is none before it that says
// enough.
func Share(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	percent := 100 * float64(part) / float64(whole)
	switch {
	case part == whole, part == 0:
		return fmt.Sprintf("%.0f%%", percent)
	case percent < 0.1:
		return "<0.1%"
	case percent > 99.9:
		return ">99.9%"
	default:
		return fmt.Sprintf("%.1f%%", percent)
	}
}

// clock writes a time as short as it can be understood at another time: without the date on the same day, and with the
// year in another.
func clock(at, now time.Time, seconds bool) string {
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

// Wrap breaks a line that is wider than the view between words.
func (v View) Wrap(line string) string {
	if v.Width == 0 || Width(line) <= v.Width {
		return line
	}
	return strings.Join(v.wrap(line), "\n")
}

// zone names the time zone that times are shown in.
func zone(now time.Time) string {
	name, _ := now.Zone()
	return name
}
