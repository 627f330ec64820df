package view

import (
	"bufio"
	"io"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// A Table shows letters one a line, the first of them as soon as the columns' widths are known. It takes constant
// memory.
//
// In a style with a width the lines fit it, as far as that is possible, and columns that say nothing are left out. In one
// without, nothing is left out or cut, and times are in RFC 3339.
type Table struct {
	out    *bufio.Writer
	style  Style
	rows   [][]string // those that wait for the widths
	widths []int      // nil: not known yet; 0: the column is left out
}

// tableRows is from how many rows the widths of all are taken.
const tableRows = 1000

// The columns, the last of which takes what room there is.
const (
	columnName = iota
	columnTime
	columnState
	columnReason
	columnApp
	columnRet
	columnPlayer
	columnDetail
)

var columnNames = []string{"NAME", "TIME", "STATE", "REASON", "APP", "RET", "PLAYER", "DETAIL"}

// leastWidths are down to which columns are cut, in favour of the detail. A column without one is never cut.
var leastWidths = map[int]int{columnPlayer: 10, columnApp: 8}

// How wide the detail ought to be: for the one others are cut, and for the other left out.
const (
	leastDetail = 40
	scantDetail = 20
)

// NewTable returns a table that is written to w.
func NewTable(w io.Writer, style Style) *Table {
	return &Table{out: bufio.NewWriter(w), style: style}
}

// Add shows a letter.
func (t *Table) Add(e *deadletter.Entry) error {
	row := t.row(e)
	if t.widths != nil {
		return t.write(row)
	}
	t.rows = append(t.rows, row)
	if len(t.rows) < tableRows {
		return nil
	}
	return t.begin(false)
}

// Close shows what is left. A table without letters shows nothing.
func (t *Table) Close() error {
	if t.widths == nil && len(t.rows) > 0 {
		if err := t.begin(true); err != nil {
			return err
		}
	}
	return t.out.Flush()
}

func (t *Table) row(e *deadletter.Entry) []string {
	row := []string{e.Name.String(), t.time(triage.When(e)), string(e.State), triage.Foreign, "", "", player(e), words.Visible(e.Foreign)}
	if e.Foreign == "" {
		l := &e.Letter
		row[columnReason], row[columnApp], row[columnRet], row[columnDetail] = string(l.Reason), words.Visible(l.AppID), triage.RetOf(l), words.Visible(l.Detail)
		if l.Delivery == deadletter.Uncertain {
			row[columnDetail] = "(may be delivered) " + row[columnDetail]
		}
	}
	return row
}

func (t *Table) time(at time.Time) string {
	switch {
	case at.IsZero():
		return "-"
	case t.style.Width > 0:
		return words.Clock(at, t.style.Now, true)
	}
	return at.UTC().Format(time.RFC3339)
}

// player is whose a letter is, fit to be shown.
func player(e *deadletter.Entry) string {
	switch {
	case e.Letter.Omitted.Key:
		return "(omitted)"
	case len(e.Letter.Key) == 0:
		return ""
	}
	return words.Visible(string(e.Letter.Key))
}

// begin fixes the widths and writes the rows that waited. If they are all there will be, columns that say nothing are
// left out.
func (t *Table) begin(all bool) error {
	t.widths = make([]int, columnDetail)
	for i := range t.widths {
		differ := false
		for _, row := range t.rows {
			t.widths[i] = max(t.widths[i], words.Width(row[i]))
			differ = differ || row[i] != t.rows[0][i]
		}
		says := differ || i == columnName || i == columnTime || i == columnReason || i == columnRet && t.widths[i] > 0
		if i == columnState {
			says = says || t.rows[0][i] != string(deadletter.Pending)
		}
		if all && t.style.Width > 0 && !says {
			t.widths[i] = 0
		} else {
			t.widths[i] = max(t.widths[i], len(columnNames[i]))
		}
	}
	for _, column := range []int{columnPlayer, columnApp} {
		if t.widths[column] == 0 || t.style.Width == 0 {
			continue
		}
		if missing := leastDetail - t.room(); missing > 0 {
			t.widths[column] = min(t.widths[column], max(t.widths[column]-missing, leastWidths[column]))
		}
	}
	for _, column := range []int{columnApp, columnPlayer, columnRet} {
		if t.style.Width > 0 && t.room() < scantDetail {
			t.widths[column] = 0
		}
	}
	if err := t.line(columnNames, t.style.Palette.title); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := t.write(row); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// room is what the other columns leave for the detail.
func (t *Table) room() int {
	room := t.style.Width
	for _, width := range t.widths {
		if width > 0 {
			room -= width + 2
		}
	}
	return room
}

func (t *Table) write(row []string) error { return t.line(row, nil) }

func (t *Table) line(row []string, paint func(string) string) error {
	var b strings.Builder
	for i, width := range t.widths {
		if width == 0 {
			continue
		}
		text := row[i]
		if least := leastWidths[i]; least > 0 && t.style.Width > 0 {
			text = words.Cut(text, width)
		}
		b.WriteString(words.Pad(text, width) + "  ")
	}
	line := strings.TrimRight(b.String()+row[columnDetail], " ")
	if t.style.Width > 0 {
		line = words.Cut(line, t.style.Width)
	}
	if paint != nil {
		line = paint(line)
	}
	_, err := t.out.WriteString(line + "\n")
	return err
}
