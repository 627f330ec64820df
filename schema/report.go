package schema

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Report is what a sender needs to know of a valid battle report. Its fields are parts of the value, as a rule: they
// hold for as long as that does.
type Report struct {
	// OpenID names the user: baseinfo.openid, escapes resolved, 1 to 128 characters.
	OpenID []byte

	// Score is battleinfo.score as a decimal integer with every digit kept: "1000" for 1e3, "1" for 1.0. It is empty
	// if the report has no score or one that is no integer.
	Score []byte
}

// maxOpenID is the longest openid accepted, in characters.
const maxOpenID = 128

// places are where in an outline a report stands: indices of tokens, or none.
type places struct{ baseinfo, openID, score int }

func (o *outline) places() places {
	return places{o.find("baseinfo"), o.find("baseinfo", "openid"), o.find("battleinfo", "score")}
}

// report reads the report off a valid text, or refuses the text if it does not name its user.
func (o *outline) report(in places) (Report, *Refusal) {
	if in.openID == none || !o.isOpenID(in.openID) {
		return Report{}, refuseNoOpenID(in)
	}
	report := Report{OpenID: o.decoded(in.openID)}
	if o.tokens[in.openID].escaped {
		report.OpenID = bytes.Clone(report.OpenID) // it is in scratch
	}
	if in.score != none {
		report.Score = o.score(in.score)
	}
	return report, nil
}

func (o *outline) isOpenID(at int) bool {
	if o.tokens[at].kind != kindString {
		return false
	}
	n := utf8.RuneCount(o.decoded(at))
	return n >= 1 && n <= maxOpenID
}

func refuseNoOpenID(in places) *Refusal {
	violation := Violation{
		Keyword: "/required", // which stands in no schema: it is what one would say
		Message: "a battle report needs baseinfo.openid, a string of 1 to 128 characters: by it the platform knows whose report it is",
	}
	if in.baseinfo != none {
		violation.Instance = "/baseinfo"
	}
	return refuseViolations([]Violation{violation}, 1)
}

func (o *outline) score(at int) []byte {
	if o.tokens[at].kind&kindNumber == 0 {
		return nil
	}
	raw := o.raw(at)
	if o.tokens[at].kind == kindInteger && string(raw) != "-0" {
		return raw // canonical as it stands
	}
	return []byte(canonicalInteger(string(raw)))
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
