package deadlettercmd

import "testing"

func TestARateIsANumberOfLettersInATime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"500": 500, "500/s": 500, "30000/m": 500, "0.5/s": 0.5, "0": 0, "3600/h": 1} {
		var r rateFlag
		if err := r.Set(text); err != nil || r.perSecond != want {
			t.Errorf("%q: %v, %v", text, r.perSecond, err)
		}
	}
}
