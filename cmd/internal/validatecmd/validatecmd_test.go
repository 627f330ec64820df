package validatecmd

import "testing"

func TestASummaryIsWords(t *testing.T) {
	t.Parallel()
	for want, total := range map[string]summary{
		"0 reports, all valid":  {},
		"1 report, all valid":   {1, 0},
		"10 reports, 1 invalid": {10, 1},
	} {
		if got := total.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
