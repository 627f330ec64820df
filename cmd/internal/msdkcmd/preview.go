package msdkcmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// hidden stands where a secret is not shown.
const hidden = "REDACTED"

var (
	signature    = regexp.MustCompile(`([?&]sig=)[^&]*`)
	secretMember = regexp.MustCompile(`("secret"\s*:\s*")(?:[^"\\]|\\.)*`)
)

// A preview is a signed request that is shown and not sent.
type preview struct {
	url, host string
	header    http.Header
	body      []byte
	caFile    string
}

// newPreview makes one of what the client would send now. Without its secrets, the signature and the app's key, it can be
// shown to anybody who may see what is in the body otherwise.
func newPreview(client *msdkclient.Client, t *target, r request, withSecrets bool) preview {
	signed := client.Request(t.app, r.what, r.openid, r.body)
	p := preview{signed.URL.String(), signed.Host, signed.Header, r.body, t.CAFile}
	if !withSecrets {
		p.url = signature.ReplaceAllString(p.url, "${1}"+hidden)
		p.body = secretMember.ReplaceAll(p.body, []byte("${1}"+hidden))
		if len(t.app.Key) >= msdkclient.ShortestSecret {
			key := quote(t.app.Key)
			p.body = bytes.ReplaceAll(p.body, key[1:len(key)-1], []byte(hidden))
		}
	}
	return p
}

// shownHeaders are those of ours, in the order in which they are shown.
var shownHeaders = []string{"Content-Type", "User-Agent", "Accept-Encoding"}

// writeHTTP writes the request as it goes over the network.
func (p *preview) writeHTTP(w io.Writer) error {
	var b bytes.Buffer
	_, afterScheme, _ := strings.Cut(p.url, "://")
	fmt.Fprintf(&b, "POST %s HTTP/1.1\nHost: %s\n", strings.TrimPrefix(afterScheme, p.host), p.host)
	for _, name := range shownHeaders {
		fmt.Fprintf(&b, "%s: %s\n", name, p.header.Get(name))
	}
	fmt.Fprintf(&b, "Content-Length: %d\n\n", len(p.body))
	b.Write(p.body)
	if !bytes.HasSuffix(p.body, []byte("\n")) {
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// maxArgument is more than a program may be given in one argument: on Linux that is 128 KiB.
const maxArgument = 100 << 10

// writeCurl writes the command of curl that does the same, for a POSIX shell.
func (p *preview) writeCurl(w io.Writer) error {
	if bytes.IndexByte(p.body, 0) >= 0 {
		return errors.New("the body holds a zero byte, which no command line can: --dry-run shows it")
	}
	var b strings.Builder
	data := "--data-binary " + shellQuote(string(p.body))
	switch {
	case len(p.body) > maxArgument:
		b.WriteString("printf %s " + shellQuote(string(p.body)) + " | ") // which the shell does itself
		data = "--data-binary @-"
	case bytes.HasPrefix(p.body, []byte("@")): // which would name a file
		data = "--data-raw " + shellQuote(string(p.body))
	}
	b.WriteString("curl -sS")
	if p.caFile != "" {
		b.WriteString(" --cacert " + shellQuote(p.caFile))
	}
	for _, name := range shownHeaders {
		b.WriteString(" \\\n  -H " + shellQuote(name+": "+p.header.Get(name)))
	}
	fmt.Fprintf(&b, " \\\n  %s \\\n  %s\n", data, shellQuote(p.url))
	_, err := io.WriteString(w, b.String())
	return err
}

// shellQuote makes text one word of a POSIX shell.
func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
