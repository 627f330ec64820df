package sandbox

import (
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	t.Parallel()
	l := newLatency()
	now := l.rotated
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want || float64(got) > float64(want)*bucketGrowth*1.001 {
			t.Errorf("%s: got %s, want %s or up to a bucket more", what, got, want)
		}
	}
	if _, ok := l.quantiles(now, .5); ok {
		t.Error("quantiles of nothing")
	}
	for n := range uint64(100) {
		l.begin(n+1, now)
		l.end(n+1, now.Add(time.Duration(n+1)*time.Millisecond))
		l.end(n+1, now.Add(time.Hour)) // repeated: not measured
	}
	l.end(7777, now) // never begun
	q, _ := l.quantiles(now, .5, .99, 1)
	near("median", q[0], 50*time.Millisecond)
	near("99th of 100", q[1], 99*time.Millisecond)
	near("longest", q[2], 100*time.Millisecond)

	l.begin(1000, now)
	l.end(1000, now.Add(6*time.Second))
	q, _ = l.quantiles(now.Add(6*time.Second), .5, 1)
	near("median with what was before", q[0], 51*time.Millisecond)
	near("longest with the new", q[1], 6*time.Second)
	q, _ = l.quantiles(now.Add(12*time.Second), .5)
	near("median when the first are forgotten", q[0], 6*time.Second)
	if _, ok := l.quantiles(now.Add(time.Minute), .5); ok {
		t.Error("quantiles of what is long past")
	}
}

func TestBucketsHoldAnyDuration(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-time.Second, 0, 1, firstBucket, firstBucket + 1, time.Second, 1000 * time.Hour} {
		if i := bucket(d); i < 0 || i >= len(durations{}) {
			t.Errorf("%s falls into bucket %d", d, i)
		}
	}
}
