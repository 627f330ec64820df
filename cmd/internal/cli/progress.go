package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A Progress shows a person how far something has come, on standard error, and keeps other lines out of that. Without a
// terminal it shows nothing but those. It is for one goroutine.
type Progress struct {
	stderr  io.Writer
	program string
	columns int  // of stderr
	shown   bool // at all

	bar  *progressbar.ProgressBar // nil: none
	from time.Time                // when it may be shown
}

// A Task is something that takes a while.
type Task struct {
	Name  string        // what is done: "reading"
	Unit  string        // of what, counted: "letters"; empty: bytes
	Total int64         // of these; -1: never known; 0: not known yet, and of bytes that there are none, which is not shown
	Delay time.Duration // how long it may take without being shown
}

// NewProgress returns progress to be shown on the standard error of cmd.
func NewProgress(cmd *cobra.Command) *Progress {
	stderr := cmd.ErrOrStderr()
	return &Progress{stderr: stderr, program: cmd.Root().Name(), columns: Columns(stderr), shown: IsTerminal(stderr)}
}

// Begin starts a new bar, in the place of the one there is.
func (p *Progress) Begin(task Task) {
	p.End()
	if !p.shown || task.Unit == "" && task.Total == 0 {
		return
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(p.stderr),
		progressbar.OptionSetDescription(task.Name),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // or it would start a goroutine that nothing ends
	}
	if task.Unit == "" {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(task.Unit))
	}
	total := task.Total
	if total == 0 {
		total = 1 // it takes no 0
	}
	p.bar, p.from = progressbar.NewOptions64(total, options...), time.Now().Add(task.Delay)
}

// Add notes that so many more are done.
func (p *Progress) Add(n int64) {
	if p.hidden() {
		return
	}
	_ = p.bar.Add64(n) // it refuses more than there is: not all callers count exactly
}

// Set notes how many are done in all, and of how many, if that is known: more than 0.
func (p *Progress) Set(done, total int64) {
	if p.hidden() {
		return
	}
	if total > 0 && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(min(done, p.bar.GetMax64()))
}

func (p *Progress) hidden() bool { return p.bar == nil || time.Now().Before(p.from) }

// End takes the bar off the screen.
func (p *Progress) End() {
	p.clear()
	p.bar = nil
}

// clear takes the bar off the screen until there is more progress.
func (p *Progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// Print writes a line of its own, or as many as it takes to break it between words.
func (p *Progress) Print(text string) {
	p.clear()
	fmt.Fprintln(p.stderr, words.Fit(text, p.columns))
}

// Complain tells of trouble, as the function of that name does.
func (p *Progress) Complain(text string) {
	p.clear()
	complain(p.stderr, p.program, text)
}

// Over returns a writer to out that takes the bar off the screen first: both may be the same terminal.
func (p *Progress) Over(out io.Writer) io.Writer { return clearing{p, out} }

type clearing struct {
	progress *Progress
	out      io.Writer
}

func (c clearing) Write(text []byte) (int, error) {
	c.progress.clear()
	return c.out.Write(text)
}
