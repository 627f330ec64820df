package schema

import (
	"cmp"
	"math/big"
	"math/bits"
)

// A decimal is a number as one writes it, ±digits × 10^exponent, and exact. It is normal: digits end in no zero, and zero
// is the zero value, so equal numbers are equal decimals.
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
			return d.shift(zeros + exponentOf(number[i+1:])), true
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

// exponentOf returns the number that follows the "e" of a JSON number.
func exponentOf(text []byte) int {
	switch text[0] {
	case '-':
		return -magnitude(text[1:])
	case '+':
		return magnitude(text[1:])
	}
	return magnitude(text)
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
	c := d.compareMagnitude(e)
	if d.negative {
		return -c
	}
	return c
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

// compareMagnitude compares what is not zero, without regard to its sign.
func (d decimal) compareMagnitude(e decimal) int {
	if c := cmp.Compare(width(d.digits)+d.exponent, width(e.digits)+e.exponent); c != 0 {
		return c
	}
	// The first digits of both stand at the same place. So filled up with zeros to the same last place, both have as many
	// digits as the longer one, and room.
	if n := d.exponent - e.exponent; n > 0 {
		d.digits *= pow10[n]
	} else {
		e.digits *= pow10[-n]
	}
	return cmp.Compare(d.digits, e.digits)
}

// width returns how many digits write n, which is not zero.
func width(n uint64) int {
	w := bits.Len64(n) * 1233 >> 12 // log10(2) is 1233/4096, nearly
	if n >= pow10[w] {
		w++
	}
	return w
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
