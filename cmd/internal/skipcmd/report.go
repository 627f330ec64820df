package skipcmd

import (
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
)

// A report is what was found and what became of it, for scripts and, in words, for people.
type report struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Group     string `json:"group"`
	Batch     int64  `json:"batch"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Records   int    `json:"records"`
	Bytes     int    `json:"bytes"`
	Why       string `json:"why"`
	Committed int64  `json:"committed"`
	Moved     int64  `json:"moved"`
	DryRun    bool   `json:"dry_run"`
	Kept      string `json:"kept,omitempty"`
	Skipped   bool   `json:"skipped"`
	Error     string `json:"error,omitempty"`

	width int // of a terminal; 0: any
}

func (s *skip) report(u *consumer.Unreadable) *report {
	return &report{
		Topic: u.Topic, Partition: u.Partition, Group: s.cfg.Kafka.Group,
		Batch: u.Begin, First: u.First, Last: u.Last, Records: u.Records, Bytes: len(u.Bytes), Why: u.Why.Error(),
		Committed: u.Committed, Moved: u.Moved, DryRun: s.dryRun, width: cli.Columns(s.cmd.OutOrStdout()),
	}
}

// plan says what was found and what would be done.
func (r *report) plan() string {
	offsets := fmt.Sprintf("the offsets %d to %d", r.First, r.Last)
	if r.First == r.Last {
		offsets = fmt.Sprintf("the offset %d", r.First)
	}
	lines := []string{
		fmt.Sprintf("%s/%d: %s cannot be read: %s", r.Topic, r.Partition, offsets, words.Visible(r.Why)),
		fmt.Sprintf("The record batch begins at %d and has %s, and %s as it says.", r.Batch, words.Number(r.Bytes, "byte"), words.Number(r.Records, "record")),
	}
	if r.Moved > r.Committed {
		lines = append(lines, fmt.Sprintf("The group %s stands at %d, and would go on at %d.", r.Group, r.Committed, r.Moved))
	} else {
		lines = append(lines, fmt.Sprintf("The group %s stands at %d, where something is not settled yet. It would stay there, with a note to pass the batch.", r.Group, r.Committed))
	}
	return r.fit(lines)
}

// result says what has been done.
func (r *report) result() string {
	var lines []string
	if r.Kept != "" {
		lines = append(lines, fmt.Sprintf("kept %s in %s", words.Number(r.Bytes, "byte"), words.Visible(r.Kept)))
	}
	switch {
	case !r.Skipped:
		lines = append(lines, "moved nothing")
	case r.Moved > r.Committed:
		lines = append(lines, fmt.Sprintf("moved the group %s from %d to %d: run goes on there", r.Group, r.Committed, r.Moved))
	default:
		lines = append(lines, fmt.Sprintf("noted for the group %s, which stays at %d: run passes the batch when it comes to it", r.Group, r.Committed))
	}
	return r.fit(lines)
}

func (r *report) fit(lines []string) string {
	for i := range lines {
		lines[i] = words.Fit(lines[i], r.width) + "\n"
	}
	return strings.Join(lines, "")
}
