package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine returns s as one line of at most limit bytes of UTF-8: cut if need be, with a space for whatever is not printable.
func oneLine(s string, limit int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, shorten(strings.ToValidUTF8(s, "?"), limit))
}

// shorten returns s, or if that has more than limit bytes, the beginning of s and an ellipsis within the limit.
func shorten(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
