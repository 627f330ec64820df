package deadlettercmd

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// momentForms are the ways in which a time can be given, besides how long ago it was. One without a zone is local.
var momentForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
}

// parseMoment reads a time, or how long ago it was.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if ago, err := parseSpan(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, form := range momentForms {
		if at, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, form := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, errors.New("want how long ago, such as 30m, 2h or 3d, or a time such as 2006-01-02T15:04:05Z, 2006-01-02 15:04 or 15:04")
}

// parseSpan reads a duration as Go writes it, with days and weeks besides.
func parseSpan(text string) (time.Duration, error) {
	var total time.Duration
	rest := text
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, err
		}
		total, rest = total+time.Duration(n)*unit.is, after
	}
	if rest == "" && text != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err == nil && d < 0 {
		err = errors.New("in the future")
	}
	return total + d, err
}
