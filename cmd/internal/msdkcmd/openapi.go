package msdkcmd

import (
	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient/openapi"
)

func newOpenAPI() *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print an OpenAPI description of the calls",
		Long: `Prints an OpenAPI 3.1 description of the twelve calls, as JSON, from which a client can be generated in any language. It
says what the fields are, what is allowed in them, and which codes are answered, with the interface document's examples.
How a call is signed is told in words: a generated client leaves that to its caller.

Exit codes: 0 it was printed, 2 it could not be.`,
		Example: `  battlereport msdk openapi > msdk.json
  openapi-python-client generate --path msdk.json`,
		Args: cli.UpTo(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(openapi.JSON())
			return err
		},
	}
}
