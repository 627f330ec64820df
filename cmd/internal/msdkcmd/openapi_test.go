package msdkcmd

import (
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient/openapi"
)

func TestOpenAPIPrintsTheDescriptionAndNothingElse(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	if code := cli.Run(t.Context(), New(), []string{"openapi"}, strings.NewReader(""), &out, &errs); code != cli.ExitDone {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if out.String() != string(openapi.JSON()) || errs.String() != "" {
		t.Errorf("%.100s… and on standard error %q", out.String(), errs.String())
	}
}

func TestOpenAPITakesNoArgument(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	code := cli.Run(t.Context(), New(), []string{"openapi", "yaml"}, strings.NewReader(""), &out, &errs)
	if code != cli.ExitCannot || !strings.Contains(errs.String(), `unexpected argument "yaml"`) || out.String() != "" {
		t.Errorf("exit code %d: %s%.100s", code, errs.String(), out.String())
	}
}
