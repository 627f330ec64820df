package sandbox

import (
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
