package schema

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// drawNumber draws a JSON number, among them many that are close to each other or at the end of what a decimal holds.
func drawNumber(t *rapid.T, what string) string {
	number := rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20}0{0,20})?`),
		rapid.SampledFrom([]string{"9999999999999999999", "999999999999999999.9", "1000000000000000000", "18446744073709551616", "0.0", "-0"}),
	).Draw(t, what)
	if rapid.Bool().Draw(t, "with exponent") {
		number += fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"e", "E", "e+", "e-", "e-0"}).Draw(t, "e"), rapid.IntRange(0, 40).Draw(t, "exponent"))
	}
	return number
}

// drawDecimal draws a number that a decimal holds.
func drawDecimal(t *rapid.T, what string) (decimal, *big.Rat) {
	number := drawNumber(t, what)
	d, ok := parseDecimal([]byte(number))
	if !ok {
		t.Skip("too many digits")
	}
	return d, rat(t, number)
}

func rat(t interface{ Fatalf(string, ...any) }, number string) *big.Rat {
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		t.Fatalf("not a number: %s", number)
	}
	return exact
}

// ratOf returns what d stands for.
func ratOf(t interface{ Fatalf(string, ...any) }, d decimal) *big.Rat {
	sign := ""
	if d.negative {
		sign = "-"
	}
	return rat(t, fmt.Sprintf("%s%de%d", sign, d.digits, d.exponent))
}

func TestDecimalsAreExactAndNormal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := drawNumber(t, "number")
		d, ok := parseDecimal([]byte(number))
		exact := rat(t, number)
		again, fits := decimalOf(exact)
		if ok != fits || d != again {
			t.Fatalf("%s is %+v, %v; but by its value %+v, %v", number, d, ok, again, fits)
		}
		if !ok {
			if !hasLongNumber([]byte(number)) {
				t.Fatalf("%s has few enough digits", number)
			}
			return
		}
		if ratOf(t, d).Cmp(exact) != 0 {
			t.Fatalf("%s is not %+v", number, d)
		}
		if d.digits%10 == 0 && d != (decimal{}) {
			t.Fatalf("%s: %+v is not normal", number, d)
		}
		if d.isInteger() != exact.IsInt() {
			t.Fatalf("%s: integer %v", number, d.isInteger())
		}
	})
}

func TestDecimalsCompare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, exactA := drawDecimal(t, "a")
		b, exactB := drawDecimal(t, "b")
		if got, want := a.compare(b), exactA.Cmp(exactB); got != want {
			t.Fatalf("%v and %v compare %d, want %d", exactA, exactB, got, want)
		}
		if (a == b) != (exactA.Cmp(exactB) == 0) {
			t.Fatalf("%v and %v: equal %v", exactA, exactB, a == b)
		}
	})
}

func TestDecimalsDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, exactB := drawDecimal(t, "divisor")
		if b.digits == 0 {
			t.Skip("no schema divides by zero")
		}
		a, exactA := drawDecimal(t, "number")
		if rapid.Bool().Draw(t, "multiply") { // or it would hardly ever be a multiple
			exactA.Mul(exactB, big.NewRat(rapid.Int64Range(-1000, 1000).Draw(t, "by"), 1))
			var ok bool
			if a, ok = decimalOf(exactA); !ok {
				t.Skip("too many digits")
			}
		}
		want := new(big.Rat).Quo(exactA, exactB).IsInt()
		if got := a.isMultipleOf(b); got != want {
			t.Fatalf("%v is a multiple of %v: got %v, want %v", exactA, exactB, got, want)
		}
	})
}

func TestFractionsWithoutEndAreNoDecimals(t *testing.T) {
	t.Parallel()
	if d, ok := decimalOf(big.NewRat(1, 3)); ok {
		t.Errorf("a third is %+v", d)
	}
}
