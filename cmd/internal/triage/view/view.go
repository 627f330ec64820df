// Package view shows on a terminal, or in a pipe, what is found out about dead letters: statistics, one letter or many, a
// plan, and what a repair changes.
//
// Each function writes to where it is told as a [Style] says: with a width, lines fit it as far as that is possible;
// without, nothing is cut. Whatever comes from a record is shown with control characters, and those that turn text
// around, made visible: nothing in a record can steer a terminal. An error is that of the writer.
package view

import (
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// A Style is how something is shown to a person. Times are in the zone of Now.
type Style struct {
	Now     time.Time
	Width   int // of the lines, in columns; 0: whatever they need
	Palette Palette
}

// pipeWidth is for what has to have a width even where nothing limits it.
const pipeWidth = 100

func (s Style) cut(text string) string {
	if s.Width == 0 {
		return text
	}
	return words.Cut(text, s.Width)
}

func (s Style) wrap(text string) []string {
	if s.Width == 0 {
		return []string{text}
	}
	return words.Wrap(text, s.Width)
}
