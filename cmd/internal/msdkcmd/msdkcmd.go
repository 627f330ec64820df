// Package msdkcmd is the command msdk and those under it, a file a verb, for people who talk to MSDK, or make others do so.
// What is signed, sent and read is package msdkclient's.
package msdkcmd

import (
	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// New returns the command with those under it.
func New() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "msdk",
		Short: "Talk to MSDK, understand it, or have something to talk to",
		Example: `  battlereport msdk call /auth/check_token -c battlereport.yaml --example --dry-run
  battlereport msdk explain -503
  battlereport msdk serve
  battlereport msdk openapi > msdk.json`,
	}, newCall(), newExplain(), newServe(), newOpenAPI())
}
