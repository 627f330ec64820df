package cli

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// ConfigFlag gives cmd the flag that names the configuration, and returns what loads it.
func ConfigFlag(cmd *cobra.Command) func() (*config.Config, error) {
	path := cmd.Flags().StringP("config", "c", "", "`FILE` of the configuration (YAML)")
	return func() (*config.Config, error) {
		if *path == "" {
			return nil, Usage(cmd, errors.New("which configuration? -c FILE is needed"))
		}
		return config.Load(*path, os.LookupEnv)
	}
}

// OutputFlag gives cmd the flag that chooses the form of its output; the first form is the default.
func OutputFlag(cmd *cobra.Command, forms ...string) *string {
	c := &Choice{Value: forms[0], Allowed: forms}
	cmd.Flags().VarP(c, "output", "o", "form of the output: "+strings.Join(forms, " or "))
	return &c.Value
}

// A Choice is a flag that takes one of a few words. Its Value is the default until it is set.
type Choice struct {
	Value   string
	Allowed []string
}

func (c *Choice) String() string { return c.Value }

// Type is what the flag's help calls its value.
func (c *Choice) Type() string { return "FORM" }

// Set takes one of the words that are allowed.
func (c *Choice) Set(value string) error {
	if !slices.Contains(c.Allowed, value) {
		return errors.New("want " + strings.Join(c.Allowed, " or "))
	}
	c.Value = value
	return nil
}
