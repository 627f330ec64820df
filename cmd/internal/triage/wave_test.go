package triage

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter"
)

// stream is letters that come evenly, by chance, in a span of time before triagetest.Noon.
type stream struct {
	from, to time.Duration // before triagetest.Noon
	letters  int
	is       func(*deadletter.Entry)
}

func TestTheLastWave(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := map[string]struct {
		streams []stream
		want    string // the wave in words; its edges are exact to a hundredth of the time that the letters span
	}{
		"letters that come evenly are no wave": {
			[]stream{{3 * time.Hour, 0, 1000, triagetest.Refuse}},
			"steady, running, since 3h0m0s, for 3h0m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"neither are they if they no longer come, when all came at once": {
			[]stream{{3 * time.Hour, 170 * time.Minute, 1000, triagetest.Refuse}},
			"wave, over, since 3h0m0s, for 10m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"a wave over a trickle begins where it rises, and is caused by what has risen": {
			[]stream{{3 * day, 0, 3000, triagetest.Platid}, {2 * time.Hour, 0, 2000, triagetest.Refuse}},
			"wave, running, since 2h0m0s, for 2h0m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"a wave that is over ends where it falls": {
			[]stream{{3 * day, 0, 3000, triagetest.Platid}, {5 * time.Hour, 4 * time.Hour, 2000, triagetest.Refuse}},
			"wave, over, since 5h0m0s, for 1h0m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"of two waves it is the last, though the first was greater": {
			[]stream{{20 * day, 0, 500, triagetest.Platid}, {10 * day, 10*day - 5*time.Hour, 50_000, triagetest.Platid}, {8 * time.Hour, 0, 5000, triagetest.Refuse}},
			"wave, running, since 8h0m0s, for 8h0m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"a trickle that goes on after a wave is none": {
			[]stream{{10 * time.Hour, 10 * time.Minute, 600, triagetest.Platid}, {6 * time.Hour, 5 * time.Hour, 5000, triagetest.Refuse}},
			"wave, over, since 6h0m0s, for 1h0m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"a wave begins where it begins to rise": {
			[]stream{{3 * time.Hour, 0, 100, triagetest.Platid}, {90 * time.Minute, 80 * time.Minute, 1000, triagetest.Refuse}, {80 * time.Minute, 70 * time.Minute, 20_000, triagetest.Refuse}, {70 * time.Minute, time.Hour, 1000, triagetest.Refuse}},
			"wave, over, since 1h30m0s, for 30m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"a burst of a moment is none, while letters go on to come": {
			[]stream{{10 * time.Minute, 0, 6000, triagetest.Platid}, {5 * time.Minute, 5*time.Minute - time.Second, 60, triagetest.Refuse}},
			"steady, running, since 10m0s, for 10m0s: schema_violation /baseinfo/platid: expected integer, but got string, app " + triagetest.App,
		},
		"a burst of a moment is one where it is most of what came": {
			[]stream{{10 * time.Minute, 0, 60, triagetest.Platid}, {5 * time.Minute, 5*time.Minute - time.Second, 600, triagetest.Refuse}},
			"wave, running, since 5m0s, for 5m0s: rejected, ret -1011, app " + triagetest.App,
		},
		"one letter is no wave": {
			[]stream{{time.Minute, time.Minute, 1, triagetest.Platid}},
			"steady, running, since 1m0s, for 1s: schema_violation /baseinfo/platid: expected integer, but got string, app " + triagetest.App,
		},
		"where no cause has half, what causes have in common is told": {
			[]stream{
				{time.Hour, 0, 300, triagetest.Violating("/a", "/x", "a is wrong")},
				{time.Hour, 0, 300, triagetest.Violating("/b", "/y", "b is wrong")},
				{time.Hour, 0, 300, triagetest.Violating("/c", "/z", "c is wrong")},
				{time.Hour, 0, 100, triagetest.Refuse},
			},
			"steady, running, since 1h0m0s, for 1h0m0s: schema_violation, app " + triagetest.App,
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			c := NewCounter()
			var span time.Duration
			for _, s := range test.streams {
				span = max(span, s.from)
				for i := range s.letters {
					// Evenly, and for all that not on a grid.
					ahead := s.from - (s.from-s.to)*time.Duration(i)/time.Duration(s.letters)
					if s.letters > 1 {
						ahead -= time.Duration(random.Int64N(int64((s.from-s.to)/time.Duration(s.letters)) + 1))
					}
					c.Add(triagetest.Letter(s.is, triagetest.At(triagetest.Noon.Add(-ahead))))
				}
			}
			w := c.Stats(triagetest.Noon).Wave
			kind, state := "wave", "over"
			if w.Steady {
				kind = "steady"
			}
			if w.Running {
				state = "running"
			}
			unit := max(span/100, time.Second).Round(time.Second)
			got := fmt.Sprintf("%s, %s, since %v, for %v: %v", kind, state, nearest(triagetest.Noon.Sub(w.Since), unit, test.want, "since "), nearest(w.Until.Sub(w.Since), unit, test.want, "for "), w.Cause)
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// nearest returns the duration that the wanted text has behind a word, if d is within a unit of it, and else d.
func nearest(d, unit time.Duration, want, word string) time.Duration {
	var text string
	for i := range want {
		if len(want)-i > len(word) && want[i:i+len(word)] == word {
			_, _ = fmt.Sscanf(want[i+len(word):], "%s", &text)
			break
		}
	}
	for len(text) > 0 && (text[len(text)-1] == ',' || text[len(text)-1] == ':') {
		text = text[:len(text)-1]
	}
	if w, err := time.ParseDuration(text); err == nil && (d-w).Abs() <= unit {
		return w
	}
	return d
}

func TestTimesThatNobodyCanMeanAreCountedAndInNoTimeline(t *testing.T) {
	t.Parallel()
	nobodys := []time.Time{{}, time.Unix(0, 0), time.UnixMilli(triagetest.Noon.Unix()), triagetest.Noon.Add(time.Hour), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	c := NewCounter()
	for _, when := range nobodys {
		c.Add(triagetest.Letter(triagetest.At(when)))
	}
	s := c.Stats(triagetest.Noon)
	if s.Letters != 5 || s.NoTime != 5 || len(s.Timeline) != 0 || s.Wave != nil || !s.First.IsZero() || !s.Last.IsZero() {
		t.Errorf("%+v, %+v", s, s.Wave)
	}
	c.Add(triagetest.Letter(triagetest.At(triagetest.Noon.AddDate(-3, 0, 0))))
	c.Add(triagetest.Letter(triagetest.At(triagetest.Noon)))
	s = c.Stats(triagetest.Noon)
	if s.Letters != 7 || s.NoTime != 5 || len(s.Timeline) != 2 || s.Wave.Letters != 2 || !s.First.Equal(triagetest.Noon.AddDate(-3, 0, 0)) || !s.Last.Equal(triagetest.Noon) {
		t.Errorf("%+v, %+v", s, s.Wave)
	}
	if _, err := json.Marshal(s); err != nil { // it does not take years beyond 9999
		t.Error(err)
	}
}

func TestALetterWhoseTimeIsNotKnownIsOfWhenItCameIntoTheTopic(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ givenUp, written, want time.Time }{
		"both are known":        {triagetest.Noon, triagetest.Noon.Add(time.Minute), triagetest.Noon},
		"one is not":            {time.Time{}, triagetest.Noon, triagetest.Noon},
		"one counts seconds":    {time.UnixMilli(triagetest.Noon.Unix()), triagetest.Noon, triagetest.Noon},
		"neither is":            {time.Time{}, time.Time{}, time.Time{}},
		"the other counts them": {time.Time{}, time.UnixMilli(triagetest.Noon.Unix()), time.Time{}},
	} {
		e := triagetest.Letter()
		e.Letter.Time, e.Written = test.givenUp, test.written
		if got := When(e); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", rule, got, test.want)
		}
	}
}

func TestCausesThatAreTooManyBecomeOthers(t *testing.T) {
	t.Parallel()
	c := NewCounter()
	for i := range 10 * maxCauses {
		c.Add(triagetest.Letter(triagetest.Violating(fmt.Sprintf("/userdefined/x%d", i), "/k", "is wrong"), triagetest.At(triagetest.Noon.Add(-time.Duration(i)*time.Second))))
		c.Add(triagetest.Letter(triagetest.Refuse))
	}
	s := c.Stats(triagetest.Noon)
	if len(c.ids) > maxCauses || s.Wave.Letters != s.Letters && s.Wave.Cause.Reason != "rejected" {
		t.Errorf("%d causes, %+v", len(c.ids), s.Wave)
	}
	var counted int64
	for _, n := range c.timeline.within(-1<<62, 1<<62) {
		counted += n
	}
	if counted != s.Letters {
		t.Errorf("the timeline has %d of %d letters", counted, s.Letters)
	}
}
