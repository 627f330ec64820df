package schema

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// str scans a string, i being the offset of its opening quote.
func (s *scanner) str(i int) int {
	data := s.data
	i++
	start, escaped := i, false
	for {
		if i = endOfPlain(data, i); i == len(data) {
			return s.fail(i, faultTruncated)
		}
		switch c := data[i]; {
		case c == '"':
			at := s.add(kindString, start, i-start)
			if escaped {
				s.tokens[at].escaped = true
			}
			return i + 1
		case c == '\\':
			escaped = true
			if i = s.escape(i); i == failed {
				return failed
			}
		case c < ' ':
			return s.fail(i, faultControl)
		default:
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				return s.fail(i, faultUTF8)
			}
			i += size
		}
	}
}

// endOfPlain returns the offset from i on of the first byte that does not simply stand for itself in a string: a quote,
// backslash or control, or a part of a character beyond ASCII.
func endOfPlain(data []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(data); i += 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		// A byte's high bit is set where it is not plain; it may be, too, in the bytes behind such a one, by a borrow.
		if found := (x | (x - ' '*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(data) && data[i] >= ' ' && data[i] < utf8.RuneSelf && data[i] != '"' && data[i] != '\\' {
		i++
	}
	return i
}

// escape scans an escape sequence, a surrogate pair being one; i is the offset of its backslash.
func (s *scanner) escape(i int) int {
	if i+1 == len(s.data) {
		return s.fail(i+1, faultTruncated)
	}
	switch s.data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return s.fail(i, faultEscape)
	}
	unit, end := s.hex4(i + 2)
	if end == failed || unit < surrogates || unit >= surrogatesEnd {
		return end
	}
	if unit >= lowSurrogates || end < len(s.data) && s.data[end] != '\\' {
		return s.fail(i, faultSurrogate)
	}
	if end+1 < len(s.data) && s.data[end+1] != 'u' {
		return s.fail(i, faultSurrogate)
	}
	unit, end = s.hex4(end + 2)
	if end != failed && (unit < lowSurrogates || unit >= surrogatesEnd) {
		return s.fail(i, faultSurrogate)
	}
	return end
}

// UTF-16 code units that mean a character only in pairs, one below lowSurrogates and then one from there on.
const (
	surrogates    = 0xd800
	lowSurrogates = 0xdc00
	surrogatesEnd = 0xe000
)

// hex4 returns the number that the four hexadecimal digits at i stand for and the offset behind them.
func (s *scanner) hex4(i int) (unit rune, end int) {
	for end = i; end < i+4; end++ {
		if end >= len(s.data) {
			return 0, s.fail(end, faultTruncated)
		}
		digit := hexDigit(s.data[end])
		if digit < 0 {
			return 0, s.fail(end, faultEscape)
		}
		unit = unit<<4 | digit
	}
	return unit, end
}

func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}
