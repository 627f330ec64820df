package main

import (
	"encoding/json"
	"runtime"
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
		"battlereport v1.2.3 (revision 0123abcd of 2026-01-02T03:04:05Z, modified) go1.26.0": {GoVersion: "go1.26.0", Main: main, Settings: settings},
		"battlereport v1.2.3 (revision 0123abcd) go1.26.0":                                   {GoVersion: "go1.26.0", Main: main, Settings: settings[:1]},
		"battlereport v1.2.3 go1.26.0":                                                       {GoVersion: "go1.26.0", Main: main},
	} {
		if got := versionOf(&info).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestVersionAsJSON(t *testing.T) {
	t.Parallel()
	got := invoke(t, "", "version", "-o", "json")
	var v version
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil || got.code != exitDone || v.Go != runtime.Version() {
		t.Errorf("%+v: %v", got, err)
	}
	if text := invoke(t, "", "version"); text.stdout != v.String()+"\n" {
		t.Errorf("as text %q, as JSON %q", text.stdout, got.stdout)
	}
}
