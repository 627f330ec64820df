// Package schemacmd is the command schema and those under it. Nothing is read or connected to: the built-in schemas are
// part of the program.
package schemacmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/schema"
)

// New returns the command with those under it.
func New() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:     "schema",
		Short:   "Print the schemas that reports are checked against",
		Example: `  battlereport schema show any`,
	}, showCommand())
}

const prefix = "builtin:"

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print a built-in schema of battle reports",
		Long: `Prints a built-in JSON Schema (draft 2020-12) byte for byte, for a game's own tests, or to begin one's own with. NAME is one
of

  builtin:en   the newer, English edition of the interface document
  builtin:ja   the older, Japanese one
  builtin:any  what either allows: the default of an app

with or without builtin: before it. What is printed gives the verdicts that the built-in schema gives, as a file too.

Exit codes: 0 printed, 2 there is no such schema.`,
		Example: `  battlereport schema show any > battle-report.schema.json
  battlereport schema show builtin:en | jq .required`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return editions(), cobra.ShellCompDirectiveNoFileComp
		},
		Args: cli.UpTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usage(cmd, errors.New("which schema? NAME is needed: "+known()))
			}
			text := schema.BuiltIn(prefix + strings.TrimPrefix(args[0], prefix))
			if text == nil {
				return cli.Usage(cmd, fmt.Errorf("no built-in schema is called %q: want %s%s",
					args[0], known(), cli.Suggestion(strings.TrimPrefix(args[0], prefix), editions())))
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

// editions are the names without what stands before all of them, which shells take for the end of a word.
func editions() []string {
	names := schema.BuiltIns()
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], prefix)
	}
	return names
}

func known() string { return strings.Join(editions(), ", ") }
