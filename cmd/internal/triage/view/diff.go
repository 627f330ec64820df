package view

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

// Diff writes what a replay changes in a letter's value.
func Diff(w io.Writer, style Style, replay *resolve.Replay) error {
	lines := []string{"", style.Palette.title(replay.Entry.Name.String())}
	if !replay.Repaired {
		lines = append(lines, "  unchanged")
	} else {
		for _, c := range changes(laidOut(replay.Entry.Letter.Value, replay.Value)) {
			text := style.cut("  " + string(c.sign) + " " + words.Visible(c.text))
			switch c.sign {
			case '-':
				text = style.Palette.bad(text)
			case '+':
				text = style.Palette.good(text)
			}
			lines = append(lines, text)
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// laidOut returns the lines of two values that differ: laid out for a person, where both are JSON and the difference is
// not in the white space alone.
func laidOut(a, b []byte) (linesOfA, linesOfB []string) {
	textA, textB := indented(a), indented(b)
	if textA == nil || textB == nil || bytes.Equal(textA, textB) {
		textA, textB = a, b
	}
	return strings.Split(string(textA), "\n"), strings.Split(string(textB), "\n")
}

// A change is a line that is added (+), taken out (-), or shown for what is around it.
type change struct {
	sign byte
	text string
}

// Bounds of a difference: lines around a change, and how long the differing parts may be to be looked at line by line.
const (
	diffAround = 2
	diffCells  = 1 << 22
)

// changes returns the changes that make b of a, with a few lines around each.
func changes(a, b []string) []change {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	end := 0
	for end < min(len(a), len(b))-same && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var all []change
	add := func(sign byte, lines []string) {
		for _, line := range lines {
			all = append(all, change{sign, line})
		}
	}
	add(' ', a[:same])
	all = append(all, middle(a[same:len(a)-end], b[same:len(b)-end])...)
	add(' ', a[len(a)-end:])
	var out []change
	for i, c := range all {
		near := all[max(0, i-diffAround):min(len(all), i+diffAround+1)]
		if slices.ContainsFunc(near, func(c change) bool { return c.sign != ' ' }) {
			out = append(out, c)
		}
	}
	return out
}

// middle returns the changes between texts that differ at both ends, by their longest common subsequence of lines.
func middle(a, b []string) (all []change) {
	if len(a)*len(b) > diffCells {
		for _, line := range a {
			all = append(all, change{'-', line})
		}
		for _, line := range b {
			all = append(all, change{'+', line})
		}
		return all
	}
	common := make([][]int, len(a)+1) // common[i][j]: lines that a[i:] and b[j:] have in common
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, change{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			all = append(all, change{'-', a[i]})
			i++
		default:
			all = append(all, change{'+', b[j]})
			j++
		}
	}
	return all
}
