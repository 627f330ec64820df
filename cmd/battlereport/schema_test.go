package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/schema"
)

func TestABuiltInSchemaIsShownByteForByteByEitherName(t *testing.T) {
	t.Parallel()
	for _, name := range schema.BuiltIns() {
		edition := strings.TrimPrefix(name, "builtin:")
		want, err := os.ReadFile(filepath.Join("..", "..", "schema", "builtin", edition+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"schema", "show", name}, {"schema", "show", edition}} {
			if got := invoke(t, "", args...); got != (outcome{exitDone, string(want), ""}) {
				t.Errorf("%q: %+v", args, got)
			}
		}
	}
}

func TestASchemaThatIsShownGivesTheVerdictsOfTheBuiltInOneAsAFile(t *testing.T) {
	t.Parallel()
	reports := strings.Join([]string{
		report,
		`{"baseinfo":{"openid":"o1","platid":0,"partitionid":9},"battleinfo":{"score":1}}`,
		`{"baseinfo":{"openid":"o1","platid":0,"partitionid":"9"},"battleinfo":{"score":1}}`,
		`{"baseinfo":{"openid":"","platid":7},"battleinfo":{"score":"1","acttime":"today"}}`,
		`{"baseinfo":{"openid":"o1","platid":0}}`,
		`{"baseinfo":{"openid":"o1","platid":0},"userdefined":{"gold":{"name":1,"value":[]}}}`,
		`[]`, `{`, `{"a":1,"a":2}`,
	}, "\n")
	for _, name := range schema.BuiltIns() {
		path := write(t, "report.schema.json", invoke(t, "", "schema", "show", name).stdout)
		want := invoke(t, reports, "validate", "--schema", name)
		if got := invoke(t, reports, "validate", "--schema", path); got != want || want.code != exitNo {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
	}
}

func TestTheCommandLineOfSchemaShowIsChecked(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args []string
		want string // in standard error
	}{
		"a name is needed":                    {nil, "which schema? NAME is needed: en, ja, any"},
		"a name is one of a few":              {[]string{"zh"}, `no built-in schema is called "zh": want en, ja, any`},
		"a slip gets a suggestion":            {[]string{"builtin:anyy"}, "did you mean any"},
		"a path is no name":                   {[]string{"../builtin/any"}, "no built-in schema is called"},
		"a second name is not ignored":        {[]string{"any", "en"}, `unexpected argument "en"`},
		"nor is an empty one taken for any":   {[]string{""}, `no built-in schema is called ""`},
		"what begins a name is no name alone": {[]string{"builtin:"}, `no built-in schema is called "builtin:"`},
	} {
		got := invoke(t, "", append([]string{"schema", "show"}, test.args...)...)
		if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}

func TestAShellCompletesTheNamesOfSchemas(t *testing.T) {
	t.Parallel()
	if got := invoke(t, "", "__complete", "schema", "show", ""); !strings.HasPrefix(got.stdout, "en\nja\nany\n:4\n") {
		t.Errorf("%+v", got)
	}
}
