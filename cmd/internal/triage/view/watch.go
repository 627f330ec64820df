package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// leastWhy is how wide the cause of letters ought to be beside their numbers; where there is less room it goes above them.
const leastWhy = 30

// Watch draws what has come, in lines for a screen of so many: what has no room is counted in the last. The title says of
// what, the notes what is wrong.
func Watch(style Style, height int, title string, notes []string, a *triage.Arrivals) []string {
	total := fmt.Sprintf("%s, %s pending, %s in the last minute", words.Number(a.Letters, "letter"), words.Grouped(a.Pending), words.Grouped(a.Minute))
	lines := append([]string{style.Palette.title(style.cut(title))}, style.wrap(total)...)
	if a.Unfollowed > 0 {
		notes = append(notes, fmt.Sprintf("only the newest letters are followed: %s may be pending besides", words.Grouped(a.Unfollowed)))
	}
	for _, note := range notes {
		for _, line := range style.wrap("! " + note) {
			lines = append(lines, style.Palette.bad(line))
		}
	}
	if len(a.Groups) == 0 {
		return lines
	}
	lines = append(lines, "")
	columns := groupColumns(style, a.Groups)
	if !columns.above {
		lines = append(lines, style.Palette.title(style.cut(columns.numbers("ALL", "PENDING", "1 MIN")+"WHY")))
	}
	for i := range a.Groups {
		block := columns.group(style, &a.Groups[i])
		rest := 0
		if i+1 < len(a.Groups) {
			rest = 1 // the line that counts the others
		}
		if i > 0 && height > 0 && len(lines)+len(block)+rest > height {
			return append(lines, style.Palette.faint(style.cut(more(a.Groups[i:]))))
		}
		lines = append(lines, block...)
	}
	return lines
}

// more counts groups that there is no room for.
func more(groups []triage.Group) string {
	var letters int64
	for _, g := range groups {
		letters += g.Letters
	}
	return fmt.Sprintf("and %s more, of %s", words.Grouped(len(groups)), words.Number(letters, "letter"))
}

// columnsOfGroups are how wide the numbers of groups are.
type columnsOfGroups struct {
	all, pending, minute int
	above                bool // the cause goes above the numbers
}

func groupColumns(style Style, groups []triage.Group) columnsOfGroups {
	c := columnsOfGroups{all: len("ALL"), pending: len("PENDING"), minute: len("1 MIN")}
	for _, g := range groups {
		c.all = max(c.all, len(words.Grouped(g.Letters)))
		c.pending = max(c.pending, len(words.Grouped(g.Pending)))
		c.minute = max(c.minute, len(words.Grouped(g.Minute)))
	}
	c.above = style.Width > 0 && style.Width-len(c.numbers("", "", "")) < leastWhy
	return c
}

func (c columnsOfGroups) numbers(all, pending, minute string) string {
	return fmt.Sprintf("%*s  %*s  %*s  ", c.all, all, c.pending, pending, c.minute, minute)
}

// group draws a group: its numbers and why, and below who and the last of it.
func (c columnsOfGroups) group(style Style, g *triage.Group) []string {
	who := apps(g.Apps)
	last := fmt.Sprintf("%s: %s", g.Last.Name, words.Visible(g.Last.Detail))
	if !g.LastAt.IsZero() {
		last = words.Clock(g.LastAt, style.Now, true) + " " + last
	}
	if c.above {
		numbers := fmt.Sprintf("  %s, %s pending, %s in 1 min", words.Number(g.Letters, "letter"), words.Grouped(g.Pending), words.Grouped(g.Minute))
		lines := []string{style.Palette.title(style.cut(g.Cause.String())), style.cut(numbers)}
		if who != "" {
			lines = append(lines, style.Palette.faint(style.cut("  "+who)))
		}
		return append(lines, style.Palette.faint(style.cut("  "+last)))
	}
	numbers := c.numbers(words.Grouped(g.Letters), words.Grouped(g.Pending), words.Grouped(g.Minute))
	first := style.cut(numbers + g.Cause.String())
	if g.Minute > 0 {
		first = style.Palette.warn(first[:len(numbers)]) + first[len(numbers):]
	}
	if who != "" {
		last = who + "; " + last
	}
	return []string{first, style.Palette.faint(style.cut(strings.Repeat(" ", 4) + last))}
}

// apps names those with the most letters.
func apps(all []triage.Count) string {
	const most = 2
	var names []string
	for _, app := range all[:min(len(all), most)] {
		names = append(names, shown(app.Name))
	}
	text := strings.Join(names, ", ")
	if len(all) > most {
		text += fmt.Sprintf(" and %d more", len(all)-most)
	}
	return text
}

// Arrival is a letter that has just come in a line, cut to nothing.
func Arrival(e *deadletter.Entry) string {
	at := "-"
	if when := triage.When(e); !when.IsZero() {
		at = when.UTC().Format(time.RFC3339)
	}
	if e.Foreign != "" {
		return fmt.Sprintf("%s  %s  %s  -  %s", at, e.Name, triage.Foreign, words.Visible(e.Foreign))
	}
	detail := words.Visible(e.Letter.Detail)
	if e.State != deadletter.Pending {
		detail = "(" + string(e.State) + ") " + detail
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s  %s  %s", at, e.Name, e.Letter.Reason, cmp.Or(words.Visible(e.Letter.AppID), "-"), detail), " ")
}
