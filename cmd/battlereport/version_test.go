package main

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

func TestVersionAsJSON(t *testing.T) {
	t.Parallel()
	got := invoke(t, "", "version", "-o", "json")
	var v cli.Version
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil || got.code != exitDone || v.Go != runtime.Version() {
		t.Errorf("%+v: %v", got, err)
	}
	if text := invoke(t, "", "version"); text.stdout != "battlereport "+v.String()+"\n" {
		t.Errorf("as text %q, as JSON %q", text.stdout, got.stdout)
	}
}
