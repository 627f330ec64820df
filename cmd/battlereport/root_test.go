package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestTheCommandLineIsChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string // standard error
	}{
		"a slip in a command gets a suggestion":   {[]string{"vlidate"}, "battlereport: unknown command \"vlidate\"; did you mean validate?\nSee 'battlereport --help'.\n"},
		"so does one in a command under another":  {[]string{"config", "chek"}, "battlereport: unknown command \"chek\"; did you mean check?\nSee 'battlereport config --help'.\n"},
		"so does one in a flag":                   {[]string{"validate", "--shema", "x"}, "battlereport: unknown flag: --shema; did you mean --schema?\nSee 'battlereport validate --help'.\n"},
		"a command like no other gets none":       {[]string{"zzz"}, "battlereport: unknown command \"zzz\"\nSee 'battlereport --help'.\n"},
		"a word before a flag is looked at first": {[]string{"zzz", "list", "-c", "x"}, "battlereport: unknown command \"zzz\"\nSee 'battlereport --help'.\n"},
		"a flag of one letter gets none":          {[]string{"validate", "-x"}, "battlereport: unknown shorthand flag: 'x' in -x\nSee 'battlereport validate --help'.\n"},
		"a form of output is one of a few":        {[]string{"version", "-o", "yaml"}, "battlereport: --output \"yaml\": want text or json\nSee 'battlereport version --help'.\n"},
		"an argument too many is not ignored":     {[]string{"version", "x"}, "battlereport: unexpected argument \"x\"\nSee 'battlereport version --help'.\n"},
		"config check needs to know what":         {[]string{"config", "check"}, "battlereport: which configuration? -c FILE is needed\nSee 'battlereport config check --help'.\n"},
		"a second file to validate is not one":    {[]string{"validate", "a", "b"}, "battlereport: unexpected argument \"b\"\nSee 'battlereport validate --help'.\n"},
		"a flag without its value is no flag":     {[]string{"validate", "--schema"}, "battlereport: flag needs an argument: --schema\nSee 'battlereport validate --help'.\n"},
		"a configuration that is not there is no": {[]string{"config", "check", "-c", "/none.yaml"}, "battlereport: read configuration file /none.yaml: no such file or directory\n"},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got, want := invoke(t, "", test.args...), (outcome{exitCannot, "", test.want}); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAGroupNamedAloneShowsItsHelpAndDidNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"config"}} {
		got := invoke(t, "", args...)
		if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, "Available Commands:") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		got := invoke(t, "", args...)
		if got.code != exitDone || got.stderr != "" || cmd.Short == "" || cmd.Example == "" || !strings.Contains(got.stdout, cmd.Example) {
			t.Errorf("%q: %+v", args, got)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand())
}

func TestThereIsNoColourWithoutATerminal(t *testing.T) {
	t.Parallel()
	if got := invoke(t, "", "zzz"); strings.Contains(got.stderr, "\x1b") {
		t.Errorf("colour without a terminal: %q", got.stderr)
	}
}
