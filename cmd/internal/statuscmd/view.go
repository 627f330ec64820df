package statuscmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A view is how a status is shown to a person: what comes from outside is made visible, and with a width lines fit it.
type view struct {
	now      time.Time
	width    int // 0: any
	shown    int // how many partitions, at most
	coloured bool
}

// The colours of a terminal.
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
)

func (v view) paint(code, text string) string {
	if !v.coloured || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (v view) wrap(text string) []string { return strings.Split(words.Fit(text, v.width), "\n") }

// lines show a status.
func (v view) lines(s *groupstatus.Status) (lines []string) {
	colour := green
	if s.Wrong || s.Absent() {
		colour = red
	}
	for _, line := range v.wrap(s.Verdict) {
		lines = append(lines, v.paint(colour, line))
	}
	if s.Advice != "" {
		lines = append(lines, v.wrap(s.Advice)...)
	}
	lines = append(lines, "")
	lines = append(lines, v.wrap(v.about(s))...)
	for _, t := range s.Topics {
		if t.Unread {
			lines = append(lines, v.wrap(fmt.Sprintf("Ages in %s are not known: this client may not read it.", words.Visible(t.Name)))...)
		}
	}
	if len(s.Members) > 0 {
		lines = append(lines, "")
		lines = append(lines, v.table(memberColumns, memberRows(s), nil)...)
	}
	if len(s.Partitions) > 0 {
		lines = append(lines, "")
		lines = append(lines, v.partitions(s)...)
	}
	return lines
}

// about is the group in a line.
func (v view) about(s *groupstatus.Status) string {
	parts := []string{"group " + words.Visible(s.Group.Name), words.Visible(s.Group.State)}
	if s.Group.Assignor != "" {
		parts = append(parts, "assignor "+words.Visible(s.Group.Assignor))
	}
	if s.Group.Type != "" && s.Group.Type != "classic" {
		parts = append(parts, "type "+words.Visible(s.Group.Type))
	}
	if s.Group.Coordinator != nil {
		parts = append(parts, fmt.Sprintf("coordinator broker %d", *s.Group.Coordinator))
	}
	parts = append(parts, words.Number(len(s.Members), "member"), words.Number(len(s.Partitions), "partition"))
	if s.Total.Waiting != nil {
		parts = append(parts, "waiting "+words.Grouped(*s.Total.Waiting), "oldest "+age(s.Total.Age, s.Total.Lag))
	}
	if s.Window > 0 {
		parts = append(parts, fmt.Sprintf("%s to %s", words.Clock(s.Time.Add(-time.Duration(s.Window*float64(time.Second))), v.now, true), words.Clock(s.Time, v.now, true)))
	}
	return strings.Join(parts, ", ")
}

var memberColumns = []column{{name: "CLIENT", least: 12}, {name: "HOST", least: 9}, {name: "INSTANCE", spare: 1, least: 8}, {name: "PARTITIONS", right: true}, {name: "MEMBER", spare: 2}}

func memberRows(s *groupstatus.Status) (rows [][]string) {
	for i := range s.Members {
		m := &s.Members[i]
		owned := "cannot be read"
		if m.Partitions != nil {
			owned = strconv.Itoa(*m.Partitions)
		}
		if m.Others > 0 {
			owned += fmt.Sprintf(" (+%d others)", m.Others)
		}
		rows = append(rows, []string{words.Visible(m.ClientID), words.Visible(strings.TrimPrefix(m.Host, "/")), words.Visible(m.InstanceID), owned, words.Visible(m.ID)})
	}
	return rows
}

var partitionColumns = []column{
	{name: "PARTITION", least: 16},
	{name: "STATE"},
	{name: "LAG", right: true, spare: 1},
	{name: "WAITING", right: true},
	{name: "AGE", right: true},
	{name: "IN/S", right: true},
	{name: "OUT/S", right: true},
	{name: "CATCH UP", right: true},
	{name: "COMMITTED", right: true, spare: 3},
	{name: "END", right: true, spare: 3},
	{name: "CLIENT", spare: 2, least: 8},
	{name: "", spare: 4},
}

// partitions are the first of them, which are the worst, and how many are not shown.
func (v view) partitions(s *groupstatus.Status) []string {
	var rows [][]string
	for i := range s.Partitions[:min(len(s.Partitions), v.shown)] {
		rows = append(rows, partitionRow(&s.Partitions[i]))
	}
	lines := v.table(partitionColumns, rows, func(i int) string {
		if s.Partitions[i].State.Wrong() {
			return red
		}
		return ""
	})
	if left := len(s.Partitions) - len(rows); left > 0 {
		lines = append(lines, v.paint(faint, fmt.Sprintf("%s more, none worse; --all shows them", words.Number(left, "partition"))))
	}
	return lines
}

func partitionRow(p *groupstatus.PartitionStatus) []string {
	client := ""
	if p.Member != nil {
		client = words.Visible(p.Member.ClientID)
	}
	return []string{
		fmt.Sprintf("%s/%d", words.Visible(p.Topic), p.Partition), p.State.String(), count(p.Lag), count(p.Waiting), age(p.Age, p.Lag),
		rate(p.In), rate(p.Out), span(p.CatchUp), offset(p.Committed), offset(p.End), client, remark(p),
	}
}

// remark is what else is to be said of a partition.
func remark(p *groupstatus.PartitionStatus) string {
	var parts []string
	if p.Deleted > 0 {
		parts = append(parts, words.Grouped(p.Deleted)+" deleted")
	}
	if p.Anew {
		parts = append(parts, "topic made anew, or emptied")
	}
	if p.Unstable > 0 {
		parts = append(parts, words.Grouped(p.Unstable)+" behind an open transaction")
	}
	for _, d := range p.Deferred {
		app := "an app that is not configured"
		if d.AppID != "" {
			app = words.Visible(d.AppID)
		}
		parts = append(parts, words.Grouped(d.Records)+" of "+app+" deferred")
	}
	return strings.Join(parts, ", ")
}

func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return words.Grouped(*n)
}

// offset is as other tools read it.
func offset(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

func rate(r *float64) string {
	if r == nil {
		return "-"
	}
	return words.PerSecond(*r)
}

func span(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return words.Span(time.Duration(*seconds * float64(time.Second)))
}

// age is that of the oldest, if something waits.
func age(seconds *float64, lag *int64) string {
	if lag != nil && *lag == 0 {
		return "0s"
	}
	return span(seconds)
}

// line is a status in a line, for a watch that is written into a pipe.
func line(s *groupstatus.Status) string {
	return fmt.Sprintf("%s  %s  members %d  waiting %s  oldest %s  in/s %s  out/s %s  %s",
		s.Time.Format(time.RFC3339), s.State, len(s.Members), offset(s.Total.Waiting), strings.ReplaceAll(age(s.Total.Age, s.Total.Lag), " ", ""),
		plain(s.Total.In), plain(s.Total.Out), s.Verdict)
}

// plain is a rate as other programs read it.
func plain(r *float64) string {
	if r == nil {
		return "-"
	}
	return strconv.FormatFloat(*r, 'f', 1, 64)
}
