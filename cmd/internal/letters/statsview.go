package letters

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// A View is how something is shown to a person. Times are in the zone of Now.
type View struct {
	Now     time.Time
	Width   int // of the lines, in columns; 0: whatever they need
	Palette Palette
}

// pipeWidth is for what has to have a width even where nothing limits it.
const pipeWidth = 100

// Write writes the statistics, the verdict first.
func (s *Stats) Write(w io.Writer, v View) error {
	lines := s.Verdict(v)
	if s.Letters > 0 {
		lines = append(lines, s.sections(v)...)
		lines = append(lines, "", v.Palette.title("OVER TIME"))
		lines = append(lines, histogram(s.Timeline, s.StepSeconds, v)...)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// Verdict is what there is to know first: how many, since when, and why.
func (s *Stats) Verdict(v View) []string {
	if s.Letters == 0 {
		return []string{"No letters."}
	}
	about := ""
	if s.Players.Approximate {
		about = "about "
	}
	first := fmt.Sprintf("%s, of %s%s.", s.subject(), about, words.Number(s.Players.Count, "player"))
	lines := []string{v.Palette.title(v.cut(first))}
	return append(lines, v.wrap(s.Wave.verdict(s, v))...)
}

// subject says how many letters there are, and in which state.
func (s *Stats) subject() string {
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

func (w *Wave) verdict(s *Stats, v View) string {
	all := w.Letters == s.Letters
	recent := v.Now.Sub(w.Since) < time.Hour // then letters that came before may have come in the same minute
	since, ago := words.Clock(w.Since, v.Now, recent), words.Span(v.Now.Sub(w.Since))
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
		text = fmt.Sprintf("%s came from %s to %s, the last %s ago", came, since, words.Clock(w.Until, v.Now, recent), words.Span(v.Now.Sub(s.Last)))
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
func (s *Stats) sections(v View) (lines []string) {
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
	for _, vc := range s.Violations {
		number = max(number, len(words.Grouped(vc.Letters)))
	}
	for _, sec := range sections {
		lines = append(lines, "", v.Palette.title(sec.title))
		for _, c := range sec.counts {
			text := fmt.Sprintf("  %s  %s  %6s  ", words.Pad(words.Cut(shown(c.Name), label), label), words.PadLeft(words.Grouped(c.Letters), number), words.Share(c.Letters, s.Letters))
			room := cmp.Or(v.Width, pipeWidth) - words.Width(text)
			lines = append(lines, strings.TrimRight(text+bar(c.Letters, s.Letters, min(room, 60)), " "))
		}
	}
	if len(s.Violations) > 0 {
		lines = append(lines, "", v.Palette.title("VIOLATION"))
		for _, vc := range s.Violations {
			lines = append(lines, v.cut(fmt.Sprintf("  %s  %6s  %s", words.PadLeft(words.Grouped(vc.Letters), number), words.Share(vc.Letters, s.Letters), vc.String())))
		}
		if s.OtherViolations > 0 {
			lines = append(lines, v.cut(fmt.Sprintf("  %s  %6s  others", words.PadLeft(words.Grouped(s.OtherViolations), number), "")))
		}
	}
	return lines
}

type section struct {
	title  string
	counts []Count
}

func shown(name string) string {
	if name == "" {
		return "(unknown)"
	}
	return words.Visible(name)
}

func (v View) cut(text string) string {
	if v.Width == 0 {
		return text
	}
	return words.Cut(text, v.Width)
}

func (v View) wrap(text string) []string {
	if v.Width == 0 {
		return []string{text}
	}
	return words.Wrap(text, v.Width)
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

// Wrap breaks a line that is wider than the view between words.
func (v View) Wrap(line string) string { return words.Fit(line, v.Width) }
