package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func rootCommand() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "battlereport",
		Short: "Battle reports from Kafka to the WeChat Game Center",
		Long: `Takes battle reports from Kafka, checks them, and posts them in batches to the WeChat Game Center.

Exit codes: 0 done, 1 the answer is no (such as an invalid report), 2 could not do what was asked, 3 no letter matches.`,
		Example: `  battlereport config example > battlereport.yaml
  battlereport config check -c battlereport.yaml
  battlereport validate reports.jsonl
  battlereport publish -c battlereport.yaml reports.jsonl
  battlereport run -c battlereport.yaml`,
	},
		runCommand(),
		configCommand(),
		validateCommand(),
		publishCommand(),
		deadletterCommand(),
		versionCommand(),
	)
	root.SilenceErrors = true // exit prints them
	root.SilenceUsage = true  // a page of usage would hide the error
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	return root
}

// group makes cmd a command that only has others under it. Named alone it shows its help, and exits 2, as nothing was
// done. Cobra by itself would take a slip in a name for a call for help, and exit 0.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usage(cmd, fmt.Errorf("unknown command %q%s", args[0], suggestion("", suggestions(cmd, args[0]))))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SetOut(cmd.ErrOrStderr())
		return errors.Join(errHelp, cmd.Help())
	}
	return cmd
}

// upTo is the check of a command that takes at most n arguments.
func upTo(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usage(cmd, fmt.Errorf("unexpected argument %q", args[n]))
	}
}

// flagError adds to an error of flags what was perhaps meant. A wrong word before the flag comes first: the flag may be
// one of the command that was meant.
func flagError(cmd *cobra.Command, err error) error {
	if before := cmd.Flags().Args(); len(before) > 0 { // what comes after the flag has not been read
		if err := cmd.ValidateArgs(before); err != nil {
			return err
		}
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
		flags := &cobra.Command{} // cobra knows what is alike among commands only
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		})
		err = fmt.Errorf("%w%s", err, suggestion("--", suggestions(flags, unknown.GetSpecifiedName())))
	}
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		err = fmt.Errorf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	return usage(cmd, err)
}

// wanted says what a flag takes. Flags of our own types say so themselves; what the others say is of Go's parsers.
func wanted(invalid *pflag.InvalidValueError) string {
	tooLarge := errors.Is(invalid, strconv.ErrRange)
	switch kind := invalid.GetFlag().Value.Type(); kind {
	case "bool":
		return "want true or false"
	case "int", "int64":
		if tooLarge {
			return "want a whole number of at most 18 digits"
		}
		return "want a whole number"
	case "float64":
		if tooLarge {
			return fmt.Sprintf("want a number up to %g", math.MaxFloat64)
		}
		return "want a number"
	case "stringSlice":
		return "want values separated by commas; one with a comma or a quotation mark in it stands in quotation marks, which are doubled in it"
	default:
		return invalid.Unwrap().Error()
	}
}

func suggestions(cmd *cobra.Command, name string) []string {
	cmd.SuggestionsMinimumDistance = 2
	return cmd.SuggestionsFor(name)
}

func suggestion(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}
