package statuscmd

import (
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A column of a table. Those with the largest spare are left out first where there is no room; 0: never.
type column struct {
	name  string
	right bool // aligned
	spare int
	least int // the width down to which it may be cut; 0: it is never cut
}

// table aligns rows below their names. Columns that are empty, and those there is no room for, are left out.
func (v view) table(columns []column, rows [][]string, colour func(int) string) (lines []string) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		for _, row := range rows {
			widths[i] = max(widths[i], words.Width(row[i]))
		}
		if widths[i] > 0 {
			widths[i] = max(widths[i], words.Width(c.name))
		}
	}
	v.fit(columns, widths)
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	lines = append(lines, v.paint(bold, v.row(columns, widths, names)))
	for i, row := range rows {
		line := v.row(columns, widths, row)
		if colour != nil && colour(i) != "" {
			line = v.paint(colour(i), line)
		}
		lines = append(lines, line)
	}
	return lines
}

// fit leaves columns out, and cuts those that may be cut, until lines fit.
func (v view) fit(columns []column, widths []int) {
	if v.width == 0 {
		return
	}
	excess := func() int {
		total := -2
		for _, w := range widths {
			if w > 0 {
				total += w + 2
			}
		}
		return total - v.width
	}
	for spare := 4; spare > 0 && excess() > 0; spare-- {
		for i, c := range columns {
			if c.spare == spare {
				widths[i] = 0
			}
		}
	}
	for i, c := range columns {
		if c.least > 0 && widths[i] > 0 && excess() > 0 {
			widths[i] = max(min(c.least, widths[i]), widths[i]-excess())
		}
	}
}

func (v view) row(columns []column, widths []int, cells []string) string {
	var b strings.Builder
	for i, c := range columns {
		if widths[i] == 0 {
			continue
		}
		cell := cells[i]
		if c.least > 0 {
			cell = words.Cut(cell, widths[i])
		}
		if c.right {
			cell = words.PadLeft(cell, widths[i])
		} else {
			cell = words.Pad(cell, widths[i])
		}
		b.WriteString(cell + "  ")
	}
	line := strings.TrimRight(b.String(), " ")
	if v.width > 0 {
		line = words.Cut(line, v.width)
	}
	return line
}
