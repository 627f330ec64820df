package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient"
)

// A platform answers every call the same, and keeps what came.
type platform struct {
	*httptest.Server
	keyFile string

	mu     sync.Mutex
	status int
	answer string
	calls  []received
}

type received struct{ uri, body, contentType string }

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{status: http.StatusOK, answer: `{"ret":0,"msg":"success"}`, keyFile: write(t, "key", canary+"\n")}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, received{r.RequestURI, string(body), r.Header.Get("Content-Type")})
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.answer)
	}))
	t.Cleanup(p.Close)
	return p
}

// call runs msdk call against the platform.
func (p *platform) call(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return invoke(t, stdin, append([]string{"msdk", "call", "--base-url", p.URL, "--app", "wx1", "--key-file", p.keyFile}, args...)...)
}

// last is the call that came last; there must be one.
func (p *platform) last(t *testing.T) received {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) == 0 {
		t.Fatal("no call came")
	}
	return p.calls[len(p.calls)-1]
}

func TestEachOfTheTwelveIsCalledByItsPathHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, what := range msdkclient.Calls() {
		short := what.Path[strings.LastIndex(what.Path, "/")+1:]
		for _, path := range []string{what.Path, what.Path + "/", strings.Trim(what.Path, "/"), short} {
			got := p.call(t, "", path, "-d", `{"openid":"o 1"}`)
			if got.code != exitDone || got.stdout != p.answer || !strings.HasPrefix(p.last(t).uri, what.URLPath()+"?timestamp=") {
				t.Errorf("%s: %+v: %+v", path, got, p.last(t))
			}
			named := strings.Contains(p.last(t).uri, "&openid=o%201&")
			if named == (what.Path == msdkclient.PathUploadPicture) {
				t.Errorf("%s names whom the document does not, or not: %s", path, p.last(t).uri)
			}
		}
	}
	if got := p.call(t, "", "wxoauth/check_token/", "-d", `{"openid":"o1"}`); got.code != exitDone || !strings.HasPrefix(p.last(t).uri, "/auth/check_token/?") {
		t.Errorf("the older name: %+v: %+v", got, p.last(t))
	}
}

func TestAFieldIsSentInTheTypeThatTheDocumentGivesIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	picture := write(t, "my picture.jpg", "\xff\xd8\xff +a~\n")
	token := write(t, "token", "from-a-file\n")
	for rule, test := range map[string]struct {
		args []string
		want string // the body, byte for byte
	}{
		"a score of the old call is a string": {
			[]string{"wxscore", "-F", "openid=o1", "-F", "score=1000000"},
			`{"appid":"wx1","grantType":"client_credential","openid":"o1","score":"1000000","expires":"0"}`,
		},
		"a score of the new one a number, in the order of the document": {
			[]string{"wxbattle_report", "-F", "json.battleinfo.iswin=true", "-F", "json.battleinfo.score=9007199254740993", "-F", "json.baseinfo.platid=0", "-F", "openid=o1"},
			`{"appid":"wx1","openid":"o1","json":{"baseinfo":{"platid":0},"battleinfo":{"score":9007199254740993,"iswin":true}}}`,
		},
		"a zone a string, custom data a number if it is one": {
			[]string{"wxbattle_report", "-F", "openid=o1", "-F", "json.baseinfo.partitionid=9", "-F", "json.userdefined.gold.value=7", "-F", "json.userdefined.plane.value=Seraph"},
			`{"appid":"wx1","openid":"o1","json":{"baseinfo":{"partitionid":"9"},"userdefined":{"gold":{"value":7},"plane":{"value":"Seraph"}}}}`,
		},
		"many reports are elements": {
			[]string{"wxbattle_report", "-F", "json[0].baseinfo.openid=o1", "-F", "json[0].baseinfo.platid=0", "-F", "json[1].baseinfo.openid=o2", "-F", "json[1].baseinfo.platid=1", "-F", "openid=o1"},
			`{"appid":"wx1","openid":"o1","json":[{"baseinfo":{"openid":"o1","platid":0}},{"baseinfo":{"openid":"o2","platid":1}}]}`,
		},
		"or JSON": {
			[]string{"wxbattle_report", "-F", `json=[{"baseinfo":{"openid":"o1","x":1e3,"platid":0}}]`, "-F", "openid=o1"},
			`{"appid":"wx1","openid":"o1","json":[{"baseinfo":{"openid":"o1","platid":0,"x":1e3}}]}`,
		},
		"a list is the flag again": {
			[]string{"wxprofile", "-F", "openids=a", "-F", "openids=b", "-F", "accessToken=t"},
			`{"accessToken":"t","openids":["a","b"]}`,
		},
		"or numbered": {
			[]string{"wxprofile", "-F", "openids[0]=a", "-F", "openids[1]=b", "-F", "accessToken=t"},
			`{"accessToken":"t","openids":["a","b"]}`,
		},
		"or JSON too": {
			[]string{"wxprofile", "-F", `openids=["a","b"]`, "-F", "accessToken=t"},
			`{"accessToken":"t","openids":["a","b"]}`,
		},
		"a value may hold = and be empty": {
			[]string{"wx", "-F", "openid=a", "-F", "fopenid=b", "-F", "access_token=x==", "-F", "title=", "-F", "extinfo=<é&>"},
			`{"openid":"a","fopenid":"b","access_token":"x==","extinfo":"\u003cé\u0026\u003e","title":"","description":"","media_tag_name":"","thumb_media_id":""}`,
		},
		"a token may come from a file": {
			[]string{"check_token", "-F", "openid=@@o1", "-F", "accessToken=@" + token},
			`{"accessToken":"from-a-file","openid":"@o1"}`,
		},
		"a picture is encoded, and described": {
			[]string{"upload_wx", "-F", "binary=@" + picture},
			`{"flag":1,"appid":"wx1","secret":"` + canary + `","access_token":"","type":"thumb","filename":"my picture.jpg","filelength":8,"content_type":"image/jpeg","binary":"%FF%D8%FF%20%2Ba~%0A"}`,
		},
		"but for what is said otherwise, before or behind it": {
			[]string{"upload_wx", "-F", "filename=b.jpg", "-F", "binary=@" + picture, "-F", "filelength=9"},
			`{"flag":1,"appid":"wx1","secret":"` + canary + `","access_token":"","type":"thumb","filename":"b.jpg","filelength":9,"content_type":"image/jpeg","binary":"%FF%D8%FF%20%2Ba~%0A"}`,
		},
		"what is not given is missing, and not empty": {
			[]string{"wxgame", "-F", "title=T", "-F", "button.name=B"},
			`{"appid":"wx1","title":"T","button":{"name":"B"}}`,
		},
		"optype fills itself in": {
			[]string{"wxget_vip", "-F", "openid=o1", "-F", "accessToken=t"},
			`{"appid":"wx1","openid":"o1","accessToken":"t","json":{"optype":1}}`,
		},
		"what is given goes before what would be filled in": {
			[]string{"wxget_vip", "-F", "openid=o1", "-F", "accessToken=t", "-F", "json.optype=2", "-F", "appid=wx2"},
			`{"appid":"wx2","openid":"o1","accessToken":"t","json":{"optype":2}}`,
		},
	} {
		got := p.call(t, "", test.args...)
		if got.code != exitDone || p.last(t).body != test.want {
			t.Errorf("%s: %+v\nsent %s\nwant %s", rule, got, p.last(t).body, test.want)
		}
		if strings.Contains(got.stdout+got.stderr, canary) {
			t.Errorf("%s: the key is shown: %+v", rule, got)
		}
	}
}

func TestWhatFieldByFieldIsGivenIsWhatTheTypedCallSends(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	client, err := msdkclient.New(msdkclient.Config{BaseURL: p.URL, Timeout: 5 * time.Second, ContentType: "application/x-www-form-urlencoded", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	app := msdkclient.App{ID: "wx1", Key: canary, Encode: 1}
	score := int64(7)
	for _, test := range []struct {
		typed func() error
		args  []string
	}{
		{
			func() error {
				return client.ReportScore(t.Context(), app, msdkclient.ReportScoreRequest{OpenID: "o1", Score: "7"})
			}, []string{"wxscore", "-F", "score=7", "-F", "openid=o1"},
		},
		{
			func() error {
				return client.ShareMessage(t.Context(), app, msdkclient.ShareMessageRequest{OpenID: "o1", FriendOpenID: "o2", AccessToken: "t", Title: "<T>"})
			}, []string{"wx", "-F", "title=<T>", "-F", "openid=o1", "-F", "fopenid=o2", "-F", "access_token=t"},
		},
		{
			func() error {
				return client.ReportBattle(t.Context(), app, msdkclient.ReportBattleRequest{OpenID: "o1", Battles: msdkclient.Battles{{
					BaseInfo: msdkclient.BaseInfo{OpenID: "o1", PlatID: 1}, BattleInfo: &msdkclient.BattleInfo{Score: &score},
				}}})
			}, []string{"wxbattle_report", "-F", "json.battleinfo.score=7", "-F", "json.baseinfo.openid=o1", "-F", "json.baseinfo.platid=1", "-F", "openid=o1"},
		},
	} {
		if err := test.typed(); err != nil {
			t.Fatal(err)
		}
		want := p.last(t)
		if got := p.call(t, "", test.args...); got.code != exitDone || got.stderr != "" && strings.Contains(got.stderr, "warning") || p.last(t).body != want.body || p.last(t).contentType != want.contentType {
			t.Errorf("%q: %+v\nsent %+v\nwant %+v", test.args, got, p.last(t), want)
		}
	}
}

func TestABodyOfOnesOwnIsSentByteForByteWhateverItIs(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	large := "{\"openid\":\"o1\",\"x\":\"" + strings.Repeat("y", 1<<20) + "\"}\r\n"
	for rule, test := range map[string]struct{ stdin, data, want, warning string }{
		"text":                             {"", ` {"openid" : "o1"}`, ` {"openid" : "o1"}`, "accessToken: want a string that is not empty"},
		"a file":                           {"", "@" + write(t, "a.json", large), large, "accessToken"},
		"standard input":                   {large, "-", large, "accessToken"},
		"standard input in curl's words":   {large, "@-", large, "accessToken"},
		"nothing":                          {"", "", "", "body: want JSON"},
		"what is no JSON":                  {"", "accessToken=t&openid=o", "accessToken=t&openid=o", "body: want JSON"},
		"what is no UTF-8":                 {"\xff\x00\xfe", "-", "\xff\x00\xfe", "body: want JSON"},
		"what is of another type":          {"", `{"accessToken":7,"openid":"o1"}`, `{"accessToken":7,"openid":"o1"}`, "accessToken: an integer: want a string"},
		"what is of another app":           {"", `{"accessToken":"t","openid":"o1","appid":"wx9"}`, `{"accessToken":"t","openid":"o1","appid":"wx9"}`, `appid: "wx9": want that of the app that calls, wx1`},
		"what names no user in the URL":    {"", `{"accessToken":"t"}`, `{"accessToken":"t"}`, "the URL names no user"},
		"a list, which is no user either":  {"", `[{"openid":"o1"}]`, `[{"openid":"o1"}]`, "body: an array: want an object"},
		"more than is wrong on one screen": {"", `{"accessToken":"t","openid":"o1","json":[` + strings.Repeat(`{},`, 20) + `{}]}`, `{"accessToken":"t","openid":"o1","json":[` + strings.Repeat(`{},`, 20) + `{}]}`, ""},
	} {
		got := p.call(t, test.stdin, "check_token", "-d", test.data)
		if got.code != exitDone || p.last(t).body != test.want || !strings.Contains(got.stderr, test.warning) {
			t.Errorf("%s: %d %.500s\nsent %.200q", rule, got.code, got.stderr, p.last(t).body)
		}
	}
	if got := p.call(t, "", "wxbattle_report", "-d", `{"openid":"o1","json":[`+strings.Repeat(`{},`, 20)+`{}]}`); strings.Count(got.stderr, "warning") != 11 || !strings.Contains(got.stderr, "and 12 more") {
		t.Errorf("%+v", got)
	}
}

func TestTheUserInTheURLIsTheFirstOfTheBodyUnlessItIsSaid(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for rule, test := range map[string]struct {
		args []string
		want string
	}{
		"the body's":              {[]string{"wxscore", "-d", `{"openid":"a","json":[{"baseinfo":{"openid":"b"}}]}`}, "a"},
		"the only report's":       {[]string{"wxbattle_report", "-d", `{"json":{"baseinfo":{"openid":"b"}}}`}, "b"},
		"the first report's":      {[]string{"wxbattle_report", "-d", `{"json":[{"baseinfo":{"openid":"b"}},{"baseinfo":{"openid":"c"}}]}`}, "b"},
		"the first of a list":     {[]string{"wxprofile", "-d", `{"openids":["d","e"]}`}, "d"},
		"the one that is said":    {[]string{"wxscore", "-d", `{"openid":"a"}`, "--openid", "f+ü &"}, "f%2B%C3%BC%20%26"},
		"that of a token's owner": {[]string{"refresh_token", "--example"}, "oGRTijrV0l67hDGN7dstOl8CphN0"},
	} {
		if got := p.call(t, "", test.args...); got.code != exitDone || !strings.Contains(p.last(t).uri, "&openid="+test.want+"&") {
			t.Errorf("%s: %+v: %s", rule, got, p.last(t).uri)
		}
	}
}

func TestADocumentedExampleIsSentAsTheAppThatCalls(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	tree := func(text string) (v map[string]any) {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return v
	}
	for _, what := range msdkclient.Calls() {
		for _, e := range what.Examples() {
			want := tree(string(e.Request))
			if _, there := want["appid"]; there {
				want["appid"] = "wx1"
			}
			if _, there := want["secret"]; there {
				want["secret"] = canary
			}
			for _, args := range [][]string{{what.Path, "--example=" + e.Name + "/" + e.Edition}, {"--example", what.Path, e.Name + "/" + e.Edition}, {what.Path, "--example", e.Name + "/" + e.Edition}} {
				got := p.call(t, "", args...)
				if got.code != exitDone || fmt.Sprint(tree(p.last(t).body)) != fmt.Sprint(want) {
					t.Errorf("%q: %+v\nsent %s\nwant %v", args, got, p.last(t).body, want)
				}
			}
		}
	}
	for rule, test := range map[string]struct {
		args []string
		want string // in the body
	}{
		"a field changes it":             {[]string{"wxscore", "--example", "-F", "score=5", "-F", "openid=o1"}, `{"appid":"wx1","grantType":"client_credential","openid":"o1","score":"5","expires":"12345612312"}`},
		"a list takes the place of its":  {[]string{"wxprofile", "--example", "-F", "openids=a"}, `"openids":["a"]}`},
		"a field within changes it too":  {[]string{"wxgame", "--example=text", "-F", "button.rankview.title=best"}, `"rankview":{"title":"best","button_name":"LAUNCH_GAME","message_ext":"MESSAGE_EXT"}`},
		"an edition alone does":          {[]string{"wxbattle_report", "--example=ja"}, `"modeid"`},
		"the newer edition has iswin":    {[]string{"wxbattle_report", "--example"}, `"iswin":true`},
		"a report of many is an element": {[]string{"wxbattle_report", "--example=many", "-F", "json[0].battleinfo.score=1"}, `"battleinfo":{"score":1`},
	} {
		if got := p.call(t, "", test.args...); got.code != exitDone || !strings.Contains(p.last(t).body, test.want) {
			t.Errorf("%s: %+v\nsent %s", rule, got, p.last(t).body)
		}
	}
}

func TestTheCommandLineOfACallIsChecked(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	one := write(t, "one.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}]")
	two := write(t, "two.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}, {appid: wx2, appkey: k, topics: [t]}]")
	flags := []string{"--base-url", p.URL, "--app", "wx1", "--key-file", p.keyFile}
	for rule, test := range map[string]struct {
		args []string
		want string // in standard error
	}{
		"a path is needed, and the twelve are told":    {flags, "which call? PATH is needed, one of\n  /auth/refresh_token"},
		"an empty one is none":                         {append([]string{""}, flags...), "which call? PATH is needed"},
		"an unknown one gets a suggestion":             {append([]string{"/relation/profile/wxscore"}, flags...), `unknown call "/relation/profile/wxscore"; did you mean wxscore?`},
		"so does a slip":                               {append([]string{"wxscor"}, flags...), `unknown call "wxscor"; did you mean wxscore?`},
		"and the twelve are told":                      {append([]string{"zzz"}, flags...), "/profile/wxget_vip"},
		"a second path is not ignored":                 {append([]string{"wxscore", "wxget_vip"}, flags...), `unexpected argument "wxget_vip"`},
		"nor is one behind an example's name":          {append([]string{"wxscore", "wxget_vip", "--example=en"}, flags...), `unexpected argument "wxget_vip"`},
		"an example has a name that is there":          {append([]string{"wxgame", "--example=imag"}, flags...), `--example "imag": want image, link, text, video, image/ja`},
		"a body is needed, and its fields are told":    {append([]string{"check_token"}, flags...), "which body? -F NAME=VALUE is needed (accessToken, openid), or --example, or -d"},
		"but not those that follow from the app":       {append([]string{"wxscore"}, flags...), "is needed (openid, score), or"},
		"a body is given once":                         {append([]string{"wxscore", "-d", "{}", "-d", "{}"}, flags...), "-d is given twice"},
		"whole or in fields":                           {append([]string{"wxscore", "-d", "{}", "-F", "score=1"}, flags...), "-d is the whole body: it goes with neither -F nor --example"},
		"whole or as an example":                       {append([]string{"wxscore", "-d", "", "--example"}, flags...), "-d is the whole body"},
		"a file that is not there is none":             {append([]string{"wxscore", "-d", "@/none.json"}, flags...), "open /none.json: no such file or directory"},
		"nor one of a field":                           {append([]string{"upload_wx", "-F", "binary=@/none.jpg"}, flags...), "binary: open /none.jpg: no such file or directory"},
		"a field has a value":                          {append([]string{"wxscore", "-F", "score"}, flags...), `-F "score": want NAME=VALUE`},
		"and a name":                                   {append([]string{"wxscore", "-F", "=1"}, flags...), `-F "=1": want NAME=VALUE`},
		"that is a path":                               {append([]string{"wxscore", "-F", "a..b=1"}, flags...), `-F "a..b": want a field such as`},
		"in brackets numbers":                          {append([]string{"wxprofile", "-F", "openids[x]=1"}, flags...), `-F "openids[x]": want a field such as`},
		"one after the other":                          {append([]string{"wxprofile", "-F", "openids[1]=1"}, flags...), `-F openids[1]: the next element is openids[0]`},
		"an unknown field gets a suggestion":           {append([]string{"wxscore", "-F", "scor=1"}, flags...), "-F unknown field scor; did you mean score?; there are appid, grantType, openid, score, expires (-d sends any body)"},
		"also far within":                              {append([]string{"wxbattle_report", "-F", "json.baseinfo.platId=1"}, flags...), "unknown field json.baseinfo.platId; did you mean platid?"},
		"a value is of the field's type":               {append([]string{"wxbattle_report", "-F", "json.battleinfo.score=1.5"}, flags...), `-F json.battleinfo.score: "1.5": want an integer`},
		"and is told what it may be":                   {append([]string{"wxbattle_report", "-F", "json.baseinfo.platid=ios"}, flags...), `-F json.baseinfo.platid: "ios": want an integer: 0 or 1`},
		"a truth is true or false":                     {append([]string{"wxbattle_report", "-F", "json.battleinfo.iswin=yes"}, flags...), `-F json.battleinfo.iswin: "yes": want a boolean`},
		"an object is JSON":                            {append([]string{"wxbattle_report", "-F", "json=7"}, flags...), `-F json: "7": want an object or array that is not empty`},
		"a string has no fields":                       {append([]string{"wxscore", "-F", "score.x=7"}, flags...), "-F score: want a string: a decimal integer, such as 1000000, which has no fields"},
		"nor elements":                                 {append([]string{"wxscore", "-F", "score[0]=7"}, flags...), "which has no elements"},
		"a field is given once":                        {append([]string{"wxscore", "-F", "score=7", "-F", "score=8"}, flags...), "-F score is given twice"},
		"and not lost in one that is given later":      {append([]string{"wxbattle_report", "-F", "json.baseinfo.platid=0", "-F", "json={}"}, flags...), "-F json would take the place of json.baseinfo.platid"},
		"nor an element in a list":                     {append([]string{"wxprofile", "-F", "openids[0]=a", "-F", "openids=b"}, flags...), "-F openids would take the place of openids[0]"},
		"a platform is needed":                         {[]string{"wxscore", "--example"}, "which platform? -c FILE or --base-url URL is needed"},
		"that is one":                                  {[]string{"wxscore", "--example", "--base-url", "ftp://x", "--app", "a", "--key-file", p.keyFile}, `msdk base URL "ftp://x": want http:// or https://`},
		"an app is needed":                             {[]string{"wxscore", "--example", "--base-url", p.URL}, "which app? --app APPID is needed, or -c FILE"},
		"a key is needed":                              {[]string{"wxscore", "--example", "--base-url", p.URL, "--app", "wx1"}, "which key? --key-file FILE is needed, or the environment variable MSDK_APPKEY, or -c FILE"},
		"that can be read":                             {[]string{"wxscore", "--example", "--base-url", p.URL, "--app", "wx1", "--key-file", "/none"}, "--key-file /none: "},
		"of several apps one is chosen":                {[]string{"wxscore", "--example", "-c", two}, "which app? --app APPID is needed: wx1, wx2"},
		"of those there are":                           {[]string{"wxscore", "--example", "-c", two, "--app", "wx3"}, `app "wx3" is not in the configuration: want wx1, wx2`},
		"a way to sign is one of two":                  {append([]string{"wxscore", "--example", "--encode", "3"}, flags...), "--encode 3: want 1 or 2"},
		"nor none":                                     {append([]string{"wxscore", "--example", "--encode", "0"}, flags...), "--encode 0: want 1 or 2"},
		"a signature is shown where something is":      {append([]string{"wxscore", "--example", "--show-signature"}, flags...), "--show-signature is for --dry-run and --curl"},
		"a form of output is one of two":               {append([]string{"wxscore", "--example", "-o", "yaml"}, flags...), `--output "yaml": want pretty or raw`},
		"a letter needs a configuration":               {append([]string{"--letter", "t.dlq/0/1"}, flags...), "which configuration? --letter needs -c FILE"},
		"a letter makes the whole body":                {[]string{"-c", one, "--letter", "t.dlq/0/1", "-F", "score=1"}, "--letter makes the whole body"},
		"a letter has a name":                          {[]string{"-c", one, "--letter", "t.dlq/0"}, `"t.dlq/0" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"also if it is empty":                          {[]string{"-c", one, "wxscore", "--letter", ""}, `"" is not the name of a letter`},
		"and no example is sent in its place":          {[]string{"-c", one, "wxscore", "--letter", "", "--example"}, "--letter makes the whole body"},
		"in a topic of letters":                        {[]string{"-c", one, "--letter", "t/0/1"}, "t is no dead-letter topic of the configuration"},
		"a guest may call nothing":                     {[]string{"wxscore", "--example", "--base-url", p.URL, "--app", "G_1", "--key-file", p.keyFile}, "G_1: want one without the prefix G_"},
		"an element is none where an object is":        {append([]string{"wxbattle_report", "--example=en", "-F", "json[0].baseinfo.platid=1"}, flags...), "-F json: it is no array here"},
		"nor an object where elements are":             {append([]string{"wxbattle_report", "--example=many", "-F", "json.baseinfo.platid=1"}, flags...), "-F json: it is an array here: an element is json[0].baseinfo"},
		"an example of a call that is not there fails": {append([]string{"zzz", "--example", "image"}, flags...), `unknown call "zzz"`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, "", append([]string{"msdk", "call"}, test.args...)...)
			if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, test.want) || strings.Contains(got.stderr, canary) {
				t.Errorf("got  %+v\nwant %s", got, test.want)
			}
		})
	}
	t.Cleanup(func() {
		if len(p.calls) > 0 {
			t.Errorf("something was sent: %+v", p.calls)
		}
	})
}

func TestACallEndsByTheClassOfItsAnswer(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		status int
		answer string
		code   int
		want   string // in standard error
	}{
		"success":                                            {200, `{"ret":0,"msg":"success"}`, 0, "HTTP 200, ret 0, success, in "},
		"success as text":                                    {200, `{"ret":"0"}`, 0, "HTTP 200, ret 0, success"},
		"nothing there is a success":                         {200, `{"ret":1,"msg":"x"}`, 0, "HTTP 200, ret 1, empty result"},
		"trouble inside passes":                              {200, `{"ret":-307,"msg":"x"}`, 10, "ret -307, internal error (retry), in "},
		"a gateway's trouble too":                            {502, `<html>`, 10, "HTTP 502 (retry, outcome uncertain)"},
		"what cannot be read may pass":                       {200, `<html>`, 10, "answer is not a JSON object with a ret"},
		"too often is waited for":                            {200, `{"ret":-503,"msg":"x"}`, 11, "class throttle: the calls come too fast; call less often"},
		"content is changed":                                 {200, `{"ret":-1011,"msg":"x"}`, 12, "class record: "},
		"an app is set right":                                {200, `{"ret":-502,"msg":"x"}`, 13, "wrong signature (app)"},
		"a call is set right":                                {404, ``, 14, "class endpoint: the call itself is wrong: its base URL, its path, "},
		"what is passed on is told":                          {200, `{"ret":-20000,"msg":"45009,slow down"}`, 11, "ret -20000/45009, call frequency out of limit"},
		"of two codes of a class each has what to do for it": {200, `{"ret":-20000,"msg":"40003,x"}`, 12, "class record: something in this request is wrong; mend the request: "},
		"an answer without end is no one":                    {200, `{"msg":"` + strings.Repeat("x", 65<<10) + `","ret":0}`, 10, "answer is longer than 65536 bytes"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.status, p.answer = test.status, test.answer
			got := p.call(t, "", "wxscore", "--example")
			if got.code != test.code || !strings.Contains(got.stderr, test.want) {
				t.Errorf("got  %+v\nwant %d %s", got, test.code, test.want)
			}
			if len(test.answer) < 1000 && got.stdout != test.answer {
				t.Errorf("the answer is shown as %q, want it as it came", got.stdout)
			}
			if help := invoke(t, "", "msdk", "call", "--help"); test.code > 0 && !strings.Contains(help.stdout, fmt.Sprintf("  %d  ", test.code)) {
				t.Errorf("--help does not tell of exit code %d", test.code)
			}
		})
	}
}

func TestACallWithATokenThatIsNoGoodEndsByThat(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for answer, advice := range map[string]string{
		`{"ret":-20000,"msg":"42001,access_token expired"}`: "refresh the user's access token",
		`{"ret":-20000,"msg":"40001,invalid credential"}`:   "have the user log in again",
	} {
		p.answer = answer
		if got := p.call(t, "", "check_token", "--example"); got.code != 15 || !strings.Contains(got.stderr, advice) {
			t.Errorf("%+v", got)
		}
	}
}

func TestAnAnswerIsIndentedAndHarmlessWhereAskedFor(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.answer = "{\"ret\":0,\"nick\":\"<\u009b1m\",\"n\":12345678901234567890}"
	if got := p.call(t, "", "wxscore", "--example", "-o", "pretty"); got.stdout != "{\n  \"ret\": 0,\n  \"nick\": \"<\\u009b1m\",\n  \"n\": 12345678901234567890\n}\n" {
		t.Errorf("%+v", got)
	}
	p.answer = "{\"ret\":0,\"msg\":\"\x1b[31m\xff\"}"
	if got := p.call(t, "", "wxscore", "--example", "-o", "pretty"); got.stdout != `{"ret":0,"msg":"\u001b[31m\xff"}`+"\n" {
		t.Errorf("%+v", got)
	}
	if got := p.call(t, "", "wxscore", "--example", "-o", "raw"); got.stdout != p.answer {
		t.Errorf("%+v", got)
	}
}

func TestASecretThatThePlatformRepeatsIsNotShown(t *testing.T) {
	t.Parallel()
	const token = "OezXcEiiBSKSxW0eoylIeLl3C6OgXeyr"
	p := newPlatform(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(map[string]any{"ret": -502, "msg": canary + " " + r.RequestURI + string(body)})
	}))
	defer echo.Close()
	p.URL = echo.URL
	got := p.call(t, "", "check_token", "-F", "openid=o1", "-F", "accessToken="+token)
	if got.code != 13 || strings.Contains(got.stdout+got.stderr, canary) || strings.Contains(got.stderr, token) || !strings.Contains(got.stdout, "sig=[sig]") {
		t.Errorf("%+v", got)
	}
}

func TestACallEndsWithoutAnAnswerWhenNobodyIsThereOrItIsInterrupted(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	asked, release := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		close(asked)
		<-release
	}))
	defer silent.Close()
	defer close(release)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() { <-asked; interrupt() }()
	var stdout, stderr strings.Builder
	code := run(ctx, []string{"msdk", "call", "wxscore", "--example", "--base-url", silent.URL, "--app", "wx1", "--key-file", p.keyFile}, strings.NewReader(""), &stdout, &stderr)
	if code != exitCannot || stdout.String() != "" || stderr.String() != "battlereport: interrupted\n" {
		t.Errorf("%d %s %s", code, stdout.String(), stderr.String())
	}
	nobody := httptest.NewServer(nil)
	nobody.Close()
	got := invoke(t, "", "msdk", "call", "wxscore", "--example", "--base-url", nobody.URL, "--app", "wx1", "--key-file", p.keyFile)
	if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, "battlereport: msdk /profile/wxscore: ") || !strings.Contains(got.stderr, "connection refused") {
		t.Errorf("%+v", got)
	}
}

func TestACallWhoseAnswerNobodyReadsEndsInSilence(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var stderr strings.Builder
	code := run(t.Context(), []string{"msdk", "call", "wxscore", "--example", "--base-url", p.URL, "--app", "wx1", "--key-file", p.keyFile}, strings.NewReader(""), brokenPipe{}, &stderr)
	if code != exitCannot || stderr.String() != "" {
		t.Errorf("%d %s", code, stderr.String())
	}
}

func TestABodyWithoutEndIsNotReadForEver(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	if got := p.call(t, "", "wxscore", "-d", "@/dev/zero"); got.code != exitCannot || !strings.Contains(got.stderr, "/dev/zero has more than 64 MiB") {
		t.Errorf("%d %.500s", got.code, got.stderr)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	endless, feed := io.Pipe()
	defer feed.Close()
	go func() {
		_, _ = feed.Write([]byte("{"))
		interrupt()
	}()
	var stderr strings.Builder
	code := run(ctx, []string{"msdk", "call", "wxscore", "-d", "-", "--base-url", p.URL, "--app", "wx1", "--key-file", p.keyFile}, endless, io.Discard, &stderr)
	if code != exitCannot || stderr.String() != "battlereport: interrupted\n" || len(p.calls) > 0 {
		t.Errorf("%d %s", code, stderr.String())
	}
}

func TestTheConfigurationSaysWhereACallGoesAndFlagsGoBefore(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	path := write(t, "battlereport.yaml", fmt.Sprintf(`
msdk: {base_url: %s, content_type: application/json}
apps:
- {appid: wx1, appkey: %s, topics: [a]}
- {appid: wx2, appkey: %s, encode: 2, topics: [b]}
`, p.URL, canary, canary))
	if got := invoke(t, "", "msdk", "call", "wxscore", "--example", "-c", path, "--app", "wx2"); got.code != exitDone || !strings.Contains(p.last(t).uri, "&encode=2&") || !strings.Contains(p.last(t).body, `"appid":"wx2"`) || p.last(t).contentType != "application/json" {
		t.Errorf("%+v: %+v", got, p.last(t))
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	kafkatest.NewAuthority(t, "ca").Write(t, ca)
	withCA := write(t, "tls.yaml", fmt.Sprintf(`
msdk: {base_url: "https://127.0.0.1:1", ca_file: %s}
apps: [{appid: wx1, appkey: %s, topics: [a]}]
`, ca, canary))
	for url, want := range map[string]bool{p.URL: false, "https://127.0.0.1:2": true} {
		if got := invoke(t, "", "msdk", "call", "wxscore", "--example", "-c", withCA, "--base-url", url, "--curl"); got.code != exitDone || strings.Contains(got.stdout, " --cacert ") != want {
			t.Errorf("the authorities are those of an https URL alone: %+v", got)
		}
	}
	other := newPlatform(t)
	if got := invoke(t, "", "msdk", "call", "wxscore", "--example", "-c", path, "--app", "wx2", "--encode", "1", "--base-url", other.URL); got.code != exitDone || !strings.Contains(other.last(t).uri, "&encode=1&") {
		t.Errorf("%+v", got)
	}
}

func TestAKeyOfTheEnvironmentSigns(t *testing.T) {
	p := newPlatform(t)
	t.Setenv("MSDK_APPKEY", canary)
	if got := invoke(t, "", "msdk", "call", "wxscore", "--example", "--app", "wx1", "--base-url", p.URL); got.code != exitDone || len(p.calls) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAShellCompletesCalls(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}, {appid: wx2, appkey: k, topics: [t]}]")
	for rule, test := range map[string]struct {
		args []string
		want []string // lines of what is offered
	}{
		"all paths":                 {[]string{""}, []string{"/auth/refresh_token\ta new access token for a refresh token", "/profile/wxget_vip\tthe VIP levels of a user and of friends"}},
		"paths that are begun":      {[]string{"/profile/wxs"}, []string{"/profile/wxscore\tone user's score, by the call that wxbattle_report replaces"}},
		"last words":                {[]string{"wxs"}, []string{"wxscore\tone user's score, by the call that wxbattle_report replaces"}},
		"fields with their type":    {[]string{"wxscore", "-F", ""}, []string{"score=\ta string: a decimal integer, such as 1000000, required", "openid=\ta string that is not empty, required"}},
		"fields within":             {[]string{"wxbattle_report", "-F", "json.b"}, []string{"json.baseinfo.platid=\tan integer: 0 or 1, required", "json.battleinfo.iswin=\ta boolean"}},
		"fields with free names":    {[]string{"wxbattle_report", "-F", "json.u"}, []string{"json.userdefined.ID.name=\ta string"}},
		"examples":                  {[]string{"wxgame", "--example="}, []string{"image", "video/ja"}},
		"examples that stand apart": {[]string{"wxgame", "--example", "vi"}, []string{"video", "video/ja"}},
		"apps of a file":            {[]string{"-c", path, "wxscore", "--app", ""}, []string{"wx1", "wx2"}},
	} {
		got := invoke(t, "", append([]string{"__complete", "msdk", "call"}, test.args...)...)
		for _, want := range test.want {
			if !strings.Contains("\n"+got.stdout, "\n"+want+"\n") {
				t.Errorf("%s: %s\nwant %s", rule, got.stdout, want)
			}
		}
	}
	if got := invoke(t, "", "__complete", "msdk", "call", "wxscore", ""); got.stdout != ":4\n" {
		t.Errorf("a second path is offered: %+v", got)
	}
}
