package pipeline

import (
	"math"
	"time"
)

// window is the mean of what is measured from time to time, lately: what was measured
// a span ago counts for a third of what is now. Time is an argument. The zero value
// knows nothing.
type window struct {
	sum, seconds float64
}

// add takes in what has come together in a time.
func (w *window) add(sum float64, in, span time.Duration) {
	keep := math.Exp(-in.Seconds() / span.Seconds())
	w.sum = w.sum*keep + sum
	w.seconds = w.seconds*keep + in.Seconds()
}

// rate is what comes in a second; 0 while nothing is known.
func (w *window) rate() float64 {
	if w.seconds == 0 {
		return 0
	}
	return w.sum / w.seconds
}

// latch is a condition that lasts: on when it has been met for most of the span, off
// when it has hardly been any more. The zero value is off.
type latch struct {
	window
	on bool
}

const (
	latchOn  = 0.5
	latchOff = 0.2
)

func (l *latch) add(is bool, in, span time.Duration) {
	sum := 0.0
	if is {
		sum = in.Seconds()
	}
	l.window.add(sum, in, span)
	if share := l.rate(); l.on {
		l.on = share > latchOff
	} else {
		l.on = share >= latchOn
	}
}
