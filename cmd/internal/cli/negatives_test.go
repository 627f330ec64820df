package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestNegativeNumbersAreArgumentsWhereTheyMayBe(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"takes -503":                     "takes -- -503",
		"takes -503 -o json":             "takes -o json -- -503",
		"takes -5 x -o json -73,why y":   "takes x -o json y -- -5 -73,why",
		"takes -o json -- -503 -x":       "takes -o json -- -503 -x",
		"takes -5 -- -x":                 "takes -- -5 -x",
		"takes -x 503":                   "takes -x 503 --",
		"takes -o -1 -2":                 "takes -o -1 -- -2",
		"takes --output -1 -2":           "takes --output -1 -- -2",
		"takes --output= -1":             "takes --output= -- -1",
		"takes --all -1":                 "takes --all -- -1",
		"takes --rate=-1":                "takes --rate=-1 --",
		"other -503":                     "other -503",
		"none -503":                      "none -503",
		"-503":                           "-503",
		"":                               "",
		"__complete takes -5":            "__complete takes -- -5",
		"__completeNoDesc takes -o x -5": "__completeNoDesc takes -o x -- -5",
		"__complete takes -o -5":         "__complete takes -o -5",
		"__complete takes -":             "__complete takes -",
		"__complete takes -5 -":          "__complete takes -5 -",
		"__complete other -5":            "__complete other -5",
		"__complete":                     "__complete",
	} {
		root := &cobra.Command{Use: "program"}
		for _, name := range []string{"takes", "other"} {
			cmd := &cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}, Args: cobra.ArbitraryArgs}
			cmd.Flags().StringP("output", "o", "", "")
			cmd.Flags().Bool("all", false, "")
			if name == "takes" {
				Negatives(cmd)
			}
			root.AddCommand(cmd)
		}
		if got := apart(root, strings.Fields(line)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}
