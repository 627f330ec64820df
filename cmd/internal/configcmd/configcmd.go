// Package configcmd is the command config and those under it, which check or describe the configuration. None of them
// connects to anything but check --connect, which changes nothing: see package preflight.
package configcmd

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/renewal"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/schema"
)

// New returns the command with those under it.
func New() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "config",
		Short: "Check or describe the configuration",
		Example: `  battlereport config example > battlereport.yaml
  battlereport config check -c battlereport.yaml`,
	}, checkCommand(), exampleCommand(), schemaCommand())
}

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check -c FILE [--connect]",
		Short: "Say whether a configuration is good, or all that is wrong with it",
		Long: `Reads a configuration as run does, variables, secrets and schemas included, and says all that is wrong with it,
each with its line, and names the proxy by which calls would go. Connects to nothing. What of a schema looks like a check
and is none, such as a misspelt keyword, is a warning: it can be run. So is a certificate of ours that expires soon; one
that has expired is a fault.

Exit codes: 0 it can be run, 2 it cannot.`,
		Example: `  MSDK_APPKEY=... battlereport config check -c battlereport.yaml`,
		Args:    cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	connecting := cmd.Flags().Bool("connect", false, "try the brokers, topics, rights, keys and the platform, and change nothing")
	form := cli.OutputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("output") && !*connecting {
			return cli.Usage(cmd, errors.New("--output goes with --connect"))
		}
		c, err := load()
		if err != nil {
			return err
		}
		file := cmd.Flag("config").Value
		if *connecting {
			return connect(cmd, file.String(), c, *form)
		}
		var faults []error
		noted := map[string]bool{}
		for i, app := range c.Apps {
			s, err := schema.Load(app.Schema, schema.DefaultLimits())
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: apps[%d].schema: %w", file, i, err))
				continue
			}
			if noted[app.Schema] {
				continue
			}
			noted[app.Schema] = true
			for _, note := range s.Lint() {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: apps[%d].schema: warning: %v\n", file, i, note)
			}
		}
		if _, err := c.Kafka.Connection(nil); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", file, err))
		} else if warning, err := checkExpiry(&c.Kafka.TLS); err != nil {
			faults = append(faults, fmt.Errorf("%s: kafka.tls.cert_file: %w", file, err))
		} else if warning != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: kafka.tls.cert_file: warning: %s\n", file, warning)
		}
		proxy, err := msdkclient.ProxyFor(c.MSDK.BaseURL, os.Getenv)
		if err != nil {
			faults = append(faults, err)
		}
		if faults != nil {
			return errors.Join(faults...)
		}
		by := ""
		if proxy != nil {
			by = ", by proxy " + proxy.String()
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok: %s, %s%s\n",
			file, words.Count(len(c.Apps), "app"), words.Count(len(c.SourceTopics()), "topic"), by)
		return err
	}
	return cmd
}

// checkExpiry looks whether our certificate has expired, or soon will.
func checkExpiry(tls *config.TLS) (warning string, err error) {
	first, err := tls.FirstToExpire()
	if err != nil || first == nil {
		return "", err
	}
	at := first.NotAfter.UTC().Format(time.RFC3339)
	switch renewal.StageOf(first, time.Now()) {
	case renewal.Far:
		return "", nil
	case renewal.Expired:
		return "", fmt.Errorf("%s: expired at %s: renew it", tls.CertFile, at)
	default:
		return fmt.Sprintf("%s: expires at %s", tls.CertFile, at), nil
	}
}

func exampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a configuration with every key, its meaning and its default",
		Example: `  battlereport config example > battlereport.yaml`,
		Args:    cli.UpTo(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Example())
			return err
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the configuration, for editors",
		Long: `Prints a JSON Schema (draft 2020-12) by which an editor can check and complete a configuration. An editor with the YAML
language server finds it by a first line in the configuration such as

  # yaml-language-server: $schema=battlereport.schema.json`,
		Example: `  battlereport config schema > battlereport.schema.json`,
		Args:    cli.UpTo(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.JSONSchema())
			return err
		},
	}
}
