package msdkcmd

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient"
)

type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs the command msdk as the program does.
func invoke(t *testing.T, args ...string) outcome {
	t.Helper()
	root := cli.Group(&cobra.Command{Use: "battlereport"}, New())
	var stdout, stderr strings.Builder
	code := cli.Run(t.Context(), root, append([]string{"msdk"}, args...), strings.NewReader(""), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// TestExplainWritesWhatIsShown runs what testdata/explain.txt shows.
func TestExplainWritesWhatIsShown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/explain.txt")
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`'[^']*'|\S+`)
	shown := strings.Split(string(text), "\n\n$ msdk ")[1:]
	if len(shown) < 10 {
		t.Fatalf("%d commands", len(shown))
	}
	for _, one := range shown {
		line, want, _ := strings.Cut(strings.TrimSpace(one), "\n")
		args := word.FindAllString(line, -1)
		for i := range args {
			args[i] = strings.Trim(args[i], "'")
		}
		got := invoke(t, args...)
		text := got.stdout
		for said := range strings.Lines(got.stderr) {
			text += "! " + said
		}
		if got.code != 0 {
			text += "exit " + strconv.Itoa(got.code)
		}
		if strings.TrimSpace(text) != want {
			t.Errorf("$ msdk %s\n%s\nwant\n%s", line, text, want)
		}
	}
}

func TestANegativeCodeNeedsNoDashesBeforeIt(t *testing.T) {
	t.Parallel()
	want := invoke(t, "explain", "-o", "json", "--", "-503")
	if want.code != 0 || !strings.Contains(want.stdout, `"code": -503`) {
		t.Fatalf("%+v", want)
	}
	for _, line := range []string{"-o json -503", "-503 -o json", "-503 --output=json", "-o json -- -503"} {
		if got := invoke(t, append([]string{"explain"}, strings.Fields(line)...)...); got != want {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"x"},
		{""},
		{"-"},
		{"4 0"},
		{"40001x"},
		{"http"},
		{"http", "x"},
		{"http", "600"},
		{"http", "-503"},
		{"-503", "-504"},
		{"1", "2"},
		{"99999999999999999999"},
		{"-x"},
		{"-503", "-x"},
		{"1.5"},
	} {
		got := invoke(t, append([]string{"explain"}, args...)...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, "See 'battlereport msdk explain --help'") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestAllCodesAreListedAndEachIsExplained(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(invoke(t, "explain").stdout, "\n"), "\n")[1:]
	var all []explanation
	if err := json.Unmarshal([]byte(invoke(t, "explain", "-o", "json").stdout), &all); err != nil {
		t.Fatal(err)
	}
	codes := msdkclient.Codes()
	if len(lines) != len(codes) || len(all) != len(codes) {
		t.Fatalf("%d lines, %d in JSON, of %d codes", len(lines), len(all), len(codes))
	}
	for i, m := range codes {
		if f := strings.Fields(lines[i]); f[0] != m.Layer || f[1] != strconv.Itoa(m.Code) || f[2] != m.Class.String() ||
			f[3] != m.UserClass.String() || !strings.HasSuffix(lines[i], m.Text) {
			t.Errorf("%+v is listed as %s", m, lines[i])
		}
		e := all[i]
		if e.WithoutToken.Advice == "" || e.WithToken.Advice == "" || e.Pipeline == "" {
			t.Errorf("something is missing in %+v", e)
		}
		if got := invoke(t, "explain", strconv.Itoa(m.Code)); got.code != 0 || !strings.Contains(got.stdout, e.title()) {
			t.Errorf("%d: %+v", m.Code, got)
		}
	}
	for status := 100; status < 600; status++ {
		got := invoke(t, "explain", "http", strconv.Itoa(status))
		if status != 200 && (got.code != 0 || !strings.Contains(got.stdout, "class: "+msdkclient.StatusClass(status).String())) {
			t.Errorf("HTTP %d: %+v", status, got)
		}
	}
}

func TestLinesFitATerminal(t *testing.T) {
	t.Parallel()
	var text, table strings.Builder
	all := explainAll(msdkclient.Codes())
	if err := writeText(&text, all[:20], 60); err != nil {
		t.Error(err)
	}
	if err := writeTable(&table, all, 60); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(text.String() + table.String()) {
		if words.Width(strings.TrimSuffix(line, "\n")) > 60 {
			t.Errorf("too wide: %s", line)
		}
	}
	if !strings.Contains(text.String(), "\n  the pipeline: holds the app: its records wait, for\n    delivery.max_hold") {
		t.Error(text.String())
	}
}

func TestCompletionKnowsCodesAndWhatTheyMean(t *testing.T) {
	t.Parallel()
	complete := func(args ...string) (int, string) {
		root := cli.Group(&cobra.Command{Use: "battlereport"}, New())
		var stdout strings.Builder
		args = append([]string{cobra.ShellCompRequestCmd, "msdk", "explain"}, args...)
		return cli.Run(t.Context(), root, args, strings.NewReader(""), &stdout, &strings.Builder{}), stdout.String()
	}
	nothing := fmt.Sprintf(":%d\n", cobra.ShellCompDirectiveNoFileComp)
	if code, offers := complete("0", "4"); code != 0 || offers != nothing {
		t.Errorf("after a code: %d, %s", code, offers)
	}
	for begun, want := range map[string]string{
		"-50":  "-503\taccess: one user's requests come too often\n",
		"4200": "42001\twechat: access_token expired\n",
		"-1":   "-1\twechat: system error; qq: invalid request parameters\n",
		"":     "-73\tqq: the user has changed the password\n",
	} {
		code, offers := complete(begun)
		if code != 0 || !strings.Contains(offers, want) || !strings.HasSuffix(offers, nothing) {
			t.Errorf("%q: %d, %s", begun, code, offers)
		}
		for line := range strings.Lines(offers) {
			if !strings.HasPrefix(line, begun) && !strings.HasPrefix(line, ":") {
				t.Errorf("%q is offered for %q", line, begun)
			}
		}
	}
}
