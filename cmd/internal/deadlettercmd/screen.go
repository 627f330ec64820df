package deadlettercmd

import (
	"io"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
)

// styleOf is how letters are shown on an output: as wide as a terminal, and in colours if it has them.
func styleOf(out io.Writer) view.Style {
	s := view.Style{Now: time.Now(), Width: cli.Columns(out)}
	if cli.Coloured(out) {
		s.Palette = view.Coloured()
	}
	return s
}

// taskOf is something that is done with letters, of which there are so many; 0: not known yet. What is done at once is
// not shown.
func taskOf(name string, letters int64) cli.Task {
	return cli.Task{Name: name, Unit: "letters", Total: letters, Delay: 300 * time.Millisecond}
}
