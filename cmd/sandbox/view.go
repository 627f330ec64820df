package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
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
	lines = append(lines, figures(s, p)...)
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
		lines[i] = strings.TrimRight(cut(lines[i], width), " ")
	}
	return lines
}

func heading(s snapshot, width int, p palette) string {
	left := fmt.Sprintf("  %s, %s", s.phase, clock(s.since))
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

// figures are the lines of numbers.
func figures(s snapshot, p palette) []string {
	line := func(name string, n int64, rate float64, paintName paint, more string) string {
		text := paintName(fmt.Sprintf("  %-14s", name)) + fmt.Sprintf("%12s", grouped(n))
		if rate >= 0 {
			text += fmt.Sprintf(" %9s/s", perSecond(rate))
		} else {
			text += strings.Repeat(" ", 12)
		}
		return strings.TrimRight(text+"   "+more, " ")
	}
	took := ""
	if s.p50 > 0 {
		took = fmt.Sprintf("within %s, 1 in 100 within %s", round(s.p50), round(s.p99))
	}
	under := grouped(int64(s.stats.Pending)) + " taken"
	if s.lag >= 0 {
		under += ", lag " + grouped(s.lag)
	}
	calls := ""
	if s.rates.calls > 0 {
		calls = fmt.Sprintf("%.3g events each", s.rates.delivered/s.rates.calls)
	}
	if s.stats.FailedCalls > 0 {
		calls = strings.TrimPrefix(calls+", "+grouped(s.stats.FailedCalls)+" failed", ", ")
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
			broken = append(broken, fmt.Sprintf("%s %s", v, grouped(int64(n))))
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
			lines = append(lines, fmt.Sprintf("%-17s%9s", r, grouped(int64(n))))
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
		lines = append(lines, fmt.Sprintf("%d %-28.28s %s", i+1, standing.OpenID, grouped(standing.Score)))
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
				w = max(w, visible(line))
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
				text += cell + strings.Repeat(" ", widths[i]-visible(cell)+gap)
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
		clock(s.since), s.phase, grouped(int64(s.book.Published)), perSecond(s.rates.published),
		grouped(int64(s.book.Delivered)), perSecond(s.rates.delivered),
		grouped(int64(s.book.DeadLettered)), grouped(int64(s.book.Pending)))
	if s.lag >= 0 {
		text += ", lag " + grouped(s.lag)
	}
	if s.p50 > 0 {
		text += fmt.Sprintf(", p50 %s, p99 %s", round(s.p50), round(s.p99))
	}
	if len(s.breaches) > 0 {
		text += "; " + strings.TrimSpace(word(s, blank))
	}
	for _, n := range s.notices {
		text += "; " + n
	}
	return text
}

// visible is how many characters a line of a view shows. Text in views is ASCII but for escape sequences.
func visible(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		if line[i] == '\x1b' {
			i += strings.IndexByte(line[i:], 'm')
			continue
		}
		n++
	}
	return n
}

// cut shortens a line to width visible characters, escape sequences kept.
func cut(line string, width int) string {
	if visible(line) <= width {
		return line
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(line); i++ {
		if line[i] == '\x1b' {
			end := i + strings.IndexByte(line[i:], 'm')
			b.WriteString(line[i : end+1])
			i = end
			continue
		}
		if n < width {
			b.WriteByte(line[i])
		}
		n++
	}
	return b.String()
}

// grouped writes n with a comma before every third digit.
func grouped(n int64) string {
	digits := []byte(strconv.FormatInt(n, 10))
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}

func perSecond(rate float64) string {
	if rate > 0 && rate < 10 {
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return grouped(int64(math.Round(rate)))
}

// round leaves two digits or three of a duration.
func round(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
}

// clock writes a duration as 0:05 or 1:02:03.
func clock(d time.Duration) string {
	seconds := int(d.Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
