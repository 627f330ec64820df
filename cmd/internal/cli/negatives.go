package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const negatives = "arguments may be negative numbers"

// Negatives lets arguments of cmd be negative numbers, anywhere on the line: to pflag, -503 is the flags 5, 0 and 3.
func Negatives(cmd *cobra.Command) *cobra.Command {
	cmd.Annotations = map[string]string{negatives: ""}
	return cmd
}

var negative = regexp.MustCompile(`^-[0-9]`)

// apart returns args with what begins like a negative number after everything else, behind a "--", if they choose a command
// that takes such. That holds for a line to be completed as well, whose last word must stay the last.
func apart(root *cobra.Command, args []string) []string {
	line := args
	completing := len(args) > 1 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	if completing {
		line = args[1:]
	}
	cmd, _, err := root.Find(line)
	if err != nil || completing && !negative.MatchString(line[len(line)-1]) {
		return args
	}
	if _, ok := cmd.Annotations[negatives]; !ok {
		return args
	}
	var before, after []string
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(append(before, "--"), append(after, args[i+1:]...)...)
		case negative.MatchString(arg) && !(i > 0 && wantsValue(cmd, args[i-1])):
			after = append(after, arg)
		default:
			before = append(before, arg)
		}
	}
	if completing && after == nil {
		return args // the last word is a flag's
	}
	return append(append(before, "--"), after...)
}

// wantsValue tells whether arg is a flag of cmd whose value is the word behind it.
func wantsValue(cmd *cobra.Command, arg string) bool {
	var flag *pflag.Flag
	if name, long := strings.CutPrefix(arg, "--"); long {
		flag = cmd.Flag(name)
	} else if len(arg) == 2 && arg[0] == '-' {
		flag = cmd.Flags().ShorthandLookup(arg[1:])
	}
	return flag != nil && flag.NoOptDefVal == ""
}
