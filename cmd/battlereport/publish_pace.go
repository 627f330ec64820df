package main

import (
	"context"
	"time"
)

// A publishPace spreads records over time.
type publishPace struct {
	rate float64   // records a second; 0: any number
	next time.Time // when more may follow
}

// paceSlice is the time of which the records may go out at once: timers are not exact, and batches are cheaper.
const paceSlice = 100 * time.Millisecond

func newPublishPace(rate float64) publishPace { return publishPace{rate: rate} }

// most returns how many records may go out at once.
func (p *publishPace) most() int {
	if p.rate == 0 {
		return batchRecords
	}
	return int(min(max(p.rate*paceSlice.Seconds(), 1), batchRecords))
}

// wait returns when more may go out, or with the error of a ctx that has ended.
func (p *publishPace) wait(ctx context.Context) error {
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

// took notes that records have gone out. Time that was lost to a wait for Kafka or for input is not made up for, but for
// a slice.
func (p *publishPace) took(records int) {
	if p.rate == 0 {
		return
	}
	if earliest := time.Now().Add(-paceSlice); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(time.Duration(float64(records) / p.rate * float64(time.Second)))
}
