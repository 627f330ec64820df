package msdkclient

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// answer is what all answers have in common (MSDK interface document, 3.x.x.3).
type answer struct {
	ret    int
	hasRet bool
	inner  int // the code of WeChat or mobile QQ behind ret; 0 if there is none
	msg    string
	serial string // the echoed msdkExtInfo; empty if there is none
}

// parseAnswer reads liberally: ret may be a number or a string, everything else may be missing or of any type. Text
// that cannot be read is an answer without ret.
func parseAnswer(text []byte) answer {
	var fields struct {
		Ret    json.RawMessage `json:"ret"`
		Msg    json.RawMessage `json:"msg"`
		Serial json.RawMessage `json:"msdkExtInfo"`
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some servers begin with a byte order mark
	if json.Unmarshal(text, &fields) != nil {
		return answer{}
	}
	a := answer{msg: plain(fields.Msg), serial: plain(fields.Serial)}
	if ret, err := strconv.Atoi(strings.TrimSpace(plain(fields.Ret))); err == nil {
		a.ret, a.hasRet = ret, true
	}
	if passesOn(a.ret) {
		a.inner = leadingCode(a.msg)
	}
	return a
}

// plain is the content of a JSON string, the text of any other value, and nothing for null.
func plain(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
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

// clip keeps a message from outside short enough for a log line.
func clip(msg string) string {
	const most = 512
	msg = strings.ToValidUTF8(msg, "\ufffd")
	if len(msg) <= most {
		return msg
	}
	end := most
	for !utf8.RuneStart(msg[end]) {
		end--
	}
	return msg[:end] + "…"
}
