package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestABadValueOfAFlagIsToldWithWhatIsWanted(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--wait 5":                      `program: --wait "5": want a duration such as 50ms`,
		"--few x":                       `program: --few "x": want a whole number`,
		"--few 3000000000":              `program: --few "3000000000": want a whole number up to 2147483647`,
		"--many -1":                     `program: --many "-1": want a whole number, 0 or more`,
		"--many 99999999999999999999":   `program: --many "99999999999999999999": want a whole number of at most 19 digits`,
		"--number 99999999999999999999": `program: --number "99999999999999999999": want a whole number of at most 18 digits`,
		"--mny 1":                       "program: unknown flag: --mny; did you mean --many?",
	} {
		root := &cobra.Command{Use: "program", RunE: func(*cobra.Command, []string) error { return nil }}
		flags := root.Flags()
		flags.Duration("wait", 0, "")
		flags.Int32("few", 0, "")
		flags.Uint64("many", 0, "")
		flags.Int("number", 0, "")
		var stderr bytes.Buffer
		code := Run(t.Context(), root, strings.Fields(args), strings.NewReader(""), &bytes.Buffer{}, &stderr)
		if want += "\nSee 'program --help'.\n"; code != ExitCannot || stderr.String() != want {
			t.Errorf("%s: %d, %q, want %q", args, code, stderr.String(), want)
		}
	}
}
