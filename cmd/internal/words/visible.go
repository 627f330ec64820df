package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Visible makes text that comes from outside fit to be shown on one line of a terminal: whatever is not a printable
// character, a line break included, is shown as an escape, such as \u001b, and bytes that are no UTF-8 as \xff.
func Visible(text string) string {
	if printable(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(visibleRune(text[i:i+size], r))
		i += size
	}
	return b.String()
}

func printable(text string) bool {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// visibleRune shows the rune that text is.
func visibleRune(text string, r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r == utf8.RuneError && len(text) == 1:
		return fmt.Sprintf(`\x%02x`, text[0])
	case strconv.IsPrint(r):
		return text
	case r > 0xffff:
		return fmt.Sprintf(`\u{%x}`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}
