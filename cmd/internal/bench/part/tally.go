package part

import "time"

// Tally is what a sink has accepted.
type Tally struct {
	Calls    int64
	Seen     Checksum
	From, To Mark  // between these two a contest is in full swing
	Traced   int64 // bytes of exported spans
}

// Mark is when a sink had seen how many events.
type Mark struct {
	Events int64
	Time   time.Time
}

// edge is the part of the events at each end that does not count for the rate: connections being made, and the last
// batches, which are not full, lingering.
const edge = 0.05

// note takes another call into the tally, of which there will be so many events.
func (t *Tally) note(seen Checksum, expected int64, now time.Time) {
	t.Calls++
	t.Seen.Count += seen.Count
	t.Seen.Sum += seen.Sum
	left := int64(edge * float64(expected))
	if t.From.Time.IsZero() && t.Seen.Count >= left {
		t.From = Mark{t.Seen.Count, now}
	}
	if t.To.Time.IsZero() && t.Seen.Count >= expected-left {
		t.To = Mark{t.Seen.Count, now}
	}
}

// Rate is how many events a second were seen in full swing; 0: there were too few calls to say.
func (t *Tally) Rate() float64 {
	took := t.To.Time.Sub(t.From.Time)
	if took <= 0 {
		return 0
	}
	return float64(t.To.Events-t.From.Events) / took.Seconds()
}
