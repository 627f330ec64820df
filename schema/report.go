package schema

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Report is what a sender needs to know of a valid battle report.
type Report struct {
	// OpenID names the user: baseinfo.openid, escapes resolved, 1 to 128 characters.
	OpenID string

	// Score is battleinfo.score as a decimal integer with every digit kept: "1000" for 1e3, "1" for 1.0. It is empty
	// if the report has no score or one that is no integer.
	Score string
}

// maxOpenID is the longest openid accepted, in characters.
const maxOpenID = 128

// reportOf reads the report off a decoded value, or refuses it if it does not name its user.
func reportOf(v any) (Report, *Refusal) {
	openID, refusal := openIDOf(v)
	if refusal != nil {
		return Report{}, refusal
	}
	report := Report{OpenID: openID}
	if score, ok := member(v, "battleinfo", "score").(json.Number); ok {
		report.Score = canonicalInteger(score.String())
	}
	return report, nil
}

func openIDOf(v any) (string, *Refusal) {
	openID, ok := member(v, "baseinfo", "openid").(string)
	if n := utf8.RuneCountInString(openID); ok && n >= 1 && n <= maxOpenID {
		return openID, nil
	}
	violation := Violation{
		Keyword: "/required", // which stands in no schema: it is what one would say
		Message: "a battle report needs baseinfo.openid, a string of 1 to 128 characters: by it the platform knows whose report it is",
	}
	if object, _ := v.(map[string]any); object != nil {
		if _, ok := object["baseinfo"]; ok {
			violation.Instance = "/baseinfo"
		}
	}
	return "", schemaViolation([]Violation{violation}, 1)
}

// member returns the value that path leads to in v, or nil if there is none.
func member(v any, path ...string) any {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}

// canonicalInteger returns number, a JSON number, as a decimal integer without fraction, exponent or needless zeros, or
// "" if it is not an integer.
func canonicalInteger(number string) string {
	mantissa, exponent := number, 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa = number[:i]
		exponent, _ = strconv.Atoi(number[i+1:]) // within maxExponent, as scanned
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	point := len(whole) + exponent // where the point stands among the digits
	digits := whole + fraction
	point -= len(digits) - len(strings.TrimLeft(digits, "0"))
	digits = strings.Trim(digits, "0")
	switch {
	case digits == "":
		return "0"
	case point < len(digits):
		return ""
	case negative:
		digits, point = "-"+digits, point+1
	}
	return digits + strings.Repeat("0", point-len(digits))
}
