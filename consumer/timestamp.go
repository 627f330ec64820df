package consumer

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// earliest is the first time that is believed, in milliseconds: of the year 1990. A time of
// today counted in seconds is of January 1970, where milliseconds are meant, and clocks
// that were never set begin in 1970 or 1980.
const earliest = 631_152_000_000

// MaxAhead is by how much clocks differ that are right: what is farther ahead of this
// machine's is odd. Kafka's own bound is an hour from 4.0 on, and none before
// (message.timestamp.after.max.ms).
const MaxAhead = 5 * time.Minute

// Dated tells whether a timestamp is one that somebody can have meant, as far as that can be
// told without a clock: it is none if there is none, or if it is of before 1990.
func Dated(at time.Time) bool { return at.UnixMilli() >= earliest }

// Age is how long ago the record's timestamp was. It is not known of a record that is not
// [Dated], nor of one that is ahead of now.
func (r *Record) Age(now time.Time) (age time.Duration, known bool) {
	return now.Sub(r.Time), Dated(r.Time) && !r.Time.After(now)
}

// time is since when the record is counted as waiting, in milliseconds: its timestamp, or, if
// its age is not known, when it was first seen here.
func (r *Record) time(now time.Time) int64 {
	switch _, known := r.Age(now); {
	case known:
		return r.Time.UnixMilli()
	case !r.Passed.IsZero():
		return r.Passed.UnixMilli()
	default:
		return now.UnixMilli()
	}
}

// oddity is what is wrong with a timestamp.
type oddity uint8

const (
	usual   oddity = iota
	missing        // there is none
	past           // of before anybody can have meant it
	future         // ahead of this machine's clock
	oddities
)

func (o oddity) String() string { return [oddities]string{"usual", "missing", "past", "future"}[o] }

func oddityOf(at, now time.Time) oddity {
	switch {
	case at.IsZero():
		return missing
	case !Dated(at):
		return past
	case at.After(now.Add(MaxAhead)):
		return future
	}
	return usual
}

// likely is what is likely wrong with a timestamp that is past or future.
func likely(at, now time.Time) string {
	millis := at.UnixMilli()
	for _, unit := range []struct {
		name string
		time time.Time
	}{
		{"seconds", time.Unix(millis, 0)}, {"microseconds", time.UnixMicro(millis)}, {"nanoseconds", time.Unix(0, millis)},
	} {
		if oddityOf(unit.time, now) == usual {
			return fmt.Sprintf("the producer counts %s where Kafka counts milliseconds: it means %s", unit.name, unit.time.UTC().Format(time.RFC3339))
		}
	}
	if at.After(now) {
		return fmt.Sprintf("the producer's clock is ahead of this machine's by %s", at.Sub(now).Round(time.Second))
	}
	return "the producer's clock was never set, or it counts from another day than Kafka"
}

// timestamps looks at those of the records taken: it counts the odd ones, and says of each
// topic once, for as long as the process lives, what nobody can have meant. That a record has
// none is not said: Kafka allows it. Safe for concurrent use.
type timestamps struct {
	log     *slog.Logger
	metrics *metrics
	said    map[string]*[oddities]atomic.Bool // by topic
}

func newTimestamps(cfg *Config, m *metrics) *timestamps {
	t := &timestamps{log: cfg.Logger, metrics: m, said: map[string]*[oddities]atomic.Bool{}}
	for _, topic := range cfg.Topics {
		t.said[topic] = new([oddities]atomic.Bool)
	}
	return t
}

// look looks at records of a partition.
func (t *timestamps) look(p *Partition, records []Record) {
	now := time.Now()
	var counts [oddities]int64
	for i := range records {
		r := &records[i]
		o := oddityOf(r.Time, now)
		counts[o]++
		if o == past || o == future {
			t.say(p, r, o, now)
		}
	}
	for o := missing; o < oddities; o++ {
		if counts[o] > 0 {
			t.metrics.odd(p.Topic, o, counts[o])
		}
	}
}

func (t *timestamps) say(p *Partition, r *Record, o oddity, now time.Time) {
	if said := &t.said[p.Topic][o]; said.Load() || !said.CompareAndSwap(false, true) {
		return
	}
	message := "a record is of a time that nobody can have meant: such records count as without a time"
	if o == future {
		message = "a record is ahead of this machine's clock: such records expire later, and how long they take is not measured"
	}
	t.log.Warn(message, "partition", p.String(), "offset", r.Offset, "timestamp", r.Time.UnixMilli(),
		"time", r.Time.UTC().Format(time.RFC3339), "likely", likely(r.Time, now))
}
