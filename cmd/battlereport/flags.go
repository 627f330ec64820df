package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// configFlag gives cmd the flag that names the configuration, and returns what loads it.
func configFlag(cmd *cobra.Command) func() (*config.Config, error) {
	path := cmd.Flags().StringP("config", "c", "", "`FILE` of the configuration (YAML)")
	return func() (*config.Config, error) {
		if *path == "" {
			return nil, usage(cmd, errors.New("which configuration? -c FILE is needed"))
		}
		return config.Load(*path, os.LookupEnv)
	}
}

// outputFlag gives cmd the flag that chooses the form of its output; the first form is the default.
func outputFlag(cmd *cobra.Command, forms ...string) *string {
	c := &choice{value: forms[0], allowed: forms}
	cmd.Flags().VarP(c, "output", "o", "form of the output: "+strings.Join(forms, " or "))
	return &c.value
}

// A choice is the value of a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "FORM" }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.allowed, value) {
		return errors.New("want " + strings.Join(c.allowed, " or "))
	}
	c.value = value
	return nil
}
