package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// styleOf is how letters are shown on an output: as wide as a terminal, and in colours if it has them.
func styleOf(out io.Writer) view.Style {
	v := view.Style{Now: time.Now()}
	if !isTerminal(out) {
		return v
	}
	if wantsColour(os.Getenv) {
		v.Palette = view.Coloured()
	}
	v.Width = 80
	if width, _, err := term.GetSize(int(out.(*os.File).Fd())); err == nil && width > 0 {
		v.Width = width
	}
	return v
}

// A letterProgress shows a person how far something has come, on standard error, and keeps other lines out of that. It
// is for one goroutine. Without a terminal it shows nothing but those.
type letterProgress struct {
	stderr io.Writer
	style  view.Style // of it
	shown  bool
	bar    *progressbar.ProgressBar
	began  time.Time
}

// progressDelay is how long something may take without being shown.
const progressDelay = 300 * time.Millisecond

func newLetterProgress(cmd *cobra.Command) *letterProgress {
	stderr := cmd.ErrOrStderr()
	return &letterProgress{stderr: stderr, style: styleOf(stderr), shown: isTerminal(stderr)}
}

// begin starts a new bar, for something of so many letters; 0 if that is not known yet.
func (p *letterProgress) begin(what string, total int64) {
	p.end()
	if !p.shown {
		return
	}
	p.began = time.Now()
	p.bar = progressbar.NewOptions64(max(total, 1),
		progressbar.OptionSetWriter(p.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("letters"),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // or it would start a goroutine that nothing ends
		progressbar.OptionSetRenderBlankState(false),
	)
}

// set shows how far it has come.
func (p *letterProgress) set(done, total int64) {
	if p.bar == nil || time.Since(p.began) < progressDelay {
		return
	}
	if total > 0 && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(min(done, p.bar.GetMax64()))
}

// end takes the bar off the screen.
func (p *letterProgress) end() {
	p.clear()
	p.bar = nil
}

func (p *letterProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// print writes a line of its own, or as many as it takes to break it between words.
func (p *letterProgress) print(text string) {
	p.clear()
	fmt.Fprintln(p.stderr, words.Fit(text, p.style.Width))
}

// complain writes of trouble.
func (p *letterProgress) complain(text string) {
	p.clear()
	complain(p.stderr, text)
}

// over returns a writer to out that takes the progress off the screen first: both may be the same terminal.
func (p *letterProgress) over(out io.Writer) io.Writer { return clearing{p, out} }

type clearing struct {
	progress *letterProgress
	out      io.Writer
}

func (c clearing) Write(text []byte) (int, error) {
	c.progress.clear()
	return c.out.Write(text)
}
