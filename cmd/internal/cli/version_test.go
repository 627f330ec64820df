package cli

import (
	"runtime/debug"
	"testing"
)

func TestVersionTellsWhatTheToolchainNoted(t *testing.T) {
	t.Parallel()
	settings := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abcd"},
		{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
		{Key: "vcs.modified", Value: "true"},
		{Key: "GOOS", Value: "linux"},
	}
	main := debug.Module{Version: "v1.2.3"}
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3 (revision 0123abcd of 2026-01-02T03:04:05Z, modified) go1.26.0": {GoVersion: "go1.26.0", Main: main, Settings: settings},
		"v1.2.3 (revision 0123abcd) go1.26.0":                                   {GoVersion: "go1.26.0", Main: main, Settings: settings[:1]},
		"v1.2.3 go1.26.0":                                                       {GoVersion: "go1.26.0", Main: main},
	} {
		if got := versionOf(&info).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAVersionIsAProductToOthers(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.2.3":                               "battlereport/v1.2.3",
		"v0.0.0-20260102030405-0123abcd+dirty": "battlereport/v0.0.0-20260102030405-0123abcd+dirty",
		"(devel)":                              "battlereport/devel",
		"":                                     "battlereport",
	} {
		if got := (Version{Version: version}).UserAgent("battlereport"); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}
