package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// flaw says what is wrong with a secret, or with the name that goes with one, and nothing of what it says; "" if nothing
// is. It refuses what slips in unseen, on the way from an editor, a shell or a secret store, and what no key is meant to
// hold: with it every call would be refused, for ever. Bytes count from 1.
func flaw(text string) string {
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "\xef\xbb\xbf"):
		return "begins with a byte order mark"
	case isUTF16(text):
		return "is UTF-16, not UTF-8"
	case strings.HasSuffix(text, "\n"):
		return "ends in a line end"
	}
	if first, _ := utf8.DecodeRuneInString(text); unicode.IsSpace(first) {
		return "begins with white space"
	}
	if last, _ := utf8.DecodeLastRuneInString(text); unicode.IsSpace(last) {
		return "ends in white space"
	}
	for i, r := range text {
		if what := unfit(r, text[i:]); what != "" {
			return fmt.Sprintf("has %s at byte %d", what, i+1)
		}
	}
	return ""
}

// unfit names the kind of a character that stands nowhere in a secret, the first of rest.
func unfit(r rune, rest string) string {
	switch {
	case r == utf8.RuneError && !strings.HasPrefix(rest, string(utf8.RuneError)):
		return "what is not UTF-8"
	case r == '\t':
		return "a tab"
	case r == '\n', r == '\r', unicode.In(r, unicode.Zl, unicode.Zp):
		return "a line end"
	case r == 0:
		return "a NUL"
	case r == '\ufeff':
		return "a byte order mark"
	case unicode.IsControl(r):
		return "a control character"
	case unicode.Is(unicode.Cf, r):
		return "an invisible character"
	}
	return ""
}

// keyFlaw is flaw for a key of the platform, which is ASCII.
func keyFlaw(text string) string {
	if text == "" {
		return "is empty"
	}
	if what := flaw(text); what != "" {
		return what
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
		return fmt.Sprintf("has a character that is not ASCII at byte %d", i+1)
	}
	return ""
}

// isUTF16 tells UTF-16 by its byte order mark, or by a zero in one half of every character.
func isUTF16(text string) bool {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return true
	}
	zeros := [2]int{}
	for i := range len(text) {
		if text[i] == 0 {
			zeros[i%2]++
		}
	}
	return len(text) > 1 && (zeros[0] == (len(text)+1)/2 || zeros[1] == len(text)/2)
}
