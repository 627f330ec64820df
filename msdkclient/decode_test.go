package msdkclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// read decodes an answer as a call does.
func read[R any](text string) (*R, error) {
	r := new(R)
	err := reply{text: []byte(text), answer: parseAnswer([]byte(text))}.decode(reflect.ValueOf(r).Elem())
	return r, err
}

func TestAnAnswerIsReadLiberally(t *testing.T) {
	t.Parallel()
	user := func(fields string) string { return `{"ret":0,"msg":"success",` + fields + `}` }
	for rule, tt := range map[string]struct {
		text string
		want UserInfoResponse
	}{
		"a sex as a string":                 {user(`"sex":"1"`), UserInfoResponse{Sex: SexMale}},
		"a sex as a number":                 {user(`"sex":2`), UserInfoResponse{Sex: SexFemale}},
		"a sex that nobody knows":           {user(`"sex":"other"`), UserInfoResponse{}},
		"a sex beyond those there are":      {user(`"sex":9`), UserInfoResponse{}},
		"a sex of null":                     {user(`"sex":null`), UserInfoResponse{}},
		"a string of null":                  {user(`"city":null`), UserInfoResponse{}},
		"a string as a number":              {user(`"openid":12345678901234567890`), UserInfoResponse{OpenID: "12345678901234567890"}},
		"names in other case":               {user(`"NickName":"ann"`), UserInfoResponse{NickName: "ann"}},
		"fields that nobody knows":          {user(`"x":{"nickname":"no"},"nickname":"ann"`), UserInfoResponse{NickName: "ann"}},
		"raw control bytes in a name":       {user("\"nickname\":\"a\tb\x01\\u8054\""), UserInfoResponse{NickName: "a\tb\x01联"}},
		"bytes that are no UTF-8":           {user("\"nickname\":\"a\xffb\""), UserInfoResponse{NickName: "a\ufffdb"}},
		"half a pair of escapes":            {user(`"nickname":"a\ud83d"`), UserInfoResponse{NickName: "a\ufffd"}},
		"a byte order mark":                 {"\ufeff" + user(`"city":"x"`), UserInfoResponse{City: "x"}},
		"a comma at the end":                {user(`"city":"x",`), UserInfoResponse{City: "x"}},
		"privileges of any type":            {user(`"privilege":["chinaunicom",7]`), UserInfoResponse{Privilege: []string{"chinaunicom", "7"}}},
		"what is not quite JSON at its end": {user(`"city":"x","expire":’’`), UserInfoResponse{City: "x"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			tt.want.Status = Status{Msg: "success"}
			got, err := read[UserInfoResponse](tt.text)
			if err != nil || !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("%s: %+v, %v; want %+v", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestGBKWhoseSecondByteIsABackslashDoesNotEndAList(t *testing.T) {
	t.Parallel()
	got, err := read[ProfilesResponse]("{\"ret\":0,\"lists\":[{\"nickName\":\"\xd5\x5c\",\"openid\":\"a\"},{\"nickName\":\"x\",\"openid\":\"b\"}]}")
	if err != nil || len(got.Profiles) != 2 || got.Profiles[1].OpenID != "b" || !utf8.ValidString(got.Profiles[0].NickName) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	got, err := read[VIPResponse](`{"ret":"0","data":{"vipinfo":[{"openid":"a","level":"3","score":9007199254740993},{"score":9223372036854775807},{"score":1e3},{"score":2.0}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	scores := make([]int64, 0, 4)
	for _, u := range got.Data.Users {
		scores = append(scores, u.Score)
	}
	if fmt.Sprint(scores) != "[9007199254740993 9223372036854775807 1000 2]" || got.Data.Users[0].Level != 3 {
		t.Errorf("%+v", got)
	}
	var b Battle
	const text = `{"baseinfo":{"platid":0,"partitionid":12345678901234567890},"userdefined":{"a":{"name":"n","value":123456789012345678901234567890}}}`
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(b); err != nil || string(out) != text {
		t.Errorf("%s, %v", out, err)
	}
}

func TestNothingIsAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"ret":1,"msg":"empty result"}`, `{"ret":0,"data":{}}`, `{"ret":0,"data":[]}`, `{"ret":0,"data":null}`,
		`{"ret":0,"data":{"vipinfo":null}}`, `{"ret":0,"data":{"vipinfo":[]}}`,
		`{"ret":0,"data":""}`, `{"ret":0,"data":{"vipinfo":{}}}`, `{"ret":0,"data":{"vipinfo":""}}`, `{"ret":0,"data":{"vipinfo":[ ]}}`,
	} {
		if got, err := read[VIPResponse](text); err != nil || len(got.Data.Users) != 0 {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestWhatAnAnswerLacksIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"ret":0,"lists":7}`:                               "lists: 7: want an array",
		`{"ret":0,"lists":"a"}`:                             `lists: "a": want an array`,
		`{"ret":0,"lists":{"openid":"a"}}`:                  "lists: an object: want an array",
		`{"ret":0,"lists":[["a"]]}`:                         "lists[0]: an array: want an object",
		`{"ret":0,"lists":[{"openid":"a"},{"openid":[1]}]}`: "lists[1].openid: an array: want a string",
		`{"ret":0,"lists":[{"openid":"a"},7]}`:              "lists[1]: 7: want an object",
		`{"ret":0,"lists":[{"openid":"a"},{"open`:           "answer: want an object that does not break off",
		`{"ret":0,"lists":[{"openid":"a"} {"openid":"b"}]}`: "lists: want an array that does not break off",
	} {
		_, err := read[ProfilesResponse](text)
		if field, ok := errors.AsType[*FieldError](err); !ok || field.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"ret":0}`:                      "accessToken: want it in the answer",
		`{"ret":1,"msg":"empty result"}`: "accessToken: want it in the answer",
		`{"ret":0,"accessToken":"a","refreshToken":"b","openid":"c","expiresIn":"soon"}`:      `expiresIn: "soon": want an integer`,
		`{"ret":0,"accessToken":"a","refreshToken":"b","openid":"c","expiresIn":1.5}`:         `expiresIn: 1.5: want an integer`,
		`{"ret":0,"accessToken":"a","refreshToken":"","openid":"c","expiresIn":"7200"}`:       "refreshToken: want it in the answer",
		`{"ret":0,"accessToken":"a","refreshToken":"b","openid":"c","expiresIn":7200,"x":{{}`: "answer: want an object that does not break off",
	} {
		if _, err := read[RefreshTokenResponse](text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestAListTakesNoMemoryForWhatIsNotInIt(t *testing.T) {
	text := `{"ret":0,"lists":[{"nickName":"` + strings.Repeat("},", maxListAnswer/2-100) + `"}]}`
	before, after := new(runtime.MemStats), new(runtime.MemStats)
	runtime.ReadMemStats(before)
	got, err := read[ProfilesResponse](text)
	runtime.ReadMemStats(after)
	if err != nil || len(got.Profiles) != 1 {
		t.Errorf("%d, %v", len(got.Profiles), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*maxListAnswer {
		t.Errorf("%d bytes", took)
	}
}

func TestFiveThousandFriendsAreReadWhole(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"ret":0,"msg":"success","lists":[`)
	for i := range 5000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"nickName":"%s","sex":1,"picture":"http:\/\/wx.qlogo.cn\/mmhead\/%s","provice":"","city":"Shenzhen","openid":"o%027d"}`,
			strings.Repeat("\\u8054", 10), strings.Repeat("x", 90), i)
	}
	b.WriteString(`]}`)
	if b.Len() < 1_000_000 || b.Len() > maxListAnswer {
		t.Fatalf("%d bytes", b.Len())
	}
	got, err := read[ProfilesResponse](b.String())
	if err != nil || len(got.Profiles) != 5000 || got.Profiles[4999].OpenID != fmt.Sprintf("o%027d", 4999) || got.Profiles[7].NickName != strings.Repeat("联", 10) {
		t.Errorf("%d, %v", len(got.Profiles), err)
	}
}

func TestAPictureHasTheSizesThatThereAre(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  PictureURL
		size int
		want string
	}{
		{"http://wx.qlogo.cn/mmopen/abc/0", 132, "http://wx.qlogo.cn/mmopen/abc/132"},
		{"http://wx.qlogo.cn/mmhead/abc", 96, "http://wx.qlogo.cn/mmhead/abc/96"},
		{"http://wx.qlogo.cn/mmhead/abc/132", 0, "http://wx.qlogo.cn/mmhead/abc/0"},
		{"http://wx.qlogo.cn/mmhead/abc64", 46, "http://wx.qlogo.cn/mmhead/abc64/46"},
		{"http://wx.qlogo.cn/mmhead/abc", 64, "http://wx.qlogo.cn/mmhead/abc/64"},
		{"http://wx.qlogo.cn/mmhead/abc", 100, ""},
		{"", 0, ""},
	} {
		if got := tt.url.Size(tt.size); got != tt.want {
			t.Errorf("%q at %d: %q, want %q", tt.url, tt.size, got, tt.want)
		}
	}
}

// FuzzAnswer holds each answer there is against bytes from outside: whatever they are, they are read without a panic, and
// what is written of what was read is read the same again.
func FuzzAnswer(f *testing.F) {
	for _, c := range Calls() {
		for _, e := range c.Examples() {
			f.Add(e.Response)
		}
	}
	f.Add([]byte("{\"ret\":\"0\",\"lists\":[{\"sex\":\"\xd5\x5c\"},"))
	f.Add([]byte("\ufeff{\"ret\":0;\"data\":[{}],\"openids\":[1,\"\x01\",null]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, c := range Calls() {
			r := c.NewResponse()
			a := parseAnswer(text)
			if !a.hasRet {
				return // is not decoded
			}
			if (reply{text: text, answer: a}).decode(reflect.ValueOf(r).Elem()) != nil {
				continue
			}
			written, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			again := c.NewResponse()
			if err := (reply{text: written, answer: parseAnswer(written)}).decode(reflect.ValueOf(again).Elem()); err != nil {
				t.Fatalf("%s: %s: %v", text, written, err)
			}
			twice, err := json.Marshal(again)
			if err != nil || string(twice) != string(written) {
				t.Fatalf("%s: %s, then %s, %v", text, written, twice, err)
			}
		}
	})
}
