package bench

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
	"github.com/battlereport/battlereport/cmd/internal/screen"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// progress tells how far a benchmark is: on a terminal in a line that changes, and in any case by a line a round.
type progress struct {
	out    io.Writer
	screen *screen.Screen // nil: no terminal
	points int
	title  string // of the point under way
	rounds int    // of a point
	began  time.Time
}

func newProgress(out io.Writer, points int) *progress {
	p := &progress{out: out, points: points}
	if s, ok := screen.Of(out, os.Getenv); ok {
		p.screen, p.out = s, s
	}
	return p
}

func (p *progress) say(line string) { _, _ = fmt.Fprintln(p.out, line) }

func (p *progress) live(format string, args ...any) {
	if p.screen == nil {
		return
	}
	p.screen.Draw([]string{screen.Cut(p.title+fmt.Sprintf(format, args...), p.screen.Width())})
}

// clear makes room for what is printed elsewhere, perhaps to the same terminal.
func (p *progress) clear() {
	if p.screen != nil {
		p.screen.Draw(nil)
	}
}

func (p *progress) end() {
	p.clear()
	if p.screen != nil {
		p.screen.End()
	}
}

func (p *progress) point(i int, of workload.Point) {
	p.title = ""
	if of.Sweep != "" {
		p.title = fmt.Sprintf("%d of %d, %s %s: ", i+1, p.points, of.Sweep, of.Value)
	}
}

// filling returns what shows how much of the load is in the broker.
func (p *progress) filling(w workload.Workload) func(done int) {
	began := time.Now()
	return func(done int) {
		p.live("producing, %s of %s%s", words.Grouped(done), words.Grouped(w.Events), left(began, int64(done), int64(w.Events)))
	}
}

func (p *progress) begin(rounds int) { p.rounds, p.began = rounds, time.Now() }

// contest returns what shows how far a contest is.
func (p *progress) contest(contestant string, round int, w workload.Workload) func(done int64) {
	first, began := int64(-1), time.Now()
	return func(done int64) {
		if first < 0 || done == 0 {
			first, began = done, time.Now()
		}
		rate := float64(done-first) / max(time.Since(began).Seconds(), 0.001)
		p.live("%s, %s: %s of %s, %s/s%s", p.name(round), contestant, words.Grouped(done), words.Grouped(w.Events), words.PerSecond(rate),
			left(began, done-first, int64(w.Events)-first))
	}
}

func (p *progress) name(round int) string {
	if round == 0 {
		return "warming up"
	}
	return fmt.Sprintf("round %d of %d", round, p.rounds-1)
}

// round says how a round has come out.
func (p *progress) round(n int, of workload.Point, round report.Round) {
	line := fmt.Sprintf("%s%s: run %s/s", p.title, p.name(n), words.PerSecond(round[workload.Run][report.EventsPerSecond]))
	for _, contestant := range of.Contestants()[1:] {
		line += fmt.Sprintf(", %.3f of the %s's %s/s", round.Ratio(contestant)[report.EventsPerSecond], contestant, words.PerSecond(round[contestant][report.EventsPerSecond]))
	}
	p.say(line + left(p.began, int64(n+1), int64(p.rounds)))
}

// left is about how long it takes until all is done; empty: it cannot be said.
func left(began time.Time, done, of int64) string {
	if done <= 0 || done >= of {
		return ""
	}
	return fmt.Sprintf(", %s left", words.Elapsed(time.Duration(float64(time.Since(began))/float64(done)*float64(of-done))))
}
