package msdkclient

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// answer is what all answers have in common (MSDK interface document, 3.x.x.3).
type answer struct {
	ret     int
	hasRet  bool
	inner   int // the code of WeChat or mobile QQ behind ret; 0 if there is none
	msg     string
	errType int    // 0 where it is not given
	serial  string // the echoed msdkExtInfo; empty if there is none
	whole   bool   // all of the text made sense
	wide    bool   // see scanner
}

// The values of err_type, which some answers carry beside ret, that say what to do. Besides there are 0, all is well, and
// 5, nobody knows.
const (
	errTypeTryLater    = 1 // the network is unstable
	errTypeReauthorize = 2 // the user must log in again
	errTypeRefresh     = 3 // the access token must be refreshed
)

// parseAnswer reads what was written by many hands. An answer with a ret that a person could read is not to be taken for
// none, since then what the platform has accepted is posted again; and nothing else is to be taken for success. So:
//
//   - What counts is the ret of an object at the top level of the text, whatever stands around it, as long as that does
//     not make it a part of something else. A ret in a string, in a list or in another object is another's.
//   - Names are read without regard to case, as encoding/json does.
//   - It is an integer, as a number or a string: 0, "0", 0.0 and 0e0 are the same. A number with which the text ends may
//     have been longer, unless it is 0.
//   - All that there are must say the same, be it in one object or in several.
//   - Text that is no JSON is read until it makes no sense any more; what stands before counts.
//
// Text that cannot be read is an answer without ret. Everything else may be missing or of any type.
func parseAnswer(text []byte) answer {
	a := readAnswer(scanner{text: text})
	if !a.whole && !utf8.Valid(text) {
		if wide := readAnswer(scanner{text: text, wide: true}); wide.whole || !a.hasRet {
			a = wide
		}
	}
	return a
}

func readAnswer(s scanner) (a answer) {
	a.wide = s.wide
	rets, torn := 0, false
	a.whole = s.members(func(m member) {
		switch name := plain(m.name); {
		case strings.EqualFold(name, "ret"):
			ret, ok := integer(m)
			a.hasRet = ok && (rets == 0 || a.hasRet && ret == a.ret)
			a.ret = ret
			rets++
		case strings.EqualFold(name, "msg"):
			a.msg, torn = plain(m.value), !m.whole
		case strings.EqualFold(name, "err_type") && m.whole:
			a.errType, _ = integer(m)
		case strings.EqualFold(name, "msdkExtInfo") && m.whole:
			a.serial = plain(m.value)
		}
	})
	if !a.hasRet {
		a.ret = 0
	}
	if passesOn(a.ret) && (!torn || strings.Contains(a.msg, ",")) {
		a.inner = leadingCode(a.msg)
	}
	return a
}

var decimal = regexp.MustCompile(`^[-+]?([0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// integer is the value of a number that has no fraction, or of a string that holds one.
func integer(m member) (n int, ok bool) {
	text := strings.TrimSpace(plain(m.value))
	if !m.whole && string(m.value) != "0" || !decimal.MatchString(text) {
		return 0, false
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if f == 0 { // or nearly so
		mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
		return 0, !strings.ContainsAny(mantissa, "123456789")
	}
	return int(f), err == nil && f == math.Trunc(f) && math.Abs(f) <= math.MaxInt32
}

// leadingCode reads the number at the head of msg, as in "40001,invalid credential"; 0 if there is none.
func leadingCode(msg string) int {
	head, _, _ := strings.Cut(msg, ",")
	code, err := strconv.Atoi(strings.TrimSpace(head))
	if err != nil {
		return 0
	}
	return code
}

// common is the answer as callers have it.
func (a answer) common() Status {
	return Status{Ret: a.ret, Msg: valid(a.msg), ErrType: a.errType, MSDKExtInfo: valid(a.serial)}
}

// valid is a text from outside with the mark U+FFFD for what is no UTF-8 in it.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// clip keeps a message from outside short enough for a log line.
func clip(msg string) string {
	const most = 512
	msg = valid(msg)
	if len(msg) <= most {
		return msg
	}
	end := most
	for !utf8.RuneStart(msg[end]) {
		end--
	}
	return msg[:end] + "…"
}
