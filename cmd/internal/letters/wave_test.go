package letters

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// stream is letters that come evenly, by chance, in a span of time before noon.
type stream struct {
	from, to time.Duration // before noon
	letters  int
	is       func(*deadletter.Entry)
}

var (
	platid = violating("/baseinfo/platid", "/properties/baseinfo/properties/platid/type", "expected integer, but got string")
	refuse = rejected(-1011)
)

func TestTheLastWave(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := map[string]struct {
		streams []stream
		want    string // the wave in words; its edges are exact to a hundredth of the time that the letters span
	}{
		"letters that come evenly are no wave": {
			[]stream{{3 * time.Hour, 0, 1000, refuse}},
			"steady, running, since 3h0m0s, for 3h0m0s: rejected, ret -1011, app " + testApp,
		},
		"neither are they if they no longer come, when all came at once": {
			[]stream{{3 * time.Hour, 170 * time.Minute, 1000, refuse}},
			"wave, over, since 3h0m0s, for 10m0s: rejected, ret -1011, app " + testApp,
		},
		"a wave over a trickle begins where it rises, and is caused by what has risen": {
			[]stream{{3 * day, 0, 3000, platid}, {2 * time.Hour, 0, 2000, refuse}},
			"wave, running, since 2h0m0s, for 2h0m0s: rejected, ret -1011, app " + testApp,
		},
		"a wave that is over ends where it falls": {
			[]stream{{3 * day, 0, 3000, platid}, {5 * time.Hour, 4 * time.Hour, 2000, refuse}},
			"wave, over, since 5h0m0s, for 1h0m0s: rejected, ret -1011, app " + testApp,
		},
		"of two waves it is the last, though the first was greater": {
			[]stream{{20 * day, 0, 500, platid}, {10 * day, 10*day - 5*time.Hour, 50_000, platid}, {8 * time.Hour, 0, 5000, refuse}},
			"wave, running, since 8h0m0s, for 8h0m0s: rejected, ret -1011, app " + testApp,
		},
		"a trickle that goes on after a wave is none": {
			[]stream{{10 * time.Hour, 10 * time.Minute, 600, platid}, {6 * time.Hour, 5 * time.Hour, 5000, refuse}},
			"wave, over, since 6h0m0s, for 1h0m0s: rejected, ret -1011, app " + testApp,
		},
		"a wave begins where it begins to rise": {
			[]stream{{3 * time.Hour, 0, 100, platid}, {90 * time.Minute, 80 * time.Minute, 1000, refuse}, {80 * time.Minute, 70 * time.Minute, 20_000, refuse}, {70 * time.Minute, time.Hour, 1000, refuse}},
			"wave, over, since 1h30m0s, for 30m0s: rejected, ret -1011, app " + testApp,
		},
		"a burst of a moment is none, while letters go on to come": {
			[]stream{{10 * time.Minute, 0, 6000, platid}, {5 * time.Minute, 5*time.Minute - time.Second, 60, refuse}},
			"steady, running, since 10m0s, for 10m0s: schema_violation /baseinfo/platid: expected integer, but got string, app " + testApp,
		},
		"a burst of a moment is one where it is most of what came": {
			[]stream{{10 * time.Minute, 0, 60, platid}, {5 * time.Minute, 5*time.Minute - time.Second, 600, refuse}},
			"wave, running, since 5m0s, for 5m0s: rejected, ret -1011, app " + testApp,
		},
		"one letter is no wave": {
			[]stream{{time.Minute, time.Minute, 1, platid}},
			"steady, running, since 1m0s, for 1s: schema_violation /baseinfo/platid: expected integer, but got string, app " + testApp,
		},
		"where no cause has half, what causes have in common is told": {
			[]stream{
				{time.Hour, 0, 300, violating("/a", "/x", "a is wrong")},
				{time.Hour, 0, 300, violating("/b", "/y", "b is wrong")},
				{time.Hour, 0, 300, violating("/c", "/z", "c is wrong")},
				{time.Hour, 0, 100, refuse},
			},
			"steady, running, since 1h0m0s, for 1h0m0s: schema_violation, app " + testApp,
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
					c.Add(letter(s.is, at(noon.Add(-ahead))))
				}
			}
			w := c.Stats(noon).Wave
			kind, state := "wave", "over"
			if w.Steady {
				kind = "steady"
			}
			if w.Running {
				state = "running"
			}
			unit := max(span/100, time.Second).Round(time.Second)
			got := fmt.Sprintf("%s, %s, since %v, for %v: %v", kind, state, nearest(noon.Sub(w.Since), unit, test.want, "since "), nearest(w.Until.Sub(w.Since), unit, test.want, "for "), w.Cause)
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

func TestTimesThatNobodyCanMeanAreCountedLikeOthers(t *testing.T) {
	t.Parallel()
	c := NewCounter()
	for _, when := range []time.Time{time.Unix(0, 0), noon, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		c.Add(letter(at(when)))
	}
	s := c.Stats(noon)
	if s.Letters != 3 || len(s.Timeline) != 3 || s.Wave.Letters != 3 || !s.Last.After(noon) {
		t.Errorf("%+v, %+v", s, s.Wave)
	}
	if text := shownStats(t, s, View{Now: noon, Width: 80}); widest(text) > 80 {
		t.Errorf("%d columns:\n%s", widest(text), text)
	}
}

func TestCausesThatAreTooManyBecomeOthers(t *testing.T) {
	t.Parallel()
	c := NewCounter()
	for i := range 10 * maxCauses {
		c.Add(letter(violating(fmt.Sprintf("/userdefined/x%d", i), "/k", "is wrong"), at(noon.Add(-time.Duration(i)*time.Second))))
		c.Add(letter(refuse))
	}
	s := c.Stats(noon)
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
