package consumer

import (
	"testing"
	"time"
)

func TestWhatIsSaidOfAnOpenTransaction(t *testing.T) {
	t.Parallel()
	type heard struct {
		at                time.Duration
		from, stable, end int64
	}
	for rule, test := range map[string]struct {
		heard []heard
		said  time.Duration // ago
		now   time.Duration
		due   bool
	}{
		"it has been open for long":                {[]heard{{0, 5, 5, 9}, {time.Minute, 5, 5, 9}}, 0, time.Minute, true},
		"more is written behind it":                {[]heard{{0, 5, 5, 6}, {time.Minute, 5, 5, 900}}, 0, time.Minute, true},
		"not for long":                             {[]heard{{0, 5, 5, 9}, {59 * time.Second, 5, 5, 9}}, 0, 59 * time.Second, false},
		"another has begun since":                  {[]heard{{0, 5, 5, 9}, {time.Minute, 8, 8, 9}}, 0, time.Minute, false},
		"nothing was open in between":              {[]heard{{0, 5, 5, 9}, {30 * time.Second, 5, 5, 5}, {time.Minute, 5, 5, 9}}, 0, time.Minute, false},
		"it is over":                               {[]heard{{0, 5, 5, 9}, {time.Minute, 9, 9, 9}}, 0, time.Minute, false},
		"there is more to be taken before it":      {[]heard{{0, 1, 5, 9}, {time.Minute, 4, 5, 9}}, 0, time.Minute, false},
		"all before it has just been taken":        {[]heard{{0, 1, 5, 9}, {time.Minute, 5, 5, 9}}, 0, time.Minute, true},
		"it is long that somebody asked":           {[]heard{{0, 5, 5, 9}, {time.Minute, 5, 5, 9}}, 0, time.Minute + endStale, false},
		"it was said less than a minute ago":       {[]heard{{0, 5, 5, 9}, {2 * time.Minute, 5, 5, 9}}, 59 * time.Second, 2 * time.Minute, false},
		"it was said a minute ago":                 {[]heard{{0, 5, 5, 9}, {2 * time.Minute, 5, 5, 9}}, time.Minute, 2 * time.Minute, true},
		"a broker does not say what is stable":     {[]heard{{0, 5, -1, 9}, {time.Minute, 5, -1, 9}}, 0, time.Minute, false},
		"a broker that lags has the end before it": {[]heard{{0, 5, 5, 4}, {time.Minute, 5, 5, 4}}, 0, time.Minute, false},
	} {
		begin := time.Now()
		var o openTransaction
		for _, h := range test.heard {
			o.hear(h.from, h.stable, h.end, begin.Add(h.at))
		}
		now := begin.Add(test.now)
		if test.said > 0 {
			o.said = now.Add(-test.said)
		}
		if due := o.due(now); due != test.due {
			t.Errorf("%s: it is said: %v", rule, due)
		}
	}
}
