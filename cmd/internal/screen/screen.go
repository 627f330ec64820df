// Package screen draws a view in place on a terminal, with text that scrolls above it: what is under way now, below what
// is to stay. It moves the cursor and does no more: colours, and what a view says, are a matter of who draws it.
package screen

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Screen is where a view is drawn in place, with text that scrolls above it. Safe for concurrent use.
type Screen struct {
	out  io.Writer
	size func() (width, height int)

	mu     sync.Mutex
	view   []string // what is drawn now, nothing below it
	ended  bool
	hidden bool // the cursor
}

// Of returns the screen of out, if that is a terminal that can be drawn on, as env, the environment, has it.
func Of(out io.Writer, env func(string) string) (*Screen, bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || env("TERM") == "dumb" {
		return nil, false
	}
	return &Screen{out: out, size: func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width == 0 {
			return 80, 24
		}
		return width, height
	}}, true
}

// Control sequences.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
	cursorAbove = "\x1b[%dA"
)

// Width is that of the terminal now, in columns.
func (s *Screen) Width() int {
	width, _ := s.size()
	return width
}

// Height is how many lines a view has room for now.
func (s *Screen) Height() int {
	_, height := s.size()
	return max(height-1, 1)
}

// Write puts whole lines above the view.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.out.Write(slices.Concat(s.erase(), text, s.lines())); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Draw shows a view in the place of the one before. What a low terminal has no room for is left out at the end.
func (s *Screen) Draw(view []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	erase := s.erase()
	s.view = view[:min(len(view), s.Height())]
	if !s.hidden {
		s.hidden = true
		erase = append([]byte(hideCursor), erase...)
	}
	_, _ = s.out.Write(append(erase, s.lines()...)) // a terminal that has gone has sent a signal, too
}

// End leaves the view as it is and gives the cursor back. Text goes under it from now on. To call it again does
// nothing.
func (s *Screen) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.view = true, nil
	if s.hidden {
		s.hidden = false
		_, _ = io.WriteString(s.out, showCursor)
	}
}

// erase moves to where the view begins and clears from there on.
func (s *Screen) erase() []byte {
	if len(s.view) == 0 {
		return nil
	}
	return fmt.Appendf(nil, cursorAbove+"\r"+clearBelow, len(s.view))
}

func (s *Screen) lines() []byte {
	var b bytes.Buffer
	for _, line := range s.view {
		b.WriteString(strings.TrimRight(line, " ") + clearLine + "\r\n")
	}
	return b.Bytes()
}
