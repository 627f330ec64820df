package screen

import (
	"bytes"
	"fmt"
	"testing"
)

func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &Screen{out: &out, size: func() (int, int) { return 80, 4 }}
	step := func(rule string, f func(), want string) {
		t.Helper()
		out.Reset()
		f()
		if out.String() != want {
			t.Errorf("%s: got %q, want %q", rule, out.String(), want)
		}
	}
	step("text before the first view is just written", func() { fmt.Fprint(s, "hello\n") }, "hello\n")
	step("the first view hides the cursor", func() { s.Draw([]string{"a", "b"}) }, "\x1b[?25la\x1b[K\r\nb\x1b[K\r\n")
	step("the next one takes its place, and is cut to the height", func() { s.Draw([]string{"1", "2", "3", "4"}) },
		"\x1b[2A\r\x1b[J1\x1b[K\r\n2\x1b[K\r\n3\x1b[K\r\n")
	step("text goes above the view", func() { fmt.Fprint(s, "log\n") }, "\x1b[3A\r\x1b[Jlog\n1\x1b[K\r\n2\x1b[K\r\n3\x1b[K\r\n")
	step("the end gives the cursor back", func() { s.End() }, "\x1b[?25h")
	step("and once is enough", func() { s.End() }, "")
	step("no view is drawn after the end", func() { s.Draw([]string{"5"}) }, "")
	step("text goes below the last view", func() { fmt.Fprint(s, "bye\n") }, "bye\n")
}
