package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// Plan writes what is going to be done, under a line that says so. With diffs, the sample's repairs are shown.
func Plan(w io.Writer, style Style, p *triage.Plan, heading string, diffs bool) error {
	lines := []string{}
	for _, line := range style.wrap(heading) {
		lines = append(lines, style.Palette.title(line))
	}
	if p.Letters > 0 {
		lines = append(lines, sections(&triage.Stats{Letters: p.Letters, Reasons: p.Reasons(), Apps: p.Apps()}, style)...)
	}
	lines = append(lines, rounded(p, style)...)
	lines = append(lines, left(p, style)...)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil || p.Letters == 0 {
		return err
	}
	what := "SAMPLE, the oldest"
	if p.Letters <= int64(len(p.Sample)) {
		what = "LETTERS"
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", style.Palette.title(what)); err != nil {
		return err
	}
	table := NewTable(w, style)
	for i := range p.Sample {
		if err := table.Add(&p.Sample[i].Entry); err != nil {
			return err
		}
	}
	if err := table.Close(); err != nil || !diffs {
		return err
	}
	for i := range p.Sample {
		if err := Diff(w, style, &p.Sample[i]); err != nil {
			return err
		}
	}
	return nil
}

// rounded are the lines about numbers that were rounded, after an empty one.
func rounded(p *triage.Plan, style Style) []string {
	if p.Rounded == 0 {
		return nil
	}
	text := fmt.Sprintf("In %s a number has other digits that are the same to a float64, as in programs that keep a float64, such as jq before 1.7. In %s: %s.",
		words.Number(p.Rounded, "letter"), p.Rounding.Name, words.Visible(p.Rounding.Detail))
	return append([]string{""}, style.wrap(text)...)
}

// Obstacles writes what of a plan was not done, and why.
func Obstacles(w io.Writer, style Style, p *triage.Plan) error {
	lines := left(p, style)
	if len(lines) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(lines[1:], "\n")+"\n")
	return err
}

// left are the lines about letters that stay as they are, after an empty one.
func left(p *triage.Plan, style Style) (lines []string) {
	number, kind := 0, 0
	obstacles, resolved := p.Obstacles(), p.Resolved()
	for _, h := range append(obstacles, resolved...) {
		number, kind = max(number, len(words.Grouped(h.Letters))), max(kind, len(h.Kind))
	}
	block := func(title string, list []triage.Hindered) {
		if len(list) == 0 {
			return
		}
		lines = append(lines, "", style.Palette.title(title))
		for _, h := range list {
			margin := strings.Repeat(" ", 2+number+2+kind+2)
			for i, e := range h.Examples {
				text := margin
				if i == 0 {
					text = fmt.Sprintf("  %s  %s  ", words.PadLeft(words.Grouped(h.Letters), number), words.Pad(h.Kind, kind))
				}
				lines = append(lines, style.cut(text+e.Name+": "+words.Visible(e.Detail)))
			}
			if more := h.Letters - int64(len(h.Examples)); more > 0 {
				lines = append(lines, style.cut(margin+"and "+words.Grouped(more)+" more"))
			}
		}
	}
	block("LEFT AS IT IS", obstacles)
	block("DONE BEFORE", resolved)
	return lines
}
