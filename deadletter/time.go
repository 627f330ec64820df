package deadletter

import (
	"errors"
	"time"
)

// timeLayout is RFC 3339 in UTC with milliseconds, Kafka's own precision.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// timeText is a time as it is written.
func timeText(at time.Time) string { return readable(at).Format(timeLayout) }

// readable is a time as it is read back: in milliseconds, and zero where there is none.
// Kafka's times begin at 0 ms, and -1 says that there is none; a producer may write any
// number, but RFC 3339 ends with the year 9999: what is later is as late as can be written.
func readable(at time.Time) time.Time {
	last := time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	switch {
	case at.UnixMilli() < 0:
		return time.Time{}
	case at.After(last):
		return last
	}
	return at.UTC().Truncate(time.Millisecond)
}

var errNoTime = errors.New("it is no time of Kafka's")

// parseTime reads any time of RFC 3339. The last millisecond of 1969, which is Kafka's -1,
// is none: older versions wrote it.
func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err == nil && (at.UnixMilli() < -1 || at.UTC().Year() > 9999) {
		err = errNoTime
	}
	if err != nil {
		return time.Time{}, err
	}
	return readable(at), nil
}
