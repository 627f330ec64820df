package msdktest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return b.String()
}

// errorOf is what an answer says is wrong.
func errorOf(t *testing.T, text string) string {
	t.Helper()
	var answer struct{ Error, Field string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !strings.HasPrefix(answer.Error, answer.Field) {
		t.Errorf("the field is %s, of %s", answer.Field, answer.Error)
	}
	return answer.Error
}

func TestTheIndexHasEveryEndpoint(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	var index struct {
		Endpoints []struct{ Method, Path, Does, Example string }
	}
	if err := json.Unmarshal([]byte(mustAsk(t, sim, "GET", "/_/", "")), &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Endpoints) < 10 {
		t.Errorf("there are %d endpoints", len(index.Endpoints))
	}
	for _, e := range index.Endpoints {
		if e.Does == "" {
			t.Errorf("%s %s: no words", e.Method, e.Path)
		}
		example := strings.NewReplacer("APPID", "wx1", "OPENID", "o1").Replace(e.Example)
		path, body := e.Path, example
		if e.Method == "GET" {
			path, body = path+example, ""
		}
		if status, answer := ask(sim, e.Method, path, body); status != 200 && !strings.Contains(errorOf(t, answer), "o1") {
			t.Errorf("%s %s %s: its example is answered %d %s", e.Method, path, body, status, answer)
		}
	}
}

func TestWhatIsNoEndpointIsToldApart(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	for request, want := range map[string]struct {
		status int
		allow  string
		text   string
	}{
		"GET /_/scripts":  {404, "", "no such path: GET /_/ lists what there is"},
		"GET /_/script/":  {404, "", "no such path: GET /_/ lists what there is"},
		"POST /_/page.cs": {404, "", "no such path: GET /_/ lists what there is"},
		"PUT /_/script":   {405, "GET, POST, DELETE", "/_/script takes GET and POST and DELETE"},
		"GET /_/reset":    {405, "POST", "/_/reset takes POST"},
		"POST /_/state":   {405, "GET", "/_/state takes GET"},
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want.status || w.Header().Get("Allow") != want.allow || errorOf(t, w.Body.String()) != want.text {
			t.Errorf("%s: %d %v %s", request, w.Code, w.Header(), w.Body)
		}
	}
	if len(sim.Requests()) != 0 {
		t.Error("what is asked of the stand-in itself is among the requests")
	}
}

func TestAPageOfSomebodyElseCannotDirectTheStandIn(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, config)
	address := strings.TrimPrefix(sim.URL, "http://")
	port := address[strings.LastIndex(address, ":"):]
	for rule, tt := range map[string]struct {
		method, path, host string
		header             http.Header
		want               int
	}{
		"a program may":                        {"DELETE", "/_/script", address, nil, 200},
		"by the name of the machine":           {"DELETE", "/_/script", "localhost" + port, nil, 200},
		"by IPv6":                              {"GET", "/_/script", "[::1]" + port, nil, 200},
		"another page may not":                 {"DELETE", "/_/script", address, http.Header{"Origin": {"http://evil.example"}}, 403},
		"nor one without an origin of its own": {"POST", "/_/reset", address, http.Header{"Origin": {"null"}}, 403},
		"nor one whose name leads here":        {"POST", "/_/reset", "evil.example" + port, nil, 403},
		"nor may it read":                      {"GET", "/_/state", "evil.example" + port, nil, 403},
		"nor look at the page":                 {"GET", "/", "evil.example" + port, nil, 403},
		"nor by a name that only looks so":     {"GET", "/", "localhost.evil.example" + port, nil, 403},
		"a game server may under any name":     {"POST", "/profile/wxscore/", "msdktest.qq.com", nil, 200},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), tt.method, sim.URL+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			for name, values := range tt.header {
				r.Header[name] = values
			}
			transport := &http.Transport{DisableKeepAlives: true}
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("answered %d, want %d", resp.StatusCode, tt.want)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("others are let read")
			}
		})
	}
}

func TestWhatIsAskedOfTheStandInIsCheckedStrictly(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	for request, want := range map[string]string{
		"GET /_/requests?limit=x":                         `limit: "x": want a whole number, 0 or more`,
		"GET /_/requests?limit=-1":                        `limit: "-1": want a whole number, 0 or more`,
		"GET /_/requests?failed=perhaps":                  `failed: "perhaps": want true or false`,
		"GET /_/requests?limit=1;failed=true":             `query: "limit=1;failed=true": want names and values such as a=b&c=d, percent-encoded`,
		"GET /_/board?app=%zz":                            `query: "app=%zz": want names and values such as a=b&c=d, percent-encoded`,
		"GET /_/state?app=wx1&app=wx2":                    `app: 2 of them: want one`,
		"GET /_/requests?user=o1":                         `user: want none of this name; there are limit, failed, app, openid, path`,
		"GET /_/state?app=wx9":                            `app: "wx9": want an app of this stand-in`,
		"GET /_/board":                                    `app: "": want an app of this stand-in`,
		"GET /_/board?app=wx1&top=3":                      `top: want none of this name; there are app, limit`,
		"GET /_/why?app=wx9&openid=o1":                    `app: "wx9": want an app of this stand-in`,
		"GET /_/why?app=wx1":                              `openid: want whose score it is about`,
		"POST /_/advance":                                 `seconds: 0: want 1 to 31536000, which is a year`,
		`POST /_/advance {"seconds":-1}`:                  `seconds: -1: want 1 to 31536000, which is a year`,
		`POST /_/advance {"seconds":31536001}`:            `seconds: 31536001: want 1 to 31536000, which is a year`,
		`POST /_/advance {"seconds":"7200"}`:              `seconds: "7200": want a whole number`,
		`POST /_/advance {"minutes":1}`:                   `minutes: want none of this name; there are seconds`,
		`POST /_/friends {"app":"wx9","a":"o1","b":"o2"}`: `app: "wx9": want an app of this stand-in`,
		`POST /_/friends {"app":"wx1","a":"o1","b":"o9"}`: `b: "o9": want a user of app wx1`,
		`POST /_/friends {"app":"wx1","a":"o1","b":"o1"}`: `b: "o1": want another user than a`,
		`POST /_/friends {"app":"wx1","a":"o1"}`:          `b: "": want a user of app wx1`,
		`POST /_/friends {"app":"wx1","a":7}`:             `a: 7: want a string`,
	} {
		sim := sim
		if strings.Contains(request, "friends") {
			sim = msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "k", Users: []msdktest.User{{OpenID: "o1"}, {OpenID: "o2"}}}}})
		}
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		if status, answer := ask(sim, method, path, body); status != 400 || errorOf(t, answer) != want {
			t.Errorf("%s: %d %s\nwant %s", request, status, answer, want)
		}
	}
}

func TestRequestsAreListedByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	battle("a", "b").do(sim)
	other := battle("a")
	other.params.Set("appid", "wx2")
	other.body = strings.Replace(other.body, `"wx1"`, `"wx2"`, 1)
	other.do(sim)
	bad := newCall(msdktest.PathScore, "c", `{"appid":"wx1"}`)
	bad.do(sim)
	for query, want := range map[string]string{
		"":                               "c a a",
		"?limit=2":                       "c a",
		"?limit=0":                       "",
		"?failed=true":                   "c",
		"?failed=false":                  "c a a",
		"?app=wx1":                       "c a",
		"?openid=b":                      "a",
		"?openid=a":                      "a a",
		"?path=/profile/wxscore":         "c",
		"?path=/profile/wxscore/":        "c",
		"?path=/profile/wxbattle_report": "a a",
		"?path=/nothing":                 "",
		"?app=wx2&openid=c":              "",
	} {
		var answer struct {
			Requests []struct {
				OpenID, Method, Cause string
				HTTP, Ret             int
			}
		}
		if err := json.Unmarshal([]byte(mustAsk(t, sim, "GET", "/_/requests"+query, "")), &answer); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range answer.Requests {
			got = append(got, r.OpenID)
			if r.Method != "POST" || r.HTTP != 200 || (r.Ret == 0) != (r.Cause == "") {
				t.Errorf("%s: %+v", query, r)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: requests of %v, want %s", query, got, want)
		}
	}
}

func TestTimePassesFriendsAreMadeAndAllBeginsAgain(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(msdktest.Config{NoUserLimit: true, Apps: []msdktest.App{{ID: "wx1", AppKey: appKey, Users: []msdktest.User{{OpenID: "a"}, {OpenID: "b"}}}}})
	if err := sim.LoadScript([]byte(`{"rules":[{"openid":"x","times":1,"answer":{"ret":-306}}]}`)); err != nil {
		t.Fatal(err)
	}
	friends := func(token string) string {
		_, body := newCall("/relation/wxfriends", "a", `{"openid":"a","accessToken":"`+token+`"}`).do(sim)
		return body
	}
	began := mustAsk(t, sim, "GET", "/_/script", "")
	mustAsk(t, sim, "POST", "/_/friends", `{"app":"wx1","a":"a","b":"b"}`)
	if got := friends("at_a"); !strings.Contains(got, `"openids":[]`) {
		t.Errorf("a new friend shows at once: %s", got)
	}
	mustAsk(t, sim, "POST", "/_/advance", `{"seconds":3600}`)
	if got := friends("at_a"); !strings.Contains(got, `"openids":["b"]`) {
		t.Errorf("after an hour the friends are %s", got)
	}
	mustAsk(t, sim, "POST", "/_/advance", `{"seconds":3600}`)
	if got := friends("at_a"); !strings.Contains(got, `"msg":"42001,`) {
		t.Errorf("after two hours the token is answered %s", got)
	}
	battle("a").do(sim)
	mustAsk(t, sim, "DELETE", "/_/script", "")
	state := mustAsk(t, sim, "GET", "/_/state?app=wx1&openid=a", "")
	for _, want := range []string{`"appkey": "` + appKey, `"access_token": "at_a"`, `"score": 0`, `"friends": [`} {
		if !strings.Contains(state, want) {
			t.Errorf("no %s in %s", want, state)
		}
	}
	if strings.Contains(state, `"openid": "b"`) {
		t.Errorf("it is asked about a, and tells of b: %s", state)
	}
	mustAsk(t, sim, "POST", "/_/reset", "")
	if got := friends("at_a"); !strings.Contains(got, `"openids":[]`) {
		t.Errorf("after a reset the friends are %s", got)
	}
	if _, there := sim.Leaderboard.Best("wx1", "a"); there || len(sim.Requests()) != 1 || sim.Ledger.Len() != 0 {
		t.Error("after a reset something of before is there")
	}
	for range 2 {
		if again := mustAsk(t, sim, "GET", "/_/script", ""); again != began {
			t.Errorf("after a reset the script is %s, want %s", again, began)
		}
		if got := outcome(sim, battle("x")); got != "-306" {
			t.Errorf("its rule is answered %s", got)
		}
		mustAsk(t, sim, "POST", "/_/reset", "")
	}
}
