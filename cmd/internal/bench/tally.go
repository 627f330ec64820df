package bench

import "time"

// tally is what a sink has accepted.
type tally struct {
	Calls    int64
	Seen     ids
	From, To mark // between these two a contest is in full swing
}

// mark is when a sink had seen how many events.
type mark struct {
	Events int64
	Time   time.Time
}

// edge is the part of the events at each end that does not count for the rate: connections being made, and the last
// batches, which are not full, lingering.
const edge = 0.05

// note takes another call into the tally, of which there will be so many events.
func (t *tally) note(seen ids, expected int64, now time.Time) {
	t.Calls++
	t.Seen.Count += seen.Count
	t.Seen.Sum += seen.Sum
	left := int64(edge * float64(expected))
	if t.From.Time.IsZero() && t.Seen.Count >= left {
		t.From = mark{t.Seen.Count, now}
	}
	if t.To.Time.IsZero() && t.Seen.Count >= expected-left {
		t.To = mark{t.Seen.Count, now}
	}
}

// rate is how many events a second were seen in full swing; 0: there were too few calls to say.
func (t *tally) rate() float64 {
	took := t.To.Time.Sub(t.From.Time)
	if took <= 0 {
		return 0
	}
	return float64(t.To.Events-t.From.Events) / took.Seconds()
}
