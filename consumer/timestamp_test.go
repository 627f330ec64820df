package consumer

import (
	"math"
	"testing"
	"time"
)

func TestAnAgeIsKnownOfATimeThatSomebodyCanHaveMeant(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for rule, test := range map[string]struct {
		at    time.Time
		known bool
		odd   oddity
	}{
		"a second ago":               {now.Add(-time.Second), true, usual},
		"now":                        {now, true, usual},
		"years ago":                  {now.AddDate(-3, 0, 0), true, usual},
		"in another century":         {time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), true, usual},
		"none":                       {time.Time{}, false, missing},
		"the beginning of time":      {time.UnixMilli(0), false, past},
		"of a clock never set":       {time.Date(1980, 1, 6, 0, 0, 0, 0, time.UTC), false, past},
		"seconds":                    {time.UnixMilli(now.Unix()), false, past},
		"a little ahead":             {now.Add(time.Millisecond), false, usual},
		"as far ahead as clocks are": {now.Add(5 * time.Minute), false, usual},
		"farther":                    {now.Add(5*time.Minute + time.Millisecond), false, future},
		"microseconds":               {time.UnixMilli(now.UnixMicro()), false, future},
		"nanoseconds":                {time.UnixMilli(now.UnixNano()), false, future},
		"the end of time":            {time.UnixMilli(math.MaxInt64), false, future},
	} {
		r := Record{Time: test.at}
		age, known := r.Age(now)
		if known != test.known || known && (age < 0 || age != now.Sub(test.at)) {
			t.Errorf("%s: the age is %v, known %v", rule, age, known)
		}
		if got := oddityOf(test.at, now); got != test.odd {
			t.Errorf("%s: it is %v, want %v", rule, got, test.odd)
		}
	}
}

func TestARecordWhoseAgeIsNotKnownWaitsSinceItWasSeen(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	for rule, test := range map[string]struct {
		record Record
		want   time.Duration
	}{
		"its own time":                          {Record{Time: now.Add(-time.Hour)}, time.Hour},
		"its own time though it was passed":     {Record{Time: now.Add(-time.Hour), Passed: now.Add(-time.Minute)}, time.Hour},
		"taken at once":                         {Record{}, 0},
		"passed, and taken a minute later":      {Record{Passed: now.Add(-time.Minute)}, time.Minute},
		"of 1970, passed likewise":              {Record{Time: time.UnixMilli(1), Passed: now.Add(-time.Minute)}, time.Minute},
		"ahead of the clock, passed likewise":   {Record{Time: now.Add(time.Hour), Passed: now.Add(-time.Minute)}, time.Minute},
		"ahead of the clock, and taken at once": {Record{Time: now.Add(time.Hour)}, 0},
	} {
		if got := now.Sub(time.UnixMilli(test.record.time(now))); got != test.want {
			t.Errorf("%s: it waits for %v, want %v", rule, got, test.want)
		}
	}
}

func TestWhatIsLikelyWrongWithATimestampIsSaid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"the producer counts seconds where Kafka counts milliseconds: it means 2026-11-30T11:59:58Z":      time.UnixMilli(now.Unix() - 2),
		"the producer counts microseconds where Kafka counts milliseconds: it means 2026-11-30T11:59:58Z": time.UnixMilli(now.Add(-2 * time.Second).UnixMicro()),
		"the producer counts nanoseconds where Kafka counts milliseconds: it means 2026-11-30T11:59:58Z":  time.UnixMilli(now.Add(-2 * time.Second).UnixNano()),
		"the producer's clock is ahead of this machine's by 30m0s":                                        now.Add(30 * time.Minute),
		"the producer's clock was never set, or it counts from another day than Kafka":                    time.UnixMilli(0),
	} {
		if got := likely(at, now); got != want {
			t.Errorf("of %v: %s, want %s", at, got, want)
		}
	}
}
