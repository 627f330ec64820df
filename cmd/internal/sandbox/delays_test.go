package sandbox

import (
	"testing"
	"time"
)

func TestDelays(t *testing.T) {
	t.Parallel()
	d := newDelays()
	now := d.rotated
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want || float64(got) > float64(want)*bucketGrowth*1.001 {
			t.Errorf("%s: got %s, want %s or up to a bucket more", what, got, want)
		}
	}
	if _, ok := d.quantiles(now, .5); ok {
		t.Error("quantiles of nothing")
	}
	for n := range uint64(100) {
		d.begin(n+1, now)
		d.end(n+1, now.Add(time.Duration(n+1)*time.Millisecond))
		d.end(n+1, now.Add(time.Hour)) // repeated: not measured
	}
	d.end(7777, now) // never begun
	q, _ := d.quantiles(now, .5, .99, 1)
	near("median", q[0], 50*time.Millisecond)
	near("99th of 100", q[1], 99*time.Millisecond)
	near("longest", q[2], 100*time.Millisecond)

	d.begin(1000, now)
	d.end(1000, now.Add(6*time.Second))
	q, _ = d.quantiles(now.Add(6*time.Second), .5, 1)
	near("median with what was before", q[0], 51*time.Millisecond)
	near("longest with the new", q[1], 6*time.Second)
	q, _ = d.quantiles(now.Add(12*time.Second), .5)
	near("median when the first are forgotten", q[0], 6*time.Second)
	if _, ok := d.quantiles(now.Add(time.Minute), .5); ok {
		t.Error("quantiles of what is long past")
	}
}

func TestBucketsHoldAnyDuration(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{-time.Second, 0, 1, firstBucket, firstBucket + 1, time.Second, 1000 * time.Hour} {
		if i := bucket(took); i < 0 || i >= len(durations{}) {
			t.Errorf("%s falls into bucket %d", took, i)
		}
	}
}
