package sandbox

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for rule, test := range map[string]struct {
		rate      float64
		now       time.Duration
		published uint64
		n         uint64
		wait      time.Duration
	}{
		"nothing is due at once; the first after its share of a second": {200, 0, 0, 0, 5 * time.Millisecond},
		"what is due is published":                                      {200, time.Second, 190, 10, 0},
		"who is in time waits for the next":                             {200, time.Second, 200, 0, 5 * time.Millisecond},
		"waits are no shorter than timers are exact":                    {100_000, time.Second, 100_000, 0, 2 * time.Millisecond},
		"who is late catches up piece by piece":                         {1000, 10 * time.Second, 0, burst, 0},
		"rates below one a second wait long":                            {0.5, 0, 0, 0, 2 * time.Second},
		"without a rate there is always more":                           {0, 0, 1 << 40, burst, 0},
	} {
		p := newPace(test.rate, start)
		if n, wait := p.due(at(test.now), test.published); n != test.n || wait != test.wait {
			t.Errorf("%s: got %d, %s", rule, n, wait)
		}
	}
	p := newPace(100, start)
	p.forget(at(time.Minute), 50)
	if n, _ := p.due(at(time.Minute+time.Second), 50); n != 100 {
		t.Errorf("a second after a minute's hold, %d events are due, want 100", n)
	}
}
