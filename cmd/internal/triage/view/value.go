package view

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// A mark is what is to be said at a place of a text.
type mark struct {
	span
	text string
}

// Bounds of what is shown of a value: lines of it, and how many around each mark.
const (
	shownLines  = 200
	shownAround = 5
)

// value lays a letter's value out, each violation at its place.
func (s Style) value(e *deadletter.Entry, full bool) []string {
	value := e.Letter.Value
	if text := indented(value); text != nil && e.Letter.Reason != deadletter.InvalidJSON {
		return s.marked(text, violationMarks(text, e.Letter.Violations), full)
	}
	var marks []mark
	if at, ok := offsetIn(e.Letter.Detail); ok && at <= len(value) && e.Letter.Reason == deadletter.InvalidJSON {
		marks = []mark{{span{at, at + 1}, e.Letter.Detail}}
	}
	return s.marked(value, marks, full)
}

func violationMarks(text []byte, violations []deadletter.Violation) []mark {
	pointers := make([]string, len(violations))
	for i, v := range violations {
		pointers[i] = v.Instance
	}
	found := places(text, pointers)
	var marks []mark
	for _, v := range violations {
		at, ok := found[v.Instance]
		if !ok { // a pointer that is none
			at = span{0, 1}
		}
		marks = append(marks, mark{at, v.Message})
	}
	return marks
}

// byteInDetail is how a refusal of a text that is no JSON names the place.
var byteInDetail = regexp.MustCompile(`at byte ([0-9]{1,9})$`)

// offsetIn returns the place that a letter's detail names. Nothing but the text has it.
func offsetIn(detail string) (int, bool) {
	found := byteInDetail.FindStringSubmatch(detail)
	if found == nil {
		return 0, false
	}
	at, err := strconv.Atoi(found[1])
	return at, err == nil
}

// marked shows a text, line by line, with marks under their places.
func (s Style) marked(text []byte, marks []mark, full bool) []string {
	var rows []row
	for offset, rest := 0, text; ; {
		line, after, more := bytes.Cut(rest, []byte{'\n'})
		for first := true; first || len(line) > 0; first = false {
			r := s.row(line, offset, marks)
			rows = append(rows, r)
			offset += r.size
			line = line[r.size:]
		}
		if !more {
			break
		}
		offset, rest = offset+1, after
	}
	if !full {
		rows = elided(rows)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, "  "+r.text)
		for _, m := range r.marks {
			lines = append(lines, "  "+s.Palette.bad(m))
		}
	}
	return lines
}

// A row is a line of a text as it is shown, or as much of it as fits, and the marks under it.
type row struct {
	text  string
	size  int // bytes of the line
	marks []string
}

// row shows the beginning of a line that stands at an offset in its text.
func (s Style) row(line []byte, offset int, marks []mark) row {
	var b strings.Builder
	width, size := 0, 0
	columns := map[int]int{} // by offset
	for size < len(line) {
		_, n := utf8.DecodeRune(line[size:])
		shown := words.Visible(string(line[size : size+n]))
		w := words.Width(shown)
		if s.Width > 0 && width+w > max(s.Width-2, 10) {
			break
		}
		columns[offset+size] = width
		b.WriteString(shown)
		width, size = width+w, size+n
	}
	columns[offset+size] = width
	r := row{text: b.String(), size: size}
	for _, m := range marks {
		last := size == len(line)
		if m.from < offset || m.from > offset+size || m.from == offset+size && !last {
			continue
		}
		column, ok := columns[m.from]
		for back := m.from; !ok; { // inside a character
			back--
			column, ok = columns[back]
		}
		end, ok := columns[m.to]
		for ahead := m.to; !ok && ahead < offset+size; { // likewise
			ahead++
			end, ok = columns[ahead]
		}
		if !ok {
			end = width
		}
		r.marks = append(r.marks, s.mark(column, end-column, m.text))
	}
	return r
}

// mark points to a column and says something about it: on its right, or if there is no room for that, on its left.
func (s Style) mark(column, width int, text string) string {
	carets := strings.Repeat("^", max(1, min(width, 20)))
	line := strings.Repeat(" ", column) + carets + " " + words.Visible(text)
	if s.Width == 0 || words.Width(line) <= s.Width-2 {
		return line
	}
	if left := words.Visible(text); words.Width(left)+1 <= column {
		return strings.Repeat(" ", column-words.Width(left)-1) + left + " " + carets
	}
	if column+len(carets)+20 > s.Width-2 { // hardly anything would be left
		return words.Cut(strings.Repeat(" ", max(0, column-1))+carets, s.Width-2) + "\n  " + words.Cut(words.Visible(text), s.Width-2)
	}
	return words.Cut(line, s.Width-2)
}

// elided leaves out of many rows those that have no mark near.
func elided(rows []row) []row {
	if len(rows) <= shownLines {
		return rows
	}
	keep := make([]bool, len(rows))
	for i := range rows {
		near := rows[max(0, i-shownAround):min(len(rows), i+shownAround+1)]
		keep[i] = i < shownLines/4 || slices.ContainsFunc(near, func(r row) bool { return len(r.marks) > 0 })
	}
	var out []row
	left := 0
	flush := func() {
		if left > 0 {
			out = append(out, row{text: fmt.Sprintf("… %s left out, --full shows all", words.Number(left, "line"))})
		}
		left = 0
	}
	for i, r := range rows {
		if !keep[i] {
			left++
			continue
		}
		flush()
		out = append(out, r)
	}
	flush()
	return out
}
