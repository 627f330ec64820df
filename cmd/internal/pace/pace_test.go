package pace

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThePaceIsThatAskedFor(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		rate    float64
		records int
		want    time.Duration
	}{
		"less than one a second":     {0.5, 10, 20 * time.Second},
		"a few a second, one by one": {5, 50, 10 * time.Second},
		"many a second, in slices":   {1000, 20_000, 20 * time.Second},
		"more than may go at once":   {1e6, 100_000, 100 * time.Millisecond},
		"as many as there are":       {0, 1_000_000, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, began := New(test.rate, 500), time.Now()
			for left := test.records; left > 0; {
				if err := p.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				n := min(left, p.Most())
				left -= n
				p.Took(n)
			}
			slack := 2 * slice
			if test.rate > 0 {
				slack += time.Duration(float64(time.Second) / test.rate) // none is waited for after the last
			}
			if took := time.Since(began); took > test.want || took < test.want-slack {
				t.Errorf("%s: %d records in %v, want %v", rule, test.records, took, test.want)
			}
		})
	}
}

func TestTimeLostIsNotMadeUpFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(10, 500)
		p.Took(1)
		time.Sleep(time.Hour)
		began, n := time.Now(), 0
		for ; time.Since(began) < time.Second; n++ {
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Took(1)
		}
		if n > 13 {
			t.Errorf("%d records in a second", n)
		}
	})
}
