package msdkcmd

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// logRequests returns what writes a line for each request to out. It is safe for concurrent use.
func logRequests(out io.Writer) func(msdktest.Entry) {
	var mu sync.Mutex
	coloured := cli.Coloured(out)
	return func(e msdktest.Entry) {
		line := requestLine(e, coloured)
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, line)
	}
}

// requestLine is a request on a line: when, what it was answered, which call, of whom, and what was wrong with it.
func requestLine(e msdktest.Entry, coloured bool) string {
	var b strings.Builder
	b.WriteString(e.Time.Format("15:04:05 "))
	answer := words.Pad(e.Answer(), 16)
	if coloured {
		colour := "32"
		if !e.OK() {
			colour = "31"
		}
		answer = "\x1b[" + colour + "m" + answer + "\x1b[0m"
	}
	b.WriteString(answer)
	fmt.Fprintf(&b, " %s %s", e.Method, words.Visible(e.Path))
	for _, id := range []string{e.AppID, e.OpenID} {
		if id != "" {
			b.WriteString(" " + words.Cut(words.Visible(id), 40))
		}
	}
	if why := e.Words(); !e.OK() && why != "" {
		b.WriteString(": " + words.Visible(why))
	}
	return b.String()
}
