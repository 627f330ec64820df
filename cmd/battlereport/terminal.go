package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal reports whether stream is a terminal, and so whether a person looks on.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// red returns text in red if w shows colours: a terminal that can, and a person who has not set NO_COLOR.
func red(w io.Writer, text string) string {
	if !isTerminal(w) || !wantsColour(os.Getenv) {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}

func wantsColour(env func(string) string) bool {
	return env("NO_COLOR") == "" && env("TERM") != "dumb"
}
