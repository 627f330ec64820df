// Package words writes for people: numbers and times as they say them, and text from outside so that it can be shown
// in the columns of a terminal.
//
// What [Visible] returns has no character that a terminal would take for more than text, whatever it was made of. The
// other functions keep what they are given as it is, so text from outside goes through Visible first. All are safe for
// concurrent use; none knows a language other than English.
package words

import (
	"fmt"
	"strconv"
	"strings"
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

// Count returns "1 record" or "2000 records", the number as other programs read it.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
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
