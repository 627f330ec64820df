package cli

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// VersionCommand returns the command that tells what a program was built from.
func VersionCommand(program string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print what this program was built from",
		Example: fmt.Sprintf("  %[1]s version\n  %[1]s version -o json", program),
		Args:    UpTo(0),
	}
	output := OutputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := ThisVersion()
		if *output == "json" {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), program, v)
		return err
	}
	return cmd
}

// A Version is what the toolchain noted in the binary. What it does not know is empty.
type Version struct {
	Version  string `json:"version"`            // of the module: a tag, a pseudo-version or (devel)
	Revision string `json:"revision,omitempty"` // of the version control system
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339
	Modified bool   `json:"modified,omitempty"` // whether the sources differed from the revision
	Go       string `json:"go"`
}

// ThisVersion is the running program's.
func ThisVersion() Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{} // built without modules: nothing is known, and that is no failure
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) Version {
	v := Version{Version: info.Main.Version, Go: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.time":
			v.Time = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	return v
}

// UserAgent is how a program of this version names itself over HTTP, such as battlereport/v1.2.3. Of a version that is no
// number, such as (devel), the parentheses are left out, which have a meaning there.
func (v Version) UserAgent(program string) string {
	if version := strings.Trim(v.Version, "()"); version != "" {
		return program + "/" + version
	}
	return program
}

// String returns one line, such as "v1.2.3 (revision 0123abcd of 2026-01-02T03:04:05Z, modified) go1.26.0".
func (v Version) String() string {
	text := v.Version
	if v.Revision != "" {
		text += " (revision " + v.Revision
		if v.Time != "" {
			text += " of " + v.Time
		}
		if v.Modified {
			text += ", modified"
		}
		text += ")"
	}
	return text + " " + v.Go
}
