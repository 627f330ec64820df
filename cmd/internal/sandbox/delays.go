package sandbox

import (
	"math"
	"sync"
	"time"
)

// delays measures how long events take from being published to being accepted, and shows the last seconds of it. It
// keeps as much whatever happens: while very many events are under way, some are not measured. Safe for concurrent use.
type delays struct {
	mu      sync.Mutex
	begun   []beginning // by number, modulo
	now     durations
	before  durations
	rotated time.Time
}

type beginning struct {
	number uint64
	at     time.Time
}

// durations counts durations, each bucket reaching 10 % further than the one before, from a tenth of a millisecond to
// some hours.
type durations [200]uint32

const (
	measuredAtOnce = 1 << 16
	delayWindow    = 5 * time.Second // half of what is shown
	bucketGrowth   = 1.1
	firstBucket    = 100 * time.Microsecond
)

func newDelays() *delays {
	return &delays{begun: make([]beginning, measuredAtOnce), rotated: time.Now()}
}

func (d *delays) begin(number uint64, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun[number%measuredAtOnce] = beginning{number, at}
}

func (d *delays) end(number uint64, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := &d.begun[number%measuredAtOnce]
	if b.number != number {
		return
	}
	b.number = 0 // a repetition is not measured
	d.rotate(at)
	d.now[bucket(at.Sub(b.at))]++
}

// quantiles returns the durations that these parts of the events stay within; ok is false if there were none lately.
func (d *delays) quantiles(at time.Time, parts ...float64) (within []time.Duration, ok bool) {
	d.mu.Lock()
	d.rotate(at)
	var sum durations
	total := uint32(0)
	for i := range sum {
		sum[i] = d.now[i] + d.before[i]
		total += sum[i]
	}
	d.mu.Unlock()
	if total == 0 {
		return nil, false
	}
	for _, part := range parts {
		rank := uint32(math.Ceil(part * float64(total)))
		seen := uint32(0)
		for i, n := range sum {
			if seen += n; seen >= rank && n > 0 {
				within = append(within, time.Duration(float64(firstBucket)*math.Pow(bucketGrowth, float64(i))))
				break
			}
		}
	}
	return within, true
}

func (d *delays) rotate(at time.Time) {
	switch passed := at.Sub(d.rotated); {
	case passed >= 2*delayWindow:
		d.before, d.now, d.rotated = durations{}, durations{}, at
	case passed >= delayWindow:
		d.before, d.now, d.rotated = d.now, durations{}, at
	}
}

// bucket is the first that reaches as far as d.
func bucket(d time.Duration) int {
	if d <= firstBucket {
		return 0
	}
	return min(int(math.Ceil(math.Log(float64(d)/float64(firstBucket))/math.Log(bucketGrowth))), len(durations{})-1)
}
