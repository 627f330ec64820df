package msdktest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestARequestIsRememberedWithItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(town)
		sim.SetRules(msdktest.Latency(time.Second))
		c := battle("ann")
		began := time.Now()
		mustAnswer(t, sim, c, `{"ret":0`)
		e := sim.Requests()[0]
		want := msdktest.Entry{
			Time: began, Took: time.Second, Method: http.MethodPost, Path: "/profile/wxbattle_report/", URL: e.URL, AppID: "wx1", OpenID: "ann",
			Serial: "s_1", Body: c.body, HTTP: 200, Ret: 0, Msg: "success",
			Scores: []msdktest.ScoreNote{{OpenID: "ann", Score: 0, OnBoard: true, Why: "on the board"}},
		}
		if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) {
			t.Errorf("remembered\n%+v, want\n%+v", e, want)
		}
		if strings.Contains(e.URL, c.params.Get("sig")) || strings.Contains(e.URL, "ann") || !strings.Contains(e.URL, "msdkExtInfo=s_1") {
			t.Errorf("the URL is shown as %s", e.URL)
		}
	})
}

func TestTheLast200RequestsAreRememberedNewestFirst(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for i := range 457 {
		c := battle("ann")
		c.params.Set("msdkExtInfo", fmt.Sprint(i))
		c.do(sim)
		if n := len(sim.Requests()); n != min(i+1, 200) {
			t.Fatalf("%d are remembered of %d", n, i+1)
		}
	}
	for i, e := range sim.Requests() {
		if e.Serial != fmt.Sprint(456-i) {
			t.Fatalf("%s is the %dth", e.Serial, i)
		}
	}
}

func TestARememberedRequestIsShortWhateverItNames(t *testing.T) {
	t.Parallel()
	const most = 2<<10 + len("…")
	long := strings.Repeat("x", 1<<20)
	for rule, spoil := range map[string]func(*call){
		"path":          func(c *call) { c.path = "/" + long + "/" },
		"method":        func(c *call) { c.method = long },
		"appid":         func(c *call) { c.params.Set("appid", long) },
		"openid":        func(c *call) { c.params.Set("openid", long) },
		"msdkExtInfo":   func(c *call) { c.params.Set("msdkExtInfo", long) },
		"a parameter":   func(c *call) { c.params.Set("more", long) },
		"a player":      func(c *call) { c.body = strings.ReplaceAll(c.body, "ann", long) },
		"a refused one": func(c *call) { c.body = strings.ReplaceAll(c.body, `"ann","platid":0`, `"`+long+`","platid":"0"`) },
		"a game's own": func(c *call) {
			c.body = strings.Replace(c.body, `"baseinfo"`, `"userdefined":{"`+long+`":0},"baseinfo"`, 1)
		},
		"an answer told": func(c *call) { c.params.Set("openid", "told") },
	} {
		sim := msdktest.New(town)
		sim.SetRules(func(r *msdktest.Request) msdktest.Answer {
			if r.OpenID == "told" {
				return msdktest.Answer{Ret: -1, Msg: long}
			}
			return msdktest.Answer{}
		})
		c := battle("ann")
		spoil(c)
		c.do(sim)
		e := sim.Requests()[0]
		for _, text := range []string{e.Method, e.Path, e.URL, e.Msg, e.Cause} {
			if len(text) > most {
				t.Errorf("%s: %d bytes are remembered: %.40s…", rule, len(text), text)
			}
		}
		for _, id := range []string{e.AppID, e.OpenID, e.Serial} {
			if len(id) > 512+len("…") {
				t.Errorf("%s: an id of %d bytes is remembered: %.40s…", rule, len(id), id)
			}
		}
		for _, n := range e.Scores {
			if len(n.OpenID) > 512+len("…") || len(n.Why) > 2*most {
				t.Errorf("%s: of a score, %d and %d bytes are remembered", rule, len(n.OpenID), len(n.Why))
			}
		}
	}
}

func TestARememberedBodyIsShortAndHasNoSecret(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for rule, body := range map[string]string{
		"the appkey":                picture(appKey, "%41", 1),
		"another secret":            picture("another secret", "%41", 1),
		"one that is cut off":       `{"secret" : "another secret`,
		"one that the cut divides":  strings.Repeat(" ", 4090) + appKey + `"}`,
		"the msdkkey, anywhere":     `{"openid":"` + msdkKey + `"}`,
		"a long body":               strings.Repeat("安", 2000),
		"bytes that are no letters": "\xff\xfe",
	} {
		newCall(msdkclient.PathUploadPicture, "ann", body).do(sim)
		e := sim.Requests()[0]
		if len(e.Body) > 4<<10 || strings.ToValidUTF8(e.Body, "") != e.Body {
			t.Errorf("%s: %d bytes: %q", rule, len(e.Body), e.Body)
		}
		for _, secret := range []string{appKey, msdkKey, "another secret"} {
			if strings.Contains(e.Body, secret) || strings.HasSuffix(e.Body, secret[:6]) {
				t.Errorf("%s: shown is %s", rule, e.Body)
			}
		}
	}
}

func TestAScoreThatIsNotOnTheBoardSaysWhy(t *testing.T) {
	t.Parallel()
	battles := func(json string) *call {
		return newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":`+json+`}`)
	}
	otherApp := battle("ann")
	otherApp.body = strings.Replace(otherApp.body, "wx1", "wx2", 1)
	unsigned := battle("ann")
	unsigned.params.Set("sig", "x")
	for rule, tt := range map[string]struct {
		call *call
		want string // openid score why, of each
	}{
		"a good score":              {battle("ann", "bob"), "ann 0 true on the board; bob 1 true on the board"},
		"no score":                  {battles(`{"baseinfo":{"platid":0}}`), "ann 0 false no score"},
		"text for a number":         {battles(`[{"baseinfo":{"openid":"bob","platid":0},"battleinfo":{"score":"12"}}]`), "bob 12 false a string, not a number: not ranked"},
		"a number for text":         {newCall(msdktest.PathScore, "ann", `{"appid":"wx1","openid":"ann","score":12,"expires":"0"}`), "ann 12 false a number, not a string: not ranked"},
		"a truth":                   {battles(`{"baseinfo":{"platid":0},"battleinfo":{"score":true}}`), "ann 0 false a boolean, not a number: not ranked"},
		"the app of another":        {otherApp, `ann 0 false refused: other app: the body is for "wx2", the URL for "wx1"`},
		"with one that is bad":      {battles(`[` + element("bob", 5) + `,{}]`), "bob 5 false refused: element 1: baseinfo is missing; ann 0 false refused: element 1: baseinfo is missing"},
		"a call that is not signed": {unsigned, "ann 0 false refused: wrong signature: it has 1 characters; want 32 lowercase hex digits: the md5 of the key with the timestamp behind it"},
		"a code that was asked for": {battle("code_-306"), "code_-306 0 false refused: timeout or broken link to the platform: the openid code_-306 asks for it"},
		"a body that is no report":  {battles(`7`), ""},
		"a body that is no JSON":    {battles(`7}`), ""},
		"a call that is none":       {newCall(msdkclient.PathCheckToken, "ann", check("at_ann", "ann")), ""},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(town)
			tt.call.do(sim)
			var got []string
			for _, n := range sim.Requests()[0].Scores {
				got = append(got, fmt.Sprintf("%s %d %t %s", n.OpenID, n.Score, n.OnBoard, n.Why))
			}
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("%s, want %s", strings.Join(got, "; "), tt.want)
			}
		})
	}
}

func TestNotesAreFiveHundredARequestAtMost(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	good := battle(slices.Repeat([]string{"ann"}, 1200)...)
	mustAnswer(t, sim, good, `{"ret":0`)
	bad := *good
	bad.body = strings.Replace(good.body, `"platid":1`, `"platid":7`, 1)
	mustAnswer(t, sim, &bad, `{"ret":-1011`)
	for _, e := range sim.Requests() {
		if len(e.Scores) != 500 {
			t.Errorf("%d notes", len(e.Scores))
		}
	}
}

func TestRequestsAreRememberedWhileTheyCome(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 50 {
				battle("ann", "bob").do(sim)
				for _, e := range sim.Requests() {
					if e.Method == "" || len(e.Scores) != 2 {
						t.Errorf("half remembered: %+v", e)
						return
					}
				}
			}
		})
	}
	clients.Wait()
}
