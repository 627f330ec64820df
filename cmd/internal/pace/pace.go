// Package pace spreads records over time, at a rate that a person asks for. It says when how many may go, and sends
// nothing itself.
package pace

import (
	"context"
	"time"
)

// A Pace spreads records over time. It is for one goroutine.
type Pace struct {
	rate float64   // records a second; 0: any number
	most int       // records at once
	next time.Time // when more may follow
}

// slice is the time of which the records may go out at once: timers are not exact, and batches are cheaper.
const slice = 100 * time.Millisecond

// New returns a pace of so many records a second, any number if that is 0, of which at most so many go out at once.
func New(rate float64, most int) *Pace { return &Pace{rate: rate, most: most} }

// Most returns how many records may go out at once.
func (p *Pace) Most() int {
	if p.rate == 0 {
		return p.most
	}
	return int(min(max(p.rate*slice.Seconds(), 1), float64(p.most)))
}

// Wait returns when more may go out, or with the error of a ctx that has ended.
func (p *Pace) Wait(ctx context.Context) error {
	if ctx.Err() != nil || p.rate == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Until(p.next))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Took notes that records have gone out. Time that was lost to a wait for Kafka or for input is not made up for, but for
// a slice.
func (p *Pace) Took(records int) {
	if p.rate == 0 {
		return
	}
	if earliest := time.Now().Add(-slice); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(time.Duration(float64(records) / p.rate * float64(time.Second)))
}
