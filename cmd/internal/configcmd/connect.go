package configcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/preflight"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// connect tries what the configuration names, and says what was found of each. The error is [cli.ErrNo] if something is
// not as run wants it.
func connect(cmd *cobra.Command, file string, c *config.Config, form string) error {
	progress := cli.NewProgress(cmd)
	defer progress.End()
	progress.Begin(cli.Task{Name: "checking", Unit: "findings", Total: -1})
	out := progress.Over(cmd.OutOrStdout())
	paper := &paper{out: out, coloured: cli.Coloured(cmd.OutOrStdout()), columns: cli.Columns(cmd.OutOrStdout())}
	report := report{Configuration: file, Findings: []preflight.Finding{}}
	var failed error // to write
	preflight.Run(cmd.Context(), c, preflight.Options{}, func(f preflight.Finding) {
		if cmd.Context().Err() != nil {
			return // what fails now fails by Ctrl-C
		}
		report.add(f)
		if form == "text" && failed == nil {
			failed = paper.write(f)
		}
		progress.Add(1)
	})
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	report.OK = report.Failed == 0
	switch {
	case failed != nil:
		return failed
	case form == "json":
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		failed = encoder.Encode(report)
	default:
		_, failed = fmt.Fprintln(out, report.summary())
	}
	if failed == nil && !report.OK {
		return cli.ErrNo
	}
	return failed
}

// A report is what was found of everything.
type report struct {
	Configuration string              `json:"configuration"`
	OK            bool                `json:"ok"`
	Passed        int                 `json:"passed"`
	Failed        int                 `json:"failed"`
	Warnings      int                 `json:"warnings"`
	Findings      []preflight.Finding `json:"findings"`
}

func (r *report) add(f preflight.Finding) {
	r.Findings = append(r.Findings, f)
	switch f.State {
	case preflight.OK:
		r.Passed++
	case preflight.Failed:
		r.Failed++
	case preflight.Warning:
		r.Warnings++
	}
}

func (r *report) summary() string {
	end := "run can work with it"
	if !r.OK {
		end = "run cannot work with it as it is"
	}
	return fmt.Sprintf("%s: %d ok, %s, %d failed: %s", r.Configuration, r.Passed, words.Count(r.Warnings, "warning"), r.Failed, end)
}

// paper is where findings are written for people: a terminal, or a file.
type paper struct {
	out      io.Writer
	coloured bool
	columns  int // 0: any width
}

// signs are how a state is shown on a terminal; elsewhere it is its word.
var signs = map[preflight.State]string{
	preflight.OK: "\x1b[32m✓\x1b[0m", preflight.Warning: "\x1b[33m!\x1b[0m", preflight.Failed: "\x1b[31m✗\x1b[0m",
	preflight.Skipped: "-",
}

func (p *paper) write(f preflight.Finding) error {
	sign, indent := words.Pad(string(f.State), 7), strings.Repeat(" ", 9)
	if p.coloured {
		sign, indent = signs[f.State], "   "
	}
	what := f.Check
	if f.Subject != "" {
		what += " " + f.Subject
	}
	text := p.indented(what+": "+f.Found, indent)
	if f.Do != "" {
		text += "\n" + indent + p.indented("do: "+f.Do, indent)
	}
	_, err := fmt.Fprintf(p.out, "%s  %s\n", sign, text)
	return err
}

// indented breaks text between words where it does not fit.
func (p *paper) indented(text, indent string) string {
	if p.columns == 0 {
		return text
	}
	return strings.ReplaceAll(words.Fit(text, max(20, p.columns-len(indent))), "\n", "\n"+indent)
}
