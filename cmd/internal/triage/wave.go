package triage

import (
	"math"
	"time"
)

// Wave is the last time that letters came much faster than before, or else all the time that they have been coming.
type Wave struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`   // after its last letter, by the timeline's step
	Running bool      `json:"running"` // it has not ended yet
	Steady  bool      `json:"steady"`  // nothing stands out: since is when the first letter came
	Letters int64     `json:"letters"`

	// Cause is what the wave is mostly made of, measured against what came of that before and after it.
	Cause        Cause `json:"cause"`
	CauseLetters int64 `json:"cause_letters"` // of the wave's
}

// waveSilence is how long it is without letters when a wave has ended.
const waveSilence = 5 * time.Minute

// wave finds the last wave as of now.
func (c *Counter) wave(timeline []Bucket, now time.Time) *Wave {
	if len(timeline) == 0 {
		return nil
	}
	step := c.timeline.step
	r := newRate(timeline, step, max(floor(now.Unix(), step), timeline[len(timeline)-1].Time.Unix())+step)
	from, to, found := r.lastWave()
	w := &Wave{Since: r.time(from), Until: r.time(to), Steady: !found}
	if !found {
		from, to = 0, r.lastLetter()+1
		w.Since, w.Until = c.first.UTC(), r.time(to)
	}
	silence := max(waveSilence, time.Duration(step)*time.Second)
	w.Running = now.Sub(w.Until) <= silence
	if last := r.lastLetter() + 1; w.Running && last > to {
		to = last // all that came since it began is of it
		w.Until = r.time(to)
	}
	w.Letters = r.count(from, to)
	w.Cause, w.CauseLetters = c.dominant(w.Since.Unix(), w.Until.Unix(), r, from, to)
	return w
}

// dominant returns the cause that a wave has most more of than came around it, as exactly as it accounts for half of the
// wave.
func (c *Counter) dominant(since, until int64, r *rate, from, to int) (Cause, int64) {
	inside := c.timeline.within(floor(since, c.timeline.step), until)
	all := c.timeline.within(math.MinInt64, r.begin+r.cells()*r.step)
	// What came outside is what to expect inside, in proportion to the time, but not more: a short while says little.
	expect := min(1, float64(to-from)/float64(max(1, r.cells()-int64(to-from))))
	var best causeKey
	var letters int64
	for _, widen := range widenings {
		counts, excess := map[causeKey]int64{}, map[causeKey]float64{}
		for key, id := range c.ids {
			key = widen(key)
			counts[key] += inside[id]
			excess[key] += float64(inside[id]) - expect*float64(all[id]-inside[id])
		}
		best, letters = causeKey{}, 0
		for key, n := range counts {
			if n > 0 && (letters == 0 || excess[key] > excess[best] || excess[key] == excess[best] && key.compare(best) < 0) {
				best, letters = key, n
			}
		}
		if 2*letters >= r.count(from, to) {
			break
		}
	}
	if inside[0] > letters {
		return Cause{Reason: others}, inside[0]
	}
	return c.cause(best), letters
}

// widenings leave less and less of a cause.
var widenings = []func(causeKey) causeKey{
	func(k causeKey) causeKey { return k },
	func(k causeKey) causeKey { k.pattern = patternKey{}; return k },
	func(k causeKey) causeKey { return causeKey{reason: k.reason} },
}
