package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// busy is a snapshot of a run with everything in it.
func busy() snapshot {
	return snapshot{
		phase:    "publishing",
		since:    62 * time.Second,
		book:     audit.Counts{Published: 1_124_000, Delivered: 1_117_730, DeadLettered: 6170, Pending: 100},
		letters:  map[deadletter.Reason]int{deadletter.SchemaViolation: 4000, deadletter.InvalidJSON: 2100, deadletter.Rejected: 70},
		breaches: map[audit.Breach]int{},
		rates:    totals{published: 20_000, delivered: 19_894.4, letters: 101, calls: 210},
		stats:    pipeline.Stats{Calls: 12_660, FailedCalls: 31, InFlight: 3, Pending: 80},
		lag:      20,
		p50:      212_345_678, p99: 1_234_567_890,
		boards: []board{
			{gameID, []msdktest.Standing{{OpenID: "o6_bG7okBykWs-lGlGBSDMiISAAA", Score: 121_453}, {OpenID: "me", Score: 99_999}}},
			{scoreID, nil},
		},
	}
}

func quiet() snapshot {
	return snapshot{phase: "publishing", since: 400 * time.Millisecond, lag: -1, notices: []string{"the pipeline is joining the consumer group"}}
}

func broken() snapshot {
	s := busy()
	s.phase, s.since = "settling", 2*time.Hour
	s.breaches = map[audit.Breach]int{audit.Duplicated: 1200, audit.OutOfOrder: 1}
	s.notices = []string{"MSDK is away, as --outage says"}
	return s
}

func TestView(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]snapshot{"busy": busy(), "quiet": quiet(), "broken": broken()} {
		for _, width := range []int{40, 80, 120} {
			view := render(s, width, blank)
			for _, line := range view {
				if len(line) > width {
					t.Errorf("%s: a line of %d characters on a terminal of %d: %s", name, len(line), width, line)
				}
			}
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), strings.Join(view, "\n")+"\n")
			coloured := render(s, width, colours)
			for i, line := range coloured {
				if got := uncoloured(line); got != view[i] {
					t.Errorf("%s: without its colours, the line\n%s is\n%s", name, view[i], got)
				}
			}
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	golden(t, "lines.txt", line(quiet())+"\n"+line(busy())+"\n"+line(broken())+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func uncoloured(line string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(line, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, line, _ = strings.Cut(rest, "m")
	}
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0":         grouped(0),
		"999":       grouped(999),
		"1,000":     grouped(1000),
		"-12,345":   grouped(-12345),
		"1,234,567": grouped(1234567),
		"0.5":       perSecond(0.5),
		"1,235":     perSecond(1234.6),
		"212ms":     round(212_345_678).String(),
		"1.23s":     round(1_234_567_890).String(),
		"1:02:03":   clock(time.Hour + 2*time.Minute + 3*time.Second),
		"59:59":     clock(time.Hour - 1),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, size: func() (int, int) { return 80, 4 }}
	step := func(rule string, f func(), want string) {
		t.Helper()
		out.Reset()
		f()
		if out.String() != want {
			t.Errorf("%s: got %q, want %q", rule, out.String(), want)
		}
	}
	step("text before the first view is just written", func() { fmt.Fprint(s, "hello\n") }, "hello\n")
	step("the first view hides the cursor", func() { s.draw([]string{"a", "b"}) }, "\x1b[?25la\x1b[K\r\nb\x1b[K\r\n")
	step("the next one takes its place, and is cut to the height", func() { s.draw([]string{"1", "2", "3", "4"}) },
		"\x1b[2A\r\x1b[J1\x1b[K\r\n2\x1b[K\r\n3\x1b[K\r\n")
	step("text goes above the view", func() { fmt.Fprint(s, "log\n") }, "\x1b[3A\r\x1b[Jlog\n1\x1b[K\r\n2\x1b[K\r\n3\x1b[K\r\n")
	step("the end gives the cursor back", func() { s.end() }, "\x1b[?25h")
	step("and once is enough", func() { s.end() }, "")
	step("no view is drawn after the end", func() { s.draw([]string{"5"}) }, "")
	step("text goes below the last view", func() { fmt.Fprint(s, "bye\n") }, "bye\n")
}

func TestOfReplayedLettersTheViewSaysOnlyWhatIsLost(t *testing.T) {
	s := snapshot{replayed: true, breaches: map[audit.Breach]int{audit.Altered: 3, audit.OutOfOrder: 2}}
	if got := word(s, blank); !strings.Contains(got, "none lost; letters were replayed") || strings.Contains(got, "altered") {
		t.Errorf("%q", got)
	}
	s.breaches[audit.Lost] = 1
	if got := strings.TrimSpace(word(s, blank)); got != "lost 1" {
		t.Errorf("%q", got)
	}
}
