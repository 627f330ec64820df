package consumer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatCountsOfALogsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for rule, test := range map[string]struct {
			end   int64
			asked time.Duration
			want  int64
		}{
			"what a broker says now":               {120, time.Minute, 120},
			"the same as before":                   {100, time.Minute, 100},
			"less than before, if it is not taken": {90, time.Minute, 90},
			"as much as was taken":                 {80, time.Minute, 80},
			"not less than was taken":              {79, time.Minute, 100},
			"not nothing":                          {-1, time.Minute, 100},
			"not what has been overtaken":          {120, -time.Second, 100},
		} {
			p := &Partition{tracker: newTracker(80, note{}), end: 100, heard: start}
			p.hear(test.end, start.Add(test.asked))
			if p.end != test.want {
				t.Errorf("%s: the end is %d, want %d", rule, p.end, test.want)
			}
		}
	})
}

func TestWhatALagIsCountedFrom(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		committed int64
		begin     begin
		end, want int64
	}{
		"what is committed":                                                {40, begin{at: 40}, 100, 60},
		"the same, though this member kept more":                           {40, begin{at: 70}, 100, 60},
		"where it begins, nothing being committed":                         {-1, begin{at: 30}, 100, 70},
		"where it begins, what is committed being of another topic":        {90, begin{at: 0, anew: true}, 100, 100},
		"where it begins, if what is committed is more than the log has":   {90, begin{at: 20}, 50, 30},
		"and never less than nothing":                                      {40, begin{at: 40}, 39, 0},
		"and of a log whose end is not known there is none":                {40, begin{at: 40}, -1, -1},
		"also if nothing is committed":                                     {-1, begin{at: 0}, -1, -1},
		"and none, at the end":                                             {100, begin{at: 100}, 100, 0},
		"and none, at the end of a log that has nothing, nor is committed": {-1, begin{at: 0}, 0, 0},
	} {
		p := &Partition{gen: &Generation{c: &Consumer{}}, committed: committed{offset: test.committed}, begin: &test.begin}
		p.beginAt(test.begin.at)
		p.end = test.end
		if l := p.lag(time.Now()); l.Lag != test.want || l.End != test.end || l.Committed != test.committed {
			t.Errorf("%s: %+v, want a lag of %d", rule, l, test.want)
		}
	}
}

func TestTheAgeIsOfTheFirstThatIsNotSettled(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for rule, test := range map[string]struct {
		inherited []int64
		taken     []time.Time
		settled   []uint32 // places, from 1 on
		want      time.Duration
	}{
		"nothing is taken":              {nil, nil, nil, 0},
		"some are":                      {nil, []time.Time{ago(3 * time.Second), ago(2 * time.Second)}, nil, 3 * time.Second},
		"the first is settled":          {nil, []time.Time{ago(3 * time.Second), ago(1500 * time.Millisecond)}, []uint32{1}, 1500 * time.Millisecond},
		"all are":                       {nil, []time.Time{ago(3 * time.Second), ago(2 * time.Second)}, []uint32{2, 1}, 0},
		"another is older":              {nil, []time.Time{ago(time.Second), ago(time.Hour)}, nil, time.Second},
		"the producer's clock is ahead": {nil, []time.Time{now.Add(time.Hour)}, nil, time.Second},
		"the first has no time: it came a second ago": {nil, []time.Time{{}, ago(time.Hour)}, nil, time.Second},
		"that of the first counts seconds":            {nil, []time.Time{time.UnixMilli(now.Unix()), ago(time.Hour)}, nil, time.Second},
		"only what others have left is not":           {[]int64{0, 1}, nil, nil, 0},
		"one is taken of what others have left":       {[]int64{0, 1}, []time.Time{ago(time.Minute)}, nil, time.Minute},
		"one is settled of what others have left":     {[]int64{0, 1}, []time.Time{ago(time.Minute)}, []uint32{1}, 0},
		"one of what others have left is not, again":  {[]int64{0, 1}, []time.Time{ago(time.Minute), ago(time.Second)}, []uint32{1}, time.Second},
	} {
		p := &Partition{tracker: newTracker(0, note{unsettled: unsettled{test.inherited, int64(len(test.inherited))}})}
		for i, at := range test.taken {
			r := Record{Offset: int64(i), Time: at}
			place, _ := p.tracker.take(r.Offset)
			p.tracker.stamp(place, 0, r.time(now.Add(-time.Second)))
		}
		for _, at := range test.settled {
			p.tracker.settle(at, int64(at)-1)
		}
		if got := p.lag(now).Age; got != test.want {
			t.Errorf("%s: %v, want %v", rule, got, test.want)
		}
	}
}
