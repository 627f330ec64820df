package schema

import "math"

// Limits on one number, so that the exact arithmetic behind a schema's "minimum", "multipleOf" or "enum" stays cheap:
// its cost is quadratic in the digits, and a dozen bytes such as 1e999999999 would otherwise stand for a gigabyte of them.
const (
	maxNumberBytes = 1024
	maxExponent    = 1024
)

// number scans a number, i being the offset of its first byte.
func (s *scanner) number(i int) int {
	start, k := i, kindInteger
	if s.data[i] == '-' {
		i++
	}
	if i < len(s.data) && s.data[i] == '0' {
		i++
	} else if i = s.digits(i); i == failed {
		return failed
	}
	if i < len(s.data) && s.data[i] == '.' {
		k = kindDecimal
		if i = s.digits(i + 1); i == failed {
			return failed
		}
	}
	if i < len(s.data) && s.data[i]|0x20 == 'e' {
		k = kindDecimal
		i++
		if i < len(s.data) && (s.data[i] == '+' || s.data[i] == '-') {
			i++
		}
		first := i
		if i = s.digits(i); i == failed {
			return failed
		}
		if magnitude(s.data[first:i]) > maxExponent {
			return s.fail(start, faultExponent)
		}
	}
	if i-start > maxNumberBytes {
		return s.fail(start, faultNumberLength)
	}
	s.add(k, start, i-start)
	return i
}

// digits scans one decimal digit or more.
func (s *scanner) digits(i int) int {
	if i >= len(s.data) || !isDigit(s.data[i]) {
		return s.fail(i, faultNumber)
	}
	for i < len(s.data) && isDigit(s.data[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// magnitude returns the number that digits write, or some number above maxExponent if it is above that.
func magnitude(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = min(n*10+int(c-'0'), math.MaxInt16)
	}
	return n
}
