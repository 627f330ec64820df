package view

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// Stats writes statistics, the verdict first.
func Stats(w io.Writer, style Style, s *triage.Stats) error {
	lines := verdict(s, style)
	if s.Letters > 0 {
		lines = append(lines, sections(s, style)...)
		lines = append(lines, overTime(s, style)...)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// overTime shows when letters came, and of how many that is not known.
func overTime(s *triage.Stats, style Style) []string {
	lines := []string{"", style.Palette.title("OVER TIME")}
	if len(s.Timeline) > 0 {
		lines = append(lines, histogram(s.Timeline, s.StepSeconds, style)...)
	}
	if s.NoTime > 0 {
		lines = append(lines, style.cut(fmt.Sprintf("  %s without a time, or with one that nobody can mean", words.Number(s.NoTime, "letter"))))
	}
	return lines
}

// verdict is what there is to know first: how many, since when, and why.
func verdict(s *triage.Stats, style Style) []string {
	if s.Letters == 0 {
		return []string{"No letters."}
	}
	about := ""
	if s.Players.Approximate {
		about = "about "
	}
	first := fmt.Sprintf("%s, of %s%s.", subject(s), about, words.Number(s.Players.Count, "player"))
	lines := []string{style.Palette.title(style.cut(first))}
	return append(lines, style.wrap(wave(s, style))...)
}

// subject says how many letters there are, and in which state.
func subject(s *triage.Stats) string {
	if len(s.States) == 1 {
		state := s.States[0].Name
		if s.Letters == 1 {
			return "1 letter is " + state
		}
		return words.Grouped(s.Letters) + " letters are " + state
	}
	var each []string
	for _, state := range s.States {
		each = append(each, words.Grouped(state.Letters)+" "+state.Name)
	}
	return words.Number(s.Letters, "letter") + ": " + strings.Join(each, ", ")
}

// wave says since when letters have been coming, and why.
func wave(s *triage.Stats, style Style) string {
	w := s.Wave
	if w == nil {
		return "When they came is not known."
	}
	all := w.Letters == s.Letters
	recent := style.Now.Sub(w.Since) < time.Hour // then letters that came before may have come in the same minute
	since, ago := words.Clock(w.Since, style.Now, recent), words.Span(style.Now.Sub(w.Since))
	var text string
	switch {
	case w.Steady && w.Running:
		text = fmt.Sprintf("They have been coming since %s (%s ago)", since, ago)
	case w.Running && all:
		text = fmt.Sprintf("All came since %s (%s ago)", since, ago)
	case w.Running:
		text = fmt.Sprintf("%s of them came since %s (%s ago)", words.Grouped(w.Letters), since, ago)
	default:
		came := "They"
		if !all {
			came = words.Grouped(w.Letters) + " of them"
		}
		text = fmt.Sprintf("%s came from %s to %s, the last %s ago", came, since, words.Clock(w.Until, style.Now, recent), words.Span(style.Now.Sub(s.Last)))
	}
	share := "all are"
	if w.CauseLetters != w.Letters {
		share = words.Share(w.CauseLetters, w.Letters) + " are"
	}
	if s.Letters == 1 {
		text, share = "It came at "+since+" ("+ago+" ago)", "it is"
	}
	return text + "; " + share + " " + w.Cause.String() + "."
}

// sections are the counts by this and that. What is the same for all letters is left out, but for the reason.
func sections(s *triage.Stats, style Style) (lines []string) {
	uncertain := 0
	for i, d := range s.Deliveries {
		if d.Name == string(deadletter.Uncertain) {
			uncertain = i + 1
		}
	}
	var sections []section
	sections = append(sections, section{"REASON", s.Reasons})
	if len(s.Apps) > 1 {
		sections = append(sections, section{"APP", s.Apps})
	}
	if len(s.Rets) > 0 {
		sections = append(sections, section{"RET", s.Rets})
	}
	if uncertain > 0 {
		sections = append(sections, section{"DELIVERY", s.Deliveries})
	}
	label, number := 0, 0
	for _, sec := range sections {
		for _, c := range sec.counts {
			label = max(label, min(words.Width(shown(c.Name)), 40))
			number = max(number, len(words.Grouped(c.Letters)))
		}
	}
	for _, pc := range s.Patterns {
		number = max(number, len(words.Grouped(pc.Letters)))
	}
	for _, sec := range sections {
		lines = append(lines, "", style.Palette.title(sec.title))
		for _, c := range sec.counts {
			text := fmt.Sprintf("  %s  %s  %6s  ", words.Pad(words.Cut(shown(c.Name), label), label), words.PadLeft(words.Grouped(c.Letters), number), words.Share(c.Letters, s.Letters))
			room := cmp.Or(style.Width, pipeWidth) - words.Width(text)
			lines = append(lines, strings.TrimRight(text+bar(c.Letters, s.Letters, min(room, 60)), " "))
		}
	}
	if len(s.Patterns) > 0 {
		lines = append(lines, "", style.Palette.title("VIOLATION"))
		for _, pc := range s.Patterns {
			lines = append(lines, style.cut(fmt.Sprintf("  %s  %6s  %s", words.PadLeft(words.Grouped(pc.Letters), number), words.Share(pc.Letters, s.Letters), pc.String())))
		}
		if s.OtherPatterns > 0 {
			lines = append(lines, style.cut(fmt.Sprintf("  %s  %6s  others", words.PadLeft(words.Grouped(s.OtherPatterns), number), "")))
		}
	}
	return lines
}

type section struct {
	title  string
	counts []triage.Count
}

func shown(name string) string {
	if name == "" {
		return "(unknown)"
	}
	return words.Visible(name)
}

// bar draws a part of a whole, in eighths of a character.
func bar(part, whole int64, width int) string {
	if width <= 0 || whole == 0 || part == 0 {
		return ""
	}
	eighths := max(1, int(float64(part)/float64(whole)*float64(width)*8+0.5))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return text
}
