package msdktest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// ask puts a request to the stand-in itself, and returns the status and the body.
func ask(sim http.Handler, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// mustAsk is ask where nothing is to be wrong.
func mustAsk(t *testing.T, sim http.Handler, method, path, body string) string {
	t.Helper()
	status, answer := ask(sim, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

func TestAScriptAnswersCalls(t *testing.T) {
	t.Parallel()
	score := func(sim *msdktest.Server, openid string) string {
		return outcome(sim, newCall(msdktest.PathScore, openid, fmt.Sprintf(
			`{"appid":"wx1","grantType":"client_credential","openid":%q,"score":"7","expires":"0"}`, openid)))
	}
	for rule, tt := range map[string]struct {
		rules string
		want  string // the outcomes of reports about a, about b and a, about b, and of a's score
	}{
		"a rule without times answers always":          {`{"answer":{"ret":-306}}`, "-306 -306 -306 -306"},
		"times are counted, and then calls pass":       {`{"times":2,"answer":{"ret":-306}}`, "-306 -306 0 0"},
		"the first that matches answers alone":         {`{"times":1,"answer":{"ret":-306}},{"times":1,"answer":{"ret":-307}}`, "-306 -307 0 0"},
		"an empty answer lets a call pass":             {`{"times":1,"answer":{}},{"times":1,"answer":{"ret":-307}}`, "0 -307 0 0"},
		"an openid is that of the URL, or of a report": {`{"openid":"a","answer":{"http":503}}`, "503 503 0 503"},
		"a path is that of one call":                   {`{"path":"/profile/wxscore","answer":{"ret":-307}}`, "0 0 0 -307"},
		"with a slash as well":                         {`{"path":"/profile/wxscore/","answer":{"ret":-307}}`, "0 0 0 -307"},
		"an app is that of the URL":                    {`{"app":"wx2","answer":{"ret":-307}}`, "0 0 0 0"},
		"all that is said of a call must be so":        {`{"app":"wx1","path":"/profile/wxscore","openid":"b","answer":{"ret":-307}}`, "0 0 0 0"},
		"a retry can be told":                          {`{"times":1,"answer":{"http":429,"retry_after":"3"}}`, "429 0 0 0"},
		"a body goes out word for word":                {`{"times":1,"answer":{"body":"<html>"}}`, " 0 0 0"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(config)
			mustAsk(t, sim, "POST", "/_/script", `{"rules":[`+tt.rules+`]}`)
			got := []string{outcome(sim, battle("a")), outcome(sim, battle("b", "a")), outcome(sim, battle("b")), score(sim, "a")}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("outcomes %v, want %s", got, tt.want)
			}
		})
	}
}

func TestAScriptIsAddedToListedAndTakenAway(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	sim.SetRules(msdktest.Always(msdktest.Answer{Ret: -101}))
	mustAsk(t, sim, "POST", "/_/script", `{"rules":[{"times":2,"answer":{"ret":-306}}]}`)
	mustAsk(t, sim, "POST", "/_/script", ` {"rules":[{"answer":{"ret":-307,"msg":"busy"},"path":"/wxoauth/check_token"}]}`+"\n")
	sim.SetRules(msdktest.Always(msdktest.Answer{Ret: -102}))
	if got := outcome(sim, battle("a")); got != "-306" {
		t.Errorf("a rule set later takes the script away: %s", got)
	}
	listed := mustAsk(t, sim, "GET", "/_/script", "")
	if want := `{"rules":[{"times":1,"answer":{"ret":-306}},{"path":"/auth/check_token","answer":{"ret":-307,"msg":"busy"}}]}`; compact(t, listed) != want {
		t.Errorf("listed %s, want %s", compact(t, listed), want)
	}
	if emptied := compact(t, mustAsk(t, sim, "DELETE", "/_/script", "")); emptied != `{"rules":[]}` {
		t.Errorf("emptied, it is %s", emptied)
	}
	if got := outcome(sim, battle("a")); got != "-102" {
		t.Errorf("without a script, the rules are not asked: %s", got)
	}
	mustAsk(t, sim, "POST", "/_/script", listed) // what is listed can be given
	if again := mustAsk(t, sim, "GET", "/_/script", ""); again != listed {
		t.Errorf("given again, it is %s, want %s", again, listed)
	}
}

func TestAFaultOfAScriptIsOneOfTheWire(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, config)
	mustAsk(t, sim, "POST", "/_/script", `{"rules":[{"times":1,"answer":{"fault":"reset"}}]}`)
	if _, _, err := battle("a").post(t, sim.URL); err == nil {
		t.Error("the call was answered")
	}
	if _, body, err := battle("a").post(t, sim.URL); err != nil || !strings.HasPrefix(body, `{"ret":0`) {
		t.Errorf("the next one was answered %s, %v", body, err)
	}
}

func TestWhatAScriptAcceptsIsOnTheBoardWhateverItAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{`{"http":504,"accept":true}`: true, `{"http":504}`: false, `{"msg":"word"}`: false} {
		sim := msdktest.New(config)
		mustAsk(t, sim, "POST", "/_/script", `{"rules":[{"answer":`+answer+`}]}`)
		battle("a").do(sim)
		if _, got := sim.Leaderboard.Best("wx1", "a"); got != want {
			t.Errorf("%s: on the board: %t", answer, got)
		}
	}
}

func TestAScriptDelaysAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(config)
		mustAsk(t, sim, "POST", "/_/script", `{"rules":[{"times":1,"answer":{"delay":"1m30s"}}]}`)
		began := time.Now()
		mustAnswer(t, sim, battle("a"), `{"ret":0`)
		if took := time.Since(began); took != 90*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAScriptIsCheckedBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	many := `{"rules":[` + strings.Repeat(`{"answer":{}},`, 1000) + `{"answer":{}}]}`
	for rule, tt := range map[string]struct {
		script string
		status int
		want   string // field, and text
	}{
		"it is JSON":                      {`{"rules":`, 400, `body: "{\"rules\":": want JSON`},
		"it is one value":                 {`{"rules":[]} {}`, 400, `body: "{\"rules\":[]} {}": want JSON`},
		"it is not a form":                {`rules=1`, 400, `body: "rules=1": want JSON`},
		"it is an object":                 {`[]`, 400, `body: []: want an object`},
		"it is not null":                  {`null`, 400, `body: null: want an object`},
		"it has rules":                    {`{}`, 400, `rules: want an array with something in it`},
		"nothing is nothing":              {``, 400, `rules: want an array with something in it`},
		"in an array":                     {`{"rules":{"answer":{}}}`, 400, `rules: {"answer":{}}: want an array`},
		"with something in it":            {`{"rules":[]}`, 400, `rules: want an array with something in it`},
		"of objects":                      {`{"rules":[{"answer":{}},7]}`, 400, `rules[1]: 7: want an object`},
		"with an answer":                  {`{"rules":[{}]}`, 400, `rules[0].answer: want an object; an empty one lets the call pass`},
		"which is not null":               {`{"rules":[{"answer":null}]}`, 400, `rules[0].answer: null: want an object`},
		"names have no slips":             {`{"rules":[{"answer":{},"tims":1}]}`, 400, `rules[0].tims: want none of this name; there are answer, app, openid, path, times`},
		"nor another case":                {`{"rules":[{"answer":{"Ret":1}}]}`, 400, `rules[0].answer.Ret: want none of this name; there are accept, body, delay, fault, http, msg, ret, retry_after`},
		"nor at the top":                  {`{"rule":[]}`, 400, `rule: want none of this name; there are rules`},
		"a ret is a number":               {`{"rules":[{"answer":{"ret":"-1011"}}]}`, 400, `rules[0].answer.ret: "-1011": want a whole number`},
		"a whole one":                     {`{"rules":[{"answer":{"ret":-1.5}}]}`, 400, `rules[0].answer.ret: -1.5: want a whole number`},
		"within reason":                   {`{"rules":[{"answer":{"ret":1e30}}]}`, 400, `rules[0].answer.ret: 1e30: want a whole number`},
		"and not null":                    {`{"rules":[{"answer":{"ret":null}}]}`, 400, `rules[0].answer.ret: null: want a whole number`},
		"a text is a string":              {`{"rules":[{"answer":{"msg":7}}]}`, 400, `rules[0].answer.msg: 7: want a string`},
		"yes is true":                     {`{"rules":[{"answer":{"accept":"yes"}}]}`, 400, `rules[0].answer.accept: "yes": want true or false`},
		"times are not negative":          {`{"rules":[{"answer":{},"times":-1}]}`, 400, `rules[0].times: -1: want how often, 1 or more, or nothing for always`},
		"an app is one of ours":           {`{"rules":[{"answer":{},"app":"wx9"}]}`, 400, `rules[0].app: "wx9": want an app of this stand-in`},
		"a path is one of the calls'":     {`{"rules":[{"answer":{},"path":"/profile/wxscores"}]}`, 400, `rules[0].path: "/profile/wxscores": want the path of one of the twelve calls, such as /profile/wxbattle_report`},
		"a status is one of an answer":    {`{"rules":[{"answer":{"http":100}}]}`, 400, `rules[0].answer.http: 100: want 200 to 599`},
		"and has three digits":            {`{"rules":[{"answer":{"http":1000}}]}`, 400, `rules[0].answer.http: 1000: want 200 to 599`},
		"a delay has a unit":              {`{"rules":[{"answer":{"delay":"5"}}]}`, 400, `rules[0].answer.delay: "5": want a duration such as 500ms, an hour at most`},
		"is not negative":                 {`{"rules":[{"answer":{"delay":"-5s"}}]}`, 400, `rules[0].answer.delay: "-5s": want a duration such as 500ms, an hour at most`},
		"and ends":                        {`{"rules":[{"answer":{"delay":"61m"}}]}`, 400, `rules[0].answer.delay: "61m": want a duration such as 500ms, an hour at most`},
		"a fault is one of a few":         {`{"rules":[{"answer":{"fault":"explode"}}]}`, 400, `rules[0].answer.fault: "explode": want hang, reset, drip or cut`},
		"a retry is in seconds or a date": {`{"rules":[{"answer":{"retry_after":"soon\r\nX: y"}}]}`, 400, `rules[0].answer.retry_after: "soon\r\nX: y": want a number of seconds, as a string, or an HTTP date`},
		"there are not too many":          {many, 400, `rules: 1001 in all: want 1000 at most`},
		"what is shown is cut":            {`{"rules":[{"answer":{"ret":"` + strings.Repeat("x", 1000) + `"}}]}`, 400, `rules[0].answer.ret: "` + strings.Repeat("x", 63) + `…: want a whole number`},
		"a body has a limit":              {strings.Repeat(" ", 1<<20+1), 413, `the body is longer than 1 MiB`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(config)
			status, got := ask(sim, "POST", "/_/script", tt.script)
			if status != tt.status || errorOf(t, got) != tt.want {
				t.Errorf("answered %d %s\nwant %d %s", status, got, tt.status, tt.want)
			}
			if left := compact(t, mustAsk(t, sim, "GET", "/_/script", "")); left != `{"rules":[]}` {
				t.Errorf("a part of it was taken: %s", left)
			}
			if status == 400 {
				if err := sim.LoadScript([]byte(tt.script)); err == nil {
					t.Error("LoadScript takes it")
				}
			}
		})
	}
}

func TestTimesAreCountedOnceForAllAtOnce(t *testing.T) {
	t.Parallel()
	const times, calls = 40, 100
	sim := msdktest.New(config)
	mustAsk(t, sim, "POST", "/_/script", fmt.Sprintf(`{"rules":[{"times":%d,"answer":{"ret":-306}}]}`, times))
	var running sync.WaitGroup
	for i := range calls {
		running.Go(func() { battle(fmt.Sprintf("o%d", i)).do(sim) })
		running.Go(func() { ask(sim, "POST", "/_/script", `{"rules":[{"app":"wx2","answer":{}}]}`) })
		running.Go(func() { ask(sim, "GET", "/_/script", "") })
		running.Go(func() { ask(sim, "GET", "/", "") })
	}
	running.Wait()
	if got := sim.Ledger.Outcomes(); got["ret -306"] != times || got["ret 0"] != calls-times {
		t.Errorf("outcomes %v, want %d times -306", got, times)
	}
}

func FuzzScript(f *testing.F) {
	f.Add(`{"rules":[{"app":"wx1","path":"/profile/wxscore","openid":"o","times":1,"answer":{"ret":-1,"delay":"1ms"}}]}`)
	f.Add(`{"rules":[{"answer":{"http":503,"body":"x","retry_after":"1","fault":"","accept":true,"msg":"\u0000"}}]}`)
	f.Add(`[[[[`)
	f.Fuzz(func(t *testing.T, text string) {
		sim := msdktest.New(config)
		status, answer := ask(sim, "POST", "/_/script", text)
		if status != 200 && (status != 400 || errorOf(t, answer) == "") {
			t.Fatalf("%d %s", status, answer)
		}
		listed := mustAsk(t, sim, "GET", "/_/script", "")
		if status == 200 {
			if again := mustAsk(t, msdktest.New(config), "POST", "/_/script", listed); again != listed {
				t.Fatalf("listed %s, given again %s", listed, again)
			}
		}
	})
}
