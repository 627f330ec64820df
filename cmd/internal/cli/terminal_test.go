package cli

import "testing"

func TestColourIsForTerminalsAndThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"a terminal that can":           {map[string]string{"TERM": "xterm"}, true},
		"a person who has set NO_COLOR": {map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false},
		"a terminal that cannot":        {map[string]string{"TERM": "dumb"}, false},
	} {
		if got := wantsColour(func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%s: %t", rule, got)
		}
	}
}
