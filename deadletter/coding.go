package deadletter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A coding is how bytes are given to an expression as text.
type coding int

const (
	asUTF8  coding = iota
	asBytes        // a character for each byte, as in ISO 8859-1
)

// codingOf returns the coding in which a value's text loses nothing. No text begins with the byte 0: that is a header, in
// which it is bytes that count, be they UTF-8 by chance.
func codingOf(value []byte) coding {
	if utf8.Valid(value) && (len(value) == 0 || value[0] != 0) {
		return asUTF8
	}
	return asBytes
}

func (c coding) text(value []byte) string {
	if c == asUTF8 {
		return string(value)
	}
	var b strings.Builder
	for _, x := range value {
		b.WriteRune(rune(x))
	}
	return b.String()
}

// bytes is the reverse of text, for what an expression has made of it.
func (c coding) bytes(text string) ([]byte, error) {
	if c == asUTF8 {
		return []byte(text), nil
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("it has %q, and of a value that is not UTF-8 each character is to be a byte, up to U+00FF", r)
		}
		out = append(out, byte(r))
	}
	return out, nil
}
