package sandbox

import (
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/screen"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// paint is a colour, or none.
type paint func(text string) string

// palette is how a view looks.
type palette struct{ title, label, good, bad, letter paint }

func ansi(code string) paint {
	return func(text string) string { return "\x1b[" + code + "m" + text + "\x1b[0m" }
}

func colourless(text string) string { return text }

var (
	colours = palette{title: ansi("1"), label: ansi("2"), good: ansi("32"), bad: ansi("1;31"), letter: ansi("33")}
	blank   = palette{colourless, colourless, colourless, colourless, colourless}
)

// render draws a snapshot in lines of at most width characters.
func render(s snapshot, width int, p palette) []string {
	lines := []string{heading(s, width, p), ""}
	lines = append(lines, numbers(s, p)...)
	lines = append(lines, "", word(s, p))
	blocks := [][]string{letterBlock(s, p)}
	for _, b := range s.boards {
		blocks = append(blocks, boardBlock(b, p))
	}
	lines = append(lines, beside(blocks, width)...)
	if len(s.notices) > 0 {
		lines = append(lines, "")
	}
	for _, n := range s.notices {
		lines = append(lines, p.bad("  ! ")+n)
	}
	for i := range lines {
		lines[i] = strings.TrimRight(screen.Cut(lines[i], width), " ")
	}
	return lines
}

func heading(s snapshot, width int, p palette) string {
	left := fmt.Sprintf("  %s, %s", s.phase, words.Elapsed(s.since))
	right := ""
	switch s.phase {
	case phaseNames[publishing]:
		right = "Ctrl-C stops"
	case phaseNames[settling]:
		right = "Ctrl-C does not wait"
	}
	gap := min(width, 79) - len(left) - len(right)
	if right == "" || gap < 2 {
		return p.title(left)
	}
	return p.title(left) + strings.Repeat(" ", gap) + p.label(right)
}

// numbers are the lines of counts and rates.
func numbers(s snapshot, p palette) []string {
	line := func(name string, n int64, rate float64, paintName paint, more string) string {
		text := paintName(fmt.Sprintf("  %-14s", name)) + fmt.Sprintf("%12s", words.Grouped(n))
		if rate >= 0 {
			text += fmt.Sprintf(" %9s/s", words.PerSecond(rate))
		} else {
			text += strings.Repeat(" ", 12)
		}
		return strings.TrimRight(text+"   "+more, " ")
	}
	took := ""
	if s.p50 > 0 {
		took = fmt.Sprintf("within %s, 1 in 100 within %s", words.Rough(s.p50), words.Rough(s.p99))
	}
	under := words.Grouped(s.stats.Pending) + " taken"
	if s.lag >= 0 {
		under += ", lag " + words.Grouped(s.lag)
	}
	calls := ""
	if s.rates.calls > 0 {
		calls = fmt.Sprintf("%.3g events each", s.rates.delivered/s.rates.calls)
	}
	if s.stats.FailedCalls > 0 {
		calls = strings.TrimPrefix(calls+", "+words.Grouped(s.stats.FailedCalls)+" failed", ", ")
	}
	return []string{
		line("published", int64(s.book.Published), s.rates.published, colourless, ""),
		line("delivered", int64(s.book.Delivered), s.rates.delivered, p.good, took),
		line("dead-lettered", int64(s.book.DeadLettered), s.rates.letters, p.letter, ""),
		line("pending", int64(s.book.Pending), -1, colourless, fmt.Sprintf("%s, %d in flight", under, s.stats.InFlight)),
		line("calls", s.stats.Calls, s.rates.calls, colourless, calls),
	}
}

// word says whether the pipeline has kept its word so far.
func word(s snapshot, p palette) string {
	var broken []string
	for _, v := range audit.Breaches() {
		if n := s.breaches[v]; n > 0 && (!s.replayed || v == audit.Lost) {
			broken = append(broken, fmt.Sprintf("%s %s", v, words.Grouped(n)))
		}
	}
	if len(broken) == 0 && s.replayed {
		return "  " + p.good("none lost") + "; letters were replayed, which this account does not follow"
	}
	if len(broken) == 0 {
		return "  " + p.good("none lost, duplicated, out of order, altered or misjudged")
	}
	return "  " + p.bad(strings.Join(broken, ", "))
}

func letterBlock(s snapshot, p palette) []string {
	lines := []string{p.label("dead letters")}
	for _, r := range append(deadletter.Reasons(), audit.Other) {
		if n := s.letters[r]; n > 0 {
			lines = append(lines, fmt.Sprintf("%-17s%9s", r, words.Grouped(n)))
		}
	}
	if len(lines) == 1 {
		lines = append(lines, "none")
	}
	return lines
}

func boardBlock(b board, p palette) []string {
	lines := []string{p.label("leaderboard of " + b.app)}
	for i, standing := range b.top {
		lines = append(lines, fmt.Sprintf("%d %-28.28s %s", i+1, standing.OpenID, words.Grouped(standing.Score)))
	}
	if len(lines) == 1 {
		lines = append(lines, "nobody yet")
	}
	return lines
}

// beside puts as many blocks beside each other as fit, and the others under them.
func beside(blocks [][]string, width int) []string {
	const margin, gap = 2, 4
	var lines []string
	for len(blocks) > 0 {
		n, total := 0, margin
		var widths []int
		for _, b := range blocks {
			w := 26 // so that columns do not jump while numbers grow
			for _, line := range b {
				w = max(w, screen.Visible(line))
			}
			if n > 0 && total+gap+w > width {
				break
			}
			if n > 0 {
				total += gap
			}
			total += w
			widths = append(widths, w)
			n++
		}
		height := 0
		for _, b := range blocks[:n] {
			height = max(height, len(b))
		}
		lines = append(lines, "")
		for row := range height {
			text := strings.Repeat(" ", margin)
			for i, b := range blocks[:n] {
				cell := ""
				if row < len(b) {
					cell = b[row]
				}
				text += cell + strings.Repeat(" ", widths[i]-screen.Visible(cell)+gap)
			}
			lines = append(lines, strings.TrimRight(text, " "))
		}
		blocks = blocks[n:]
	}
	return lines
}

// line is a snapshot for a pipe.
func line(s snapshot) string {
	text := fmt.Sprintf("%6s  %s: published %s (%s/s), delivered %s (%s/s), dead-lettered %s, pending %s",
		words.Elapsed(s.since), s.phase, words.Grouped(s.book.Published), words.PerSecond(s.rates.published),
		words.Grouped(s.book.Delivered), words.PerSecond(s.rates.delivered),
		words.Grouped(s.book.DeadLettered), words.Grouped(s.book.Pending))
	if s.lag >= 0 {
		text += ", lag " + words.Grouped(s.lag)
	}
	if s.p50 > 0 {
		text += fmt.Sprintf(", p50 %s, p99 %s", words.Rough(s.p50), words.Rough(s.p99))
	}
	if len(s.breaches) > 0 {
		text += "; " + strings.TrimSpace(word(s, blank))
	}
	for _, n := range s.notices {
		text += "; " + n
	}
	return text
}
