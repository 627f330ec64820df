package triage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Rounding is a number that has other digits in an edited value than in the letter's, and is the same to a float64 all the
// same. Hardly anybody edits so; programs do that keep numbers as float64, such as jq before 1.7 and JavaScript.
type Rounding struct {
	Place         string // a JSON Pointer
	Before, After string
}

func (r Rounding) String() string {
	return fmt.Sprintf("%.200s was %.60s and is %.60s", r.Place, r.Before, r.After)
}

// roundingIn returns the first rounding from one JSON text to another, if there is any.
func roundingIn(before, after []byte) (r Rounding, found bool) {
	a, errA := decodeNumbers(before)
	b, errB := decodeNumbers(after)
	if errA != nil || errB != nil {
		return r, false
	}
	return roundingAt("", a, b)
}

func decodeNumbers(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func roundingAt(place string, before, after any) (r Rounding, found bool) {
	switch before := before.(type) {
	case json.Number:
		if after, ok := after.(json.Number); ok && isRounded(string(before), string(after)) {
			return Rounding{place, string(before), string(after)}, true
		}
	case map[string]any:
		after, _ := after.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(before)) {
			if r, found = roundingAt(place+"/"+escapePointer.Replace(key), before[key], after[key]); found {
				return r, true
			}
		}
	case []any:
		after, _ := after.([]any)
		for i := range min(len(before), len(after)) {
			if r, found = roundingAt(fmt.Sprintf("%s/%d", place, i), before[i], after[i]); found {
				return r, true
			}
		}
	}
	return r, false
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901, 3

// isRounded reports whether two JSON numbers differ, but not as float64. What is beyond all of them counts as the greatest,
// which such programs write for it.
func isRounded(before, after string) bool {
	return before != after && exact(before) != exact(after) && float(before) == float(after)
}

func float(number string) float64 {
	f, _ := strconv.ParseFloat(number, 64) // beyond its range it is infinite, or 0
	return min(max(f, -math.MaxFloat64), math.MaxFloat64)
}

// decimal is a number as ±digits × 10^exponent, the digits without zeros around them.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

func exact(number string) (d decimal) {
	number, d.negative = strings.CutPrefix(number, "-")
	mantissa, power := number, ""
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, power = number[:i], number[i+1:]
	}
	d.exponent, _ = strconv.Atoi(power) // 0 if there is none
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += len(digits) - len(d.digits) - len(fraction)
	if d.digits = strings.TrimLeft(d.digits, "0"); d.digits == "" {
		return decimal{} // of zero there is one
	}
	return d
}
