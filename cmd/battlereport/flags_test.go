package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// badValues are values that flags do not take, by type or name. Other text flags take any text, or a name that others know.
var badValues = map[string]string{
	"bool": "x", "int": "x", "int64": "x", "float64": "x", "stringSlice": `a"b`, "FORM": "x", "N/s": "x",
	"since": "x", "until": "x", "violation": "x", "where": "x y", "jq": "x y", "header": "x", "config": "/x", "schema": "/x",
}

// ofGo are words of Go's parsers, which say nothing to whoever has only typed a flag.
var ofGo = regexp.MustCompile(`strconv|parsing|unmarshal|invalid character|invalid syntax|parse error|invalid argument`)

func TestABadValueOfAnyFlagIsToldWithTheFlagTheValueAndWhatIsWanted(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}]")
	tested := map[string]bool{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			values := []string{badValues[f.Value.Type()]}
			if value, known := badValues[f.Name]; known {
				values[0] = value
			}
			switch f.Value.Type() {
			case "int", "int64":
				values = append(values, "1.5", "99999999999999999999")
			case "float64":
				values = append(values, "1e999", "-1")
			}
			for _, value := range values {
				if value == "" {
					continue
				}
				tested[f.Name] = true
				args := strings.Fields(cmd.CommandPath())[1:]
				switch {
				case cmd.Name() == "discard" && f.Name != "because":
					args = append(args, "--because", "x", "--reason", "rejected")
				case cmd.Name() == "replay":
					args = append(args, "--reason", "rejected")
				case cmd.Name() == "show":
					args = append(args, "t.dlq/0/0")
				}
				if f.Name != "config" && cmd.Flags().Lookup("config") != nil {
					args = append(args, "-c", path)
				}
				args = append(args, "--"+f.Name+"="+value)
				if cmd.Name() == "import" {
					args = append(args, "-")
				}
				got := invoke(t, "", args...)
				if f.Name == "config" || f.Name == "schema" { // the message is of the file
					if got.code != exitCannot || !strings.Contains(got.stderr, value) || ofGo.MatchString(got.stderr) {
						t.Errorf("%s --%s %s: %+v", cmd.CommandPath(), f.Name, value, got)
					}
					continue
				}
				if got.code != exitCannot || got.stdout != "" || !strings.HasPrefix(got.stderr, "battlereport: --"+f.Name) ||
					!strings.Contains(got.stderr, strings.Trim(value, `a"b`)) || ofGo.MatchString(got.stderr) {
					t.Errorf("%s --%s %s: %+v", cmd.CommandPath(), f.Name, value, got)
				}
				if f.Name != "where" && f.Name != "jq" && !strings.Contains(got.stderr, "want ") { // those quote jq
					t.Errorf("%s --%s %s does not say what is wanted: %+v", cmd.CommandPath(), f.Name, value, got)
				}
			}
		})
	}
	walk(rootCommand())
	for _, name := range []string{"limit", "offset", "partition", "rate", "max", "max-replays", "from-line", "yes", "output", "state", "delivery", "reason", "log-level", "header"} {
		if !tested[name] {
			t.Errorf("--%s is not tested", name)
		}
	}
}

func TestAUsageLineSaysFlagsOnce(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if strings.Count(strings.ToLower(cmd.UseLine()), "[flags]") > 1 {
			t.Errorf("%s", cmd.UseLine())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if c, ok := f.Value.(*cli.Choice); ok {
				if name, _ := pflag.UnquoteUsage(f); strings.ToUpper(name) != name && !strings.Contains(name, "|") {
					t.Errorf("%s --%s %s looks like a value, of %q", cmd.CommandPath(), f.Name, name, c.Allowed)
				}
			}
		})
	}
	walk(rootCommand())
}
