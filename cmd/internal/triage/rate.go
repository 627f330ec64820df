package triage

import (
	"math"
	"time"
)

// Bounds of what is taken for a wave.
const (
	waveBins    = 400 // in which a wave is looked for; its edges are found more exactly afterwards
	waveLeast   = 10  // letters
	waveFactor  = 3   // as fast as outside, at least
	waveScore   = 12  // log-likelihood ratio: chance makes less of it
	waveOutside = 2   // steps of no wave, at least: the last is not over yet
	waveLull    = 4   // between waves it is quiet for that part of the second, at least
	waveBurst   = 10  // steps: what is shorter than that must be …
	wavePart    = 20  // … the twentieth part at least of all that has come since it began
)

// rate is how many letters came in each of equal steps of time.
type rate struct {
	begin, step int64
	sums        []int64 // sums[i]: before step i
}

// maxDense bounds the steps of a rate, which unlike a timeline has those without letters too.
const maxDense = 1 << 17

func newRate(timeline []Bucket, step, end int64) *rate {
	r := &rate{begin: timeline[0].Time.Unix(), step: step}
	for n := (end - r.begin) / r.step; n > maxDense; n = (end - r.begin) / r.step {
		r.step *= 2
	}
	r.sums = make([]int64, (end-r.begin+r.step-1)/r.step+1)
	for _, b := range timeline {
		r.sums[(b.Time.Unix()-r.begin)/r.step+1] += b.Letters
	}
	for i := 1; i < len(r.sums); i++ {
		r.sums[i] += r.sums[i-1]
	}
	return r
}

func (r *rate) cells() int64             { return int64(len(r.sums) - 1) }
func (r *rate) count(from, to int) int64 { return r.sums[to] - r.sums[from] }
func (r *rate) time(i int) time.Time     { return time.Unix(r.begin+int64(i)*r.step, 0).UTC() }

// lastLetter returns the last step with letters.
func (r *rate) lastLetter() int {
	i := len(r.sums) - 2
	for i > 0 && r.count(i, i+1) == 0 {
		i--
	}
	return i
}

// lastWave returns the wave that stands out most, and goes on to look for another after it.
func (r *rate) lastWave() (from, to int, found bool) {
	width := (len(r.sums) - 2 + waveBins) / waveBins // steps a bin
	for begin := 0; ; {
		i, j, ok := r.scan(begin, width)
		if !ok {
			return from, to, found
		}
		if burst := j-i < waveBurst && r.count(i, j)*wavePart < r.count(i, len(r.sums)-1); !burst {
			from, to, found = i, j, true
		}
		begin = j
	}
}

// scan returns the stretch in which letters came fastest in proportion to the rest from begin on, by Kulldorff's scan
// statistic: the stretch whose counts two different rates explain best in comparison to one.
func (r *rate) scan(begin, width int) (from, to int, found bool) {
	end := len(r.sums) - 1
	best := float64(waveScore)
	try := func(i, j int) {
		if score := r.score(begin, i, j); score > best {
			best, from, to, found = score, i, j, true
		}
	}
	for i := begin; i < end; i += width {
		for j := i + width; j-width < end; j += width {
			try(i, min(j, end))
		}
	}
	if !found {
		return from, to, false
	}
	coarse := [2]int{from, to}
	for i := max(begin, coarse[0]-width); i < min(coarse[0]+width, to); i++ {
		try(i, to)
	}
	for j := max(from+1, coarse[1]-width); j <= min(coarse[1]+width, end); j++ {
		try(from, j)
	}
	from, to = r.grow(begin, from, to)
	return from, to, true
}

// grow takes into a wave what is beside it and still far above what is around: the statistic leaves out how a wave rises
// and falls, but people ask when it began. It goes by long strides first, and then by shorter ones.
func (r *rate) grow(begin, from, to int) (int, int) {
	end := len(r.sums) - 1
	above := func(i, j int) bool {
		n := float64(r.count(i, j))
		quiet := float64(r.count(begin, min(i, from)) + r.count(max(j, to), end))
		usual := quiet / float64(max(1, min(i, from)-begin+end-max(j, to))) * float64(j-i)
		return n > waveFactor*usual+4*math.Sqrt(usual)+waveFactor
	}
	for stride := max(1, (to-from)/4); stride > 0; stride /= 2 {
		for from-stride >= begin && above(from-stride, from) {
			from -= stride
		}
		for to+stride <= end && above(to, to+stride) {
			to += stride
		}
	}
	return from, to
}

// score is the log-likelihood ratio of a wave from i up to j among the steps from begin on, or 0 if it is none.
func (r *rate) score(begin, i, j int) float64 {
	end := len(r.sums) - 1
	inside, all := float64(r.count(i, j)), float64(r.count(begin, end))
	steps, allSteps := float64(j-i), float64(end-begin)
	outside := all - inside
	if lull := float64(i - begin); begin > 0 && (lull*waveLull < steps || float64(r.count(begin, i))*steps*waveFactor > inside*lull) {
		return 0 // the wave before goes on, though less
	}
	if allSteps-steps < waveOutside || inside < waveLeast || inside*(allSteps-steps) < waveFactor*outside*steps {
		return 0
	}
	expected := all * steps / allSteps
	score := inside * math.Log(inside/expected)
	if outside > 0 {
		score += outside * math.Log(outside/(all-expected))
	}
	return score
}
