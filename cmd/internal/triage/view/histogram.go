package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

const histogramHeight = 6 // lines

// binWidths are the widths that a column of a histogram may have, in seconds.
var binWidths = []int64{
	1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600,
	day, 2 * day, 5 * day, 10 * day, 30 * day,
}

const day = 24 * 3600

// histogram draws a timeline of cells of step seconds, as wide as the style has room.
func histogram(timeline []triage.Bucket, step int64, style Style) []string {
	most := int64(0)
	all := int64(0)
	for _, b := range timeline {
		all += b.Letters
	}
	columns := cmp.Or(style.Width, pipeWidth) - len("  ") - len(words.Grouped(all)) - len(" │")
	bins, begin, width := binned(timeline, step, max(columns, 10), style.Now)
	for _, n := range bins {
		most = max(most, n)
	}
	across := max(1, min(6, columns/len(bins))) // columns of a bin
	scale := len(words.Grouped(most))
	var lines []string
	for row := histogramHeight; row > 0; row-- {
		var b strings.Builder
		for _, n := range bins {
			b.WriteString(strings.Repeat(level(n, most, row), across))
		}
		edge := strings.Repeat(" ", scale) + " │"
		if row == histogramHeight {
			edge = words.Grouped(most) + " ┤"
		}
		lines = append(lines, "  "+edge+strings.TrimRight(b.String(), " "))
	}
	margin := strings.Repeat(" ", 2+scale+1)
	lines = append(lines, margin+"└"+strings.Repeat("─", len(bins)*across))
	lines = append(lines, margin+" "+axis(len(bins), across, columns, begin, width, style.Now.Location()))
	return append(lines, style.Palette.faint(style.cut(fmt.Sprintf("%s each column stands for %s; times are %s", margin, binName(width), zone(style.Now)))))
}

// binned puts a timeline into at most n bins of a width that people count in.
func binned(timeline []triage.Bucket, step int64, n int, now time.Time) (bins []int64, begin, width int64) {
	_, offset := now.Zone()
	at := func(i int) int64 { return timeline[i].Time.Unix() + int64(offset) }
	last := len(timeline) - 1
	fits := func(width int64) bool {
		return width%step == 0 && (floor(at(last), width)-floor(at(0), width))/width < int64(n)
	}
	for _, w := range binWidths {
		if width = w; fits(w) {
			break
		}
	}
	for width%step != 0 || !fits(width) {
		width = max(10*width, step)
	}
	begin = floor(at(0), width)
	bins = make([]int64, (floor(at(last), width)-begin)/width+1)
	for i, b := range timeline {
		bins[(floor(at(i), width)-begin)/width] += b.Letters
	}
	return bins, begin - int64(offset), width
}

// level is what a row of a histogram shows of a bin: rows count from 1, the lowest.
func level(n, most int64, row int) string {
	if n == 0 {
		return " "
	}
	eighths := max(1, int(float64(n)/float64(most)*histogramHeight*8+0.5)) - (row-1)*8
	return string([]rune(" ▁▂▃▄▅▆▇█")[max(0, min(eighths, 8))])
}

// axis labels as many bins as there is room for.
func axis(bins, across, columns int, begin, width int64, in *time.Location) string {
	first, last := time.Unix(begin, 0).In(in), time.Unix(begin+int64(bins-1)*width, 0).In(in)
	form := "15:04"
	switch {
	case width >= 30*day || first.Year() != last.Year():
		form = "2006-01-02"
	case width >= day:
		form = "Jan 02"
	case first.YearDay() != last.YearDay():
		form = "Jan 02 15:04"
	case width < 60:
		form = "15:04:05"
	}
	every := 1
	for every*across < len(form)+2 {
		every++
	}
	var b strings.Builder
	for i := 0; i < bins && (i == 0 || i*across+len(form) < columns); i += every {
		if gap := i*across - b.Len(); gap > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(time.Unix(begin+int64(i)*width, 0).In(in).Format(form))
	}
	return b.String()
}

func binName(seconds int64) string { return words.Span(time.Duration(seconds) * time.Second) }

// zone names the time zone that times are shown in.
func zone(now time.Time) string {
	name, _ := now.Zone()
	return name
}

// floor returns the last multiple of step that is not after n.
func floor(n, step int64) int64 {
	return n - ((n%step)+step)%step
}
