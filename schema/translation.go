package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Patterns are regular expressions of ECMA 262 in a schema (JSON Schema Core, 6.4), and of Go, which are RE2's, in the
// validator. They have most of their syntax in common. Where the two mean different things, or only ECMA 262 has a
// word for it, translate says what ECMA 262 means in the words of RE2; what only RE2 knows, such as (?i), stays.

// The sets that ECMA 262 has in mind, to be put between brackets.
const (
	ecmaSpace    = `\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	ecmaNoSpace  = `\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	ecmaLineEnds = `\n\r\x{2028}\x{2029}` // what the point does not match
	everything   = `\x00-\x{10ffff}`
)

// scripts are the short names of those scripts that are likely to be met in a report. Go knows all by their long names.
var scripts = map[string]string{
	"Arab": "Arabic", "Cyrl": "Cyrillic", "Deva": "Devanagari", "Grek": "Greek", "Hang": "Hangul", "Hani": "Han", "Hebr": "Hebrew",
	"Hira": "Hiragana", "Kana": "Katakana", "Latn": "Latin", "Thai": "Thai", "Zinh": "Inherited", "Zyyy": "Common",
}

// translate returns a pattern as RE2 has it, or why RE2 cannot have it. What neither knows it leaves to the compiler.
func translate(pattern string) (string, error) {
	t := translation{rest: pattern}
	// With (?s), or the like, a point is what RE2 says it is.
	t.flags = flagsPattern.MatchString(pattern)
	for t.rest != "" {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.String(), nil
}

// A translation goes through a pattern.
type translation struct {
	strings.Builder

	rest    string
	inClass bool
	flags   bool // the pattern has flags, as only RE2 knows them
}

// next translates what comes next.
func (t *translation) next() error {
	switch c := t.rest[0]; {
	case c == '\\':
		return t.escape()
	case t.inClass:
		t.inClass = c != ']'
		if posix, ok := posixClass(t.rest); ok { // RE2's alone
			t.copy(len(posix))
			return nil
		}
		t.copy(1)
	case c == '[':
		t.class()
	case c == '(':
		return t.group()
	case c == '.' && !t.flags:
		t.put(1, "[^"+ecmaLineEnds+"]")
	default:
		t.copy(1)
	}
	return nil
}

// copy lets the next n bytes stand.
func (t *translation) copy(n int) { t.put(n, t.rest[:n]) }

// put writes text in the place of the next n bytes.
func (t *translation) put(n int, text string) {
	t.WriteString(text)
	t.rest = t.rest[n:]
}

// class begins a class. Two of ECMA's are none to RE2, which takes the bracket that ends them for their first character.
func (t *translation) class() {
	switch {
	case strings.HasPrefix(t.rest, "[]"):
		t.put(2, "[^"+everything+"]")
	case strings.HasPrefix(t.rest, "[^]"):
		t.put(3, "["+everything+"]")
	default:
		t.inClass = true
		t.copy(1)
		if strings.HasPrefix(t.rest, "^") {
			t.copy(1)
		}
	}
}

// posixClass returns the class that text begins with, such as [:alpha:].
func posixClass(text string) (class string, ok bool) {
	class = posixPattern.FindString(text)
	return class, class != ""
}

var posixPattern = regexp.MustCompile(`^\[:\^?[a-z]+:\]`)

var (
	errLookahead     = errors.New("there is no lookahead")
	errLookbehind    = errors.New("there is no lookbehind")
	errBackreference = errors.New(`there are no backreferences, such as \1 or \k<name>`)
	errHalfPair      = errors.New("half of a surrogate pair is no character")
)

// group begins a group.
func (t *translation) group() error {
	switch {
	case strings.HasPrefix(t.rest, "(?="), strings.HasPrefix(t.rest, "(?!"):
		return errLookahead
	case strings.HasPrefix(t.rest, "(?<="), strings.HasPrefix(t.rest, "(?<!"):
		return errLookbehind
	}
	t.copy(1)
	return nil
}

// escape translates a backslash and what belongs to it.
func (t *translation) escape() error {
	if len(t.rest) == 1 {
		t.copy(1)
		return nil
	}
	switch c := t.rest[1]; c {
	case 'u':
		return t.codePoint()
	case 'c':
		if len(t.rest) > 2 && isLetter(t.rest[2]) {
			t.put(3, fmt.Sprintf(`\x%02x`, t.rest[2]&0x1f))
			return nil
		}
	case 's':
		t.set(ecmaSpace)
		return nil
	case 'S':
		t.set(ecmaNoSpace)
		return nil
	case 'b':
		if t.inClass {
			t.put(2, `\x08`)
			return nil
		}
	case 'k':
		return errBackreference
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if len(t.rest) == 2 || t.rest[2] < '0' || '7' < t.rest[2] { // else RE2 takes it for an octal number
			return errBackreference
		}
	case 'p', 'P':
		return t.property()
	case 'Q': // as it stands, up to \E
		end := strings.Index(t.rest, `\E`)
		if end < 0 {
			end = len(t.rest) - len(`\E`)
		}
		t.copy(end + len(`\E`))
		return nil
	default:
		if c >= 0x80 { // itself
			t.put(1, "")
			return nil
		}
	}
	t.copy(2)
	return nil
}

// set writes one of ECMA's sets in the place of an escape of two bytes.
func (t *translation) set(ranges string) {
	if !t.inClass {
		t.put(2, "["+ranges+"]")
		return
	}
	t.put(2, ranges)
	if strings.HasPrefix(t.rest, "-") { // itself: a set is no end of a range
		t.put(1, `\-`)
	}
}

// codePoint translates \uXXXX, a pair of these, and \u{X…}.
func (t *translation) codePoint() error {
	unit, size := hexadecimal(t.rest[2:])
	if size == 0 {
		return fmt.Errorf(`behind \u stand four hexadecimal digits, or some in braces: %q`, shorten(t.rest, maxMessage))
	}
	size += 2
	if utf16.IsSurrogate(unit) {
		rest, another := strings.CutPrefix(t.rest[size:], `\u`)
		low, lowSize := hexadecimal(rest)
		if unit = utf16.DecodeRune(unit, low); !another || unit == '\ufffd' {
			return errHalfPair
		}
		size += 2 + lowSize
	}
	t.put(size, fmt.Sprintf(`\x{%x}`, unit))
	return nil
}

// hexadecimal returns the number that text begins with, XXXX or {X…}, and how long that is; 0 if there is none.
func hexadecimal(text string) (r rune, size int) {
	digits, size := text, 4
	if strings.HasPrefix(text, "{") {
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return 0, 0
		}
		digits, size = text[1:end], end+1
	} else if len(text) >= size {
		digits = text[:size]
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || n > 0x10ffff || len(text) < size {
		return 0, 0
	}
	return rune(n), size
}

// property translates \p{…}. Of ECMA's names RE2 knows those of categories and the long ones of scripts.
func (t *translation) property() error {
	end := strings.IndexByte(t.rest, '}')
	if !strings.HasPrefix(t.rest[2:], "{") || end < 0 {
		t.copy(2) // \pL, or nothing
		return nil
	}
	name := t.rest[3:end]
	if key, value, ok := strings.Cut(name, "="); ok {
		switch key {
		case "Script", "sc":
			if long, ok := scripts[value]; ok {
				value = long
			}
			name = value
		case "General_Category", "gc":
			name = value
		}
	}
	word := t.rest[:3] + name + "}"
	if _, err := syntax.Parse(word, syntax.Perl); err != nil {
		return fmt.Errorf(`\p knows categories and scripts, such as \p{L} and \p{Han}, not %q`, shorten(t.rest[:end+1], maxMessage))
	}
	t.put(end+1, word)
	return nil
}

// flagsPattern finds a group with flags, such as (?i) or (?s:…).
var flagsPattern = regexp.MustCompile(`\(\?[a-zA-Z-]+[:)]`)

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
