package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether stream is a terminal, and so whether a person looks on.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Columns returns the width of a terminal. It is 0, which is any width, if out is none.
func Columns(out io.Writer) int {
	if !IsTerminal(out) {
		return 0
	}
	if width, _, err := term.GetSize(int(out.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// Coloured reports whether out shows colours: a terminal that can, and a person who has not set NO_COLOR.
func Coloured(out io.Writer) bool { return IsTerminal(out) && wantsColour(os.Getenv) }

func wantsColour(env func(string) string) bool {
	return env("NO_COLOR") == "" && env("TERM") != "dumb"
}

// red returns text in red if w shows colours.
func red(w io.Writer, text string) string {
	if !Coloured(w) {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}
