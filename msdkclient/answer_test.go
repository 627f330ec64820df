package msdkclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
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
		"an inner code and its words": {`{"ret":-20000,"msg":"40001,a,b"}`, answer{ret: -20000, hasRet: true, inner: 40001, msg: "40001,a,b"}},
		"an inner code alone":         {`{"ret":-10000,"msg":" -1 "}`, answer{ret: -10000, hasRet: true, inner: -1, msg: " -1 "}},
		"a ret beyond any int":        {`{"ret":99999999999999999999}`, answer{}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := parseAnswer([]byte(tt.text))
			tt.want.whole = true
			if got != tt.want {
				t.Errorf("%s: %+v, want %+v", tt.text, got, tt.want)
			}
		})
	}
}

func TestARetIsReadWhereverAPersonCouldReadIt(t *testing.T) {
	t.Parallel()
	for rule, text := range map[string]string{
		"a control byte in msg":                      "{\"ret\":-1011,\"msg\":\"\x14 \x1b[31m \x00\"}",
		"… before ret":                               "{\"msg\":\"one\ntwo\tthree\r\x7f\",\"ret\":-1011}",
		"GBK whose second byte is a backslash":       "{\"msg\":\"\xd5\x5c\",\"ret\":-1011}",
		"… before more strings":                      "{\"msg\":\"\xd5\x5c\xc4\xe3\",\"x\":\"\",\"ret\":-1011}",
		"… of which the server took care":            "{\"msg\":\"\xd5\x5c\x5c\",\"ret\":-1011}",
		"Shift JIS likewise":                         "{\"msg\":\"\x83\x5c\x95\x5c\",\"ret\":-1011}",
		"half a character before a quote":            "{\"msg\":\"\xd5\",\"ret\":-1011}",
		"half a character before an escape":          "{\"msg\":\"\xe8\\\"quoted\\\"\",\"ret\":-1011}",
		"GBK cut off":                                "{\"msg\":\"\xd5\x5c\",\"ret\":-1011,\"x\":\"\xd5",
		"any invalid UTF-8":                          "{\"\xff\":\"\xc0\x80\xfe\",\"ret\":-1011}",
		"an unknown escape":                          `{"msg":"\x41 \8","ret":-1011}`,
		"half an escape":                             `{"msg":"\u12","ret":-1011}`,
		"half a pair of escapes":                     `{"msg":"\ud83d","ret":-1011}`,
		"a comma at the end":                         `{"ret":-1011,}`,
		"a semicolon at the end":                     `{"ret":-1011;}`,
		"semicolons for commas":                      `{"msg":"";"ret":-1011}`,
		"half a character before an escape, cut off": "{\"msg\":\"\xe8\\\"quoted\\\"\",\"ret\":-1011,\"x\":\"",
		"a semicolon after the object":               `{"ret":-1011};`,
		"a comma too many":                           `{"msg":"",,"ret":-1011}`,
		"text after the object":                      `{"ret":-1011} <!-- 3 ms -->`,
		"NULs after the object":                      "{\"ret\":-1011}\x00\x00",
		"brackets after the object":                  `{"ret":-1011}}]`,
		"the same answer again":                      `{"ret":-1011}{"ret":-1011}`,
		"another object without ret":                 `{"debug":{"ret":0}}` + "\n" + `{"ret":-1011}`,
		"blanks before the object":                   " \r\n\t{\"ret\":-1011}",
		"a byte order mark":                          "\ufeff{\"ret\":-1011}",
		"text before the object":                     "<br />\n<b>Warning</b>: [5] {closure} in x.php\n{\"ret\":-1011}",
		"a call around the object":                   `callback({"ret":-1011});`,
		"an object cut off":                          `{"ret":-1011,`,
		"an object cut off in a string":              `{"ret":-1011,"msg":"bad op`,
		"an object cut off in an escape":             `{"ret":-1011,"msg":"bad \`,
		"an object cut off in another":               `{"ret":-1011,"data":{"ret":0,"x":[`,
		"an object cut off before a colon":           `{"ret":-1011,"msg"`,
		"an object without its brace":                `{"msg":"x","ret":-1011 `,
		"quotes in a string, after ret":              `{"ret":-1011,"msg":"bad "openid""}`,
		"brackets that are no pairs, after ret":      `{"ret":-1011,"data":[}`,
		"a fraction of nothing":                      `{"ret":-1011.0}`,
		"an exponent":                                `{"ret":-1.011e3}`,
		"a string":                                   `{"ret":" -1011 "}`,
		"a string with a fraction of nothing":        `{"ret":"-1011.00"}`,
		"a ret in capitals, the name escaped":        `{"R\u0045T":-1011}`,
		"a ret given twice alike":                    `{"ret":-1011,"ret":"-1011"}`,
		"values that are not JSON beside it":         `{"a":NaN,"b":0x1,"c":undefined,"d":,"ret":-1011}`,
		"a nested ret before it":                     `{"data":{"ret":0},"list":[{"ret":0}],"ret":-1011}`,
		"a ret in a string before it":                `{"msg":"{\"ret\":0}","ret":-1011}`,
		"a ret in a string with a bad escape":        `{"msg":"\x \"ret\":0,","ret":-1011}`,
		"a ret in a string with a control byte":      "{\"msg\":\"\x01,\\\"ret\\\":0,\",\"ret\":-1011}",
		"a ret in a string with GBK":                 "{\"msg\":\"\xd5\x5c,\\\"ret\\\":0,\",\"ret\":-1011}",
		"as much of anything as an answer may be":    `{"a":` + strings.Repeat(`[`, maxAnswer/4) + strings.Repeat(`]`, maxAnswer/4) + `,"ret":-1011}`,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if a := parseAnswer([]byte(text)); !a.hasRet || a.ret != -1011 {
				t.Errorf("%q: has a ret: %v, %d; want -1011", text, a.hasRet, a.ret)
			}
		})
	}
}

func TestZeroIsReadHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, zero := range []string{`0`, `0.0`, `0.`, `0e0`, `0E+5`, `-0`, `-0.0`, `"0"`, `"0.0"`, `00`} {
		if a := parseAnswer([]byte(`{"ret":` + zero + `}`)); !a.hasRet || a.ret != 0 {
			t.Errorf("%s: has a ret: %v, %d", zero, a.hasRet, a.ret)
		}
	}
	if a := parseAnswer([]byte(`{"ret":0`)); !a.hasRet { // there is no integer that it could be the beginning of
		t.Error("not read where the text ends with it")
	}
}

// To take for success what is none loses reports.
func TestNoRetIsReadThatIsInDoubt(t *testing.T) {
	t.Parallel()
	for rule, text := range map[string]string{
		"two that differ":                            `{"ret":0,"ret":-1011}`,
		"two that differ, in two objects":            `{"ret":0}{"ret":-1011}`,
		"two objects with a comma between":           `{"ret":0},{"ret":-1011}`,
		"two, one of them in capitals":               `{"RET":0,"ret":-1011}`,
		"two, one of them null":                      `{"ret":0,"ret":null}`,
		"two, one of them cut off":                   `{"ret":0,"ret":-10`,
		"one in a list":                              `[{"ret":0}]`,
		"one in what has a list before it, unquoted": `{code: [1], data: {"ret":0}}`,
		"one in a comment of a page":                 `<!-- {"ret":0} -->`,
		"one in a list that does not end":            `[1,{"ret":0}`,
		"one in another object":                      `{"data":{"ret":0}}`,
		"one in another object that does not end":    `{"data":{"ret":0}`,
		"one in another object without quotes":       `{data:{"ret":0}}`,
		"one behind a name whose object is missing":  `"data":{"ret":0},"ret":-1011}`,
		"one behind the wrong bracket":               `{"data":[1},"ret":0}`,
		"one in a string":                            `"{\"ret\":0}"`,
		"one in a string of an object":               `{"msg":"{\"ret\":0}"}`,
		"one behind a quote in a string":             `{"msg":"a "quote"","ret":0}`,
		"one in a page":                              "<!DOCTYPE html>\n<p>{\"ret\":0}",
		"one in a page's script":                     `<html><script>x={"ret":0}</script>`,
		"a number that may go on":                    `{"ret":-1`,
		"a string that may go on":                    `{"ret":"0`,
		"a fraction":                                 `{"ret":0.5}`,
		"a fraction in a string":                     `{"ret":"0.5"}`,
		"next to nothing":                            `{"ret":1e-999}`,
		"more than any code":                         `{"ret":1e300}`,
		"hexadecimal":                                `{"ret":0x0}`,
		"a number with something behind it":          `{"ret":0abc}`,
		"false":                                      `{"ret":false}`,
		"nothing":                                    `{"ret":,"msg":""}`,
		"an empty string":                            `{"ret":""}`,
		"a list of one":                              `{"ret":[0]}`,
		"brackets alone":                             strings.Repeat("[", maxAnswer),
		"braces alone":                               strings.Repeat(`{"a":`, maxAnswer/5),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if a := parseAnswer([]byte(text)); a.hasRet {
				t.Errorf("%.100q: read as %d", text, a.ret)
			}
		})
	}
}

func TestTheInnerCodeIsReadFromBrokenAnswersToo(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		text string
		want int
	}{
		"with a control byte in msg":      {"{\"ret\":-20000,\"msg\":\"40003,bad \x14\"}", 40003},
		"with GBK in msg":                 {"{\"msg\":\"-73,\xd5\x5c\",\"ret\":-10000}", -73},
		"with msg cut off behind it":      {`{"ret":-20000,"msg":"40003,inv`, 40003},
		"not if msg is cut off within it": {`{"ret":-20000,"msg":"4000`, 0},
		"with ret as a fraction":          {`{"ret":-20000.0,"msg":"40003"}`, 40003},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if a := parseAnswer([]byte(tt.text)); !a.hasRet || a.inner != tt.want {
				t.Errorf("%q: %+v, want the inner code %d", tt.text, a, tt.want)
			}
		})
	}
}

// An echo that is cut off is not another request's.
func TestAnEchoCountsOnlyWhole(t *testing.T) {
	t.Parallel()
	if a := parseAnswer([]byte(`{"ret":0,"msdkExtInfo":"a_`)); !a.hasRet || a.serial != "" {
		t.Errorf("%+v", a)
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

func TestABeginningIsReadAsTheWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	str := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"ret", ":", "0", ",", "{", "}", "[", `\"`, `\\`, `\x`, " ", "\x01", "數", "\xd5\x5c", "\xc4\xe3", "\xd5",
	}), 0, 8), func(parts []string) string { return `"` + strings.Join(parts, "") + `"` })
	value := rapid.Custom(func(t *rapid.T) string {
		form := rapid.SampledFrom([]string{"%s", `[%s]`, `{"ret":%s}`, `{"a":[1,{"ret":0,"b":%s}]}`, `-5`, `null`}).Draw(t, "form")
		return strings.ReplaceAll(form, "%s", str.Draw(t, "string"))
	})
	rapid.Check(t, func(t *rapid.T) {
		ret := rapid.IntRange(-20002, 1).Draw(t, "ret")
		others := rapid.SliceOfN(value, 0, 4).Draw(t, "others")
		place := rapid.IntRange(0, len(others)).Draw(t, "place")
		members := make([]string, 0, len(others)+1)
		for i, v := range others {
			members = append(members, fmt.Sprintf(`"m%d":%s`, i, v))
		}
		members = slices.Insert(members, place, fmt.Sprintf(`"ret":%d`, ret))
		text := "{" + strings.Join(members, ",") + "}"
		for end := range len(text) + 1 {
			if a := parseAnswer([]byte(text[:end])); a.hasRet && a.ret != ret {
				t.Fatalf("%q: read as %d, of %d", text[:end], a.ret, ret)
			}
		}
	})
}

// rets are the top level's as encoding/json finds them; an error says that text is not an object.
func rets(text []byte) (found []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return nil, errors.New("no object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if strings.EqualFold(name.(string), "ret") {
			found = append(found, string(value))
		}
	}
	if !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	return found, nil
}

func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ret":0,"msg":"success"}`, `{"ret":"-1011","msdkExtInfo":"x"}`, `{"ret":-20000,"msg":"40001,invalid credential"}`,
		`{"ret":-10000,"msg":"\ud800,1"}`, `[]`, `{"ret":1e3}`, "\ufeff{}", `{"ret":0}x`, ``, `null`, `{"RET":5,"ret":null}`,
		"{\"msg\":\"\xd5\\\",\"ret\":-1011}", `{"a":[{"ret":0},"}"],"ret":1}`, `{"ret":0,"msg":"su`, `{"a":{"b":[]}`, `cb({"ret":0,});`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a := parseAnswer(text)
		if found, err := rets(text); err == nil {
			want := len(found) > 0
			for _, ret := range found {
				n, err := strconv.Atoi(ret)
				if err != nil || strconv.Itoa(n) != ret { // another way to write it
					return
				}
				want = want && ret == found[0]
			}
			if a.hasRet != want || want && strconv.Itoa(a.ret) != found[0] {
				t.Errorf("%+v, and encoding/json reads %q", a, found)
			}
		}
		if !a.hasRet && (a.ret != 0 || a.inner != 0) {
			t.Errorf("no ret, and yet a code: %+v", a)
		}
		if msg := clip(a.msg); !utf8.ValidString(msg) || len(msg) > 515 {
			t.Errorf("unfit for a log: %q", msg)
		}
		for _, status := range []int{200, 404, 503} {
			class, _ := decide(status, a, false)
			if class == accepted && (status != 200 || !a.hasRet || a.ret != 0 && a.ret != 1) {
				t.Errorf("HTTP %d and %+v passed for success", status, a)
			}
		}
	})
}
