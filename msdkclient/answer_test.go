package msdkclient

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		text string
		want answer
	}{
		"a documented answer":         {`{"msg":"success","ret":0}`, answer{hasRet: true, msg: "success"}},
		"the echo":                    {`{"ret":0,"msdkExtInfo":"a_1"}`, answer{hasRet: true, serial: "a_1"}},
		"an echo as a number":         {`{"ret":0,"msdkExtInfo":7}`, answer{hasRet: true, serial: "7"}},
		"a msg that is no string":     {`{"ret":-307,"msg":{"a":1}}`, answer{ret: -307, hasRet: true, msg: `{"a":1}`}},
		"a msg of null":               {`{"ret":-307,"msg":null}`, answer{ret: -307, hasRet: true}},
		"an inner code and its words": {`{"ret":-20000,"msg":"40001,a,b"}`, answer{-20000, true, 40001, "40001,a,b", ""}},
		"an inner code alone":         {`{"ret":-10000,"msg":" -1 "}`, answer{-10000, true, -1, " -1 ", ""}},
		"a ret beyond any int":        {`{"ret":99999999999999999999}`, answer{}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := parseAnswer([]byte(tt.text)); got != tt.want {
				t.Errorf("%s: %+v, want %+v", tt.text, got, tt.want)
			}
		})
	}
}

func TestClipCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"short":                        "short",
		strings.Repeat("a", 512):       strings.Repeat("a", 512),
		strings.Repeat("a", 513):       strings.Repeat("a", 512) + "…",
		"a" + strings.Repeat("数", 300): "a" + strings.Repeat("数", 170) + "…",
		"bad \xff bytes":               "bad \ufffd bytes",
	} {
		if got := clip(in); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ret":0,"msg":"success"}`, `{"ret":"-1011","msdkExtInfo":"x"}`, `{"ret":-20000,"msg":"40001,invalid credential"}`,
		`{"ret":-10000,"msg":"\ud800,1"}`, `[]`, `{"ret":1e3}`, "\ufeff{}", `{"ret":0}x`, ``, `null`, `{"RET":5,"ret":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a := parseAnswer(text)
		if a.hasRet && !json.Valid([]byte(strings.TrimPrefix(string(text), "\ufeff"))) {
			t.Errorf("a ret was read from what is not JSON: %+v", a)
		}
		if !a.hasRet && (a.ret != 0 || a.inner != 0) {
			t.Errorf("no ret, and yet a code: %+v", a)
		}
		if msg := clip(a.msg); !utf8.ValidString(msg) || len(msg) > 515 {
			t.Errorf("unfit for a log: %q", msg)
		}
		for _, status := range []int{200, 404, 503} {
			class, _ := decide(status, a)
			if class == accepted && (status != 200 || !a.hasRet || a.ret != 0 && a.ret != 1) {
				t.Errorf("HTTP %d and %+v passed for success", status, a)
			}
		}
	})
}
