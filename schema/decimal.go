package schema

import (
	"cmp"
	"math/big"
	"math/bits"
	"strconv"
)

// A decimal is a number as one writes it, ±digits × 10^exponent, and exact. It is normal: digits end in no zero, and zero
// is the zero value, so equal numbers are equal decimals.
//
// A big.Rat would do, in a third of the code: but to parse and compare one takes 15 to 35 times as long, and ten allocations
// or more (BenchmarkBounds), where even the built-in schemas have bounds for a number of every record. To leave fractions to
// the validator takes over 40 times as long for a record with three of them.
type decimal struct {
	negative bool
	digits   uint64 // below 10^maxDigits
	exponent int
}

// maxDigits is how many significant digits a decimal has room for.
const maxDigits = 19

// pow10 are the powers of ten that a uint64 has room for.
var pow10 = func() (p [maxDigits + 1]uint64) {
	p[0] = 1
	for i := range maxDigits {
		p[i+1] = p[i] * 10
	}
	return p
}()

// parseDecimal returns a JSON number, scanned and so within maxExponent, as a decimal. It is not ok if the number has
// more than maxDigits significant digits.
func parseDecimal(number []byte) (d decimal, ok bool) {
	significant, zeros, point := 0, 0, false // zeros: those at the end of what has been read
	for i, c := range number {
		switch c {
		case '-':
			d.negative = true
			continue
		case '.':
			point = true
			continue
		case 'e', 'E':
			exponent, _ := strconv.Atoi(string(number[i+1:]))
			return d.shift(zeros + exponent), true
		}
		if point {
			d.exponent--
		}
		if c == '0' {
			if significant > 0 {
				zeros++
			}
			continue
		}
		significant += zeros + 1
		if significant > maxDigits {
			return decimal{}, false
		}
		d.digits = d.digits*pow10[zeros+1] + uint64(c-'0')
		zeros = 0
	}
	return d.shift(zeros), true
}

// shift returns d × 10^n, normal as to zero.
func (d decimal) shift(n int) decimal {
	if d.digits == 0 {
		return decimal{}
	}
	d.exponent += n
	return d
}

// decimalOf returns a schema's number as a decimal, ok if it is one of at most maxDigits significant digits.
func decimalOf(r *big.Rat) (d decimal, ok bool) {
	places, exact := r.FloatPrec()
	if !exact {
		return decimal{}, false
	}
	return parseDecimal([]byte(r.FloatString(places)))
}

func (d decimal) isInteger() bool { return d.exponent >= 0 }

// compare returns -1, 0 or 1 as d is below, equal to or above e.
func (d decimal) compare(e decimal) int {
	if c := cmp.Compare(d.sign(), e.sign()); c != 0 || d.digits == 0 {
		return c
	}
	if d.negative {
		return e.compareMagnitude(d)
	}
	return d.compareMagnitude(e)
}

func (d decimal) sign() int {
	switch {
	case d.digits == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// compareMagnitude compares what is not zero, without regard to its sign: the digits, once both count the same power of ten.
func (d decimal) compareMagnitude(e decimal) int {
	n := d.exponent - e.exponent
	if n < 0 {
		return -e.compareMagnitude(d)
	}
	if n > maxDigits {
		return 1
	}
	if high, low := bits.Mul64(d.digits, pow10[n]); high == 0 {
		return cmp.Compare(low, e.digits)
	}
	return 1
}

// isMultipleOf reports whether d divided by e, which is not zero, is an integer.
func (d decimal) isMultipleOf(e decimal) bool {
	if d.digits == 0 {
		return true
	}
	n := d.exponent - e.exponent
	if n < 0 {
		return false // d.digits would have to be a multiple of e.digits × 10^-n, but they end in no zero
	}
	return multiplyMod(d.digits%e.digits, powerMod(n, e.digits), e.digits) == 0
}

// powerMod returns 10^n modulo m.
func powerMod(n int, m uint64) uint64 {
	result, base := 1%m, 10%m
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = multiplyMod(result, base, m)
		}
		base = multiplyMod(base, base, m)
	}
	return result
}

// multiplyMod returns a × b modulo m; a and b are below m.
func multiplyMod(a, b, m uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return bits.Rem64(high, low, m)
}
