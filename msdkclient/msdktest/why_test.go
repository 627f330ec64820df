package msdktest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// whyOf is how the place of o1 on the board of wx1 is explained: where it is, and the reasons.
func whyOf(t *testing.T, sim *msdktest.Server) string {
	t.Helper()
	var why struct {
		OnBoard bool `json:"on_board"`
		Best    int64
		Place   int
		Players int
		Reasons []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(mustAsk(t, sim, "GET", "/_/why?app=wx1&openid=o1", "")), &why); err != nil {
		t.Fatal(err)
	}
	text := "not on the board"
	if why.OnBoard {
		text = fmt.Sprintf("%d, place %d of %d", why.Best, why.Place, why.Players)
	}
	for _, r := range why.Reasons {
		text += "\n" + r.Text
	}
	page := words(mustAsk(t, sim, "GET", "/?app=wx1&openid=o1", ""))
	for _, r := range why.Reasons {
		if shown := strings.NewReplacer(`"`, "&#34;", "'", "&#39;", "+", "&#43;").Replace(r.Text); !strings.Contains(page, shown) {
			t.Errorf("the page does not say %q: %.2000s", r.Text, page)
		}
	}
	return text
}

func TestItIsSaidWhyAScoreIsOrIsNotOnTheBoard(t *testing.T) {
	t.Parallel()
	report := func(openid, json string) *call {
		return newCall(msdktest.PathBattleReport, openid, fmt.Sprintf(`{"appid":"wx1","openid":%q,"json":%s}`, openid, json))
	}
	score := func(n int) *call {
		return report("o1", fmt.Sprintf(`{"baseinfo":{"platid":0},"battleinfo":{"score":%d}}`, n))
	}
	old := func(score string, expires time.Duration) *call {
		at := "0"
		if expires != 0 {
			at = fmt.Sprint(time.Now().Add(expires).Unix())
		}
		return newCall(msdktest.PathScore, "o1", fmt.Sprintf(
			`{"appid":"wx1","grantType":"client_credential","openid":"o1","score":%s,"expires":%q}`, score, at))
	}
	ofApp := func(c *call, appid string) *call {
		c.params.Set("appid", appid)
		c.body = strings.Replace(c.body, `"wx1"`, fmt.Sprintf("%q", appid), 1)
		return c
	}
	for rule, tt := range map[string]struct {
		calls func() []*call
		later time.Duration
		want  string
	}{
		"nothing came": {
			func() []*call { return nil }, 0,
			"not on the board\nno report about this openid is among the last 0 requests: is it spelt as in the reports, and of this app?",
		},
		"it is": {func() []*call { return []*call{score(7)} }, 0, "7, place 1 of 1\n7: on the board"},
		"a higher one was before": {
			func() []*call { return []*call{score(9), score(7)} }, 0,
			"9, place 1 of 1\n7: lower than 9, the best before\n9: on the board",
		},
		"others are better": {
			func() []*call { return []*call{score(0), battle("a", "b", "c")} }, 0,
			"0, place 4 of 4\n0: on the board",
		},
		"there was none": {
			func() []*call { return []*call{report("o1", `{"baseinfo":{"platid":0},"battleinfo":{}}`)} }, 0,
			"not on the board\n0: no score",
		},
		"it was text": {
			func() []*call {
				return []*call{report("o1", `{"baseinfo":{"platid":0},"battleinfo":{"score":"7"}}`)}
			}, 0,
			"not on the board\n7: a string, not a number: not ranked",
		},
		"it was a number where text is wanted": {
			func() []*call { return []*call{old("7", 0)} }, 0,
			"not on the board\n7: a number, not a string: not ranked",
		},
		"it had expired when it came": {
			func() []*call { return []*call{old(`"7"`, -time.Hour)} }, 0,
			"not on the board\n7: expired at 2029-12-31T23:00:00Z",
		},
		"it has expired since": {
			func() []*call { return []*call{old(`"7"`, time.Hour)} }, 2 * time.Hour,
			"not on the board\n7 was on the board, and expired at 2030-01-01T01:00:00Z\n7: on the board",
		},
		"it went to another app": {
			func() []*call { return []*call{ofApp(score(7), "wx2")} }, 0,
			"not on the board\nreported to another app, \"wx2\": 7: on the board\nthere is a score of this openid, 7, on the board of another app, wx2",
		},
		"the call names no app": {
			func() []*call { c := score(7); c.params.Del("appid"); return []*call{c} }, 0,
			"not on the board\n7: refused: unknown appid: the URL has no appid",
		},
		"its body names no app": {
			func() []*call { return []*call{old(`"7","appid":""`, 0)} }, 0,
			"not on the board\n7: refused: appid is empty",
		},
		"the appid is a number": {
			func() []*call { return []*call{old(`"7","appid":369`, 0)} }, 0,
			"not on the board\n7: refused: appid must be a string: it is a number, not a string",
		},
		"it went to an app that is none": {
			func() []*call { return []*call{ofApp(score(7), "wx3")} }, 0,
			"not on the board\nreported to another app, \"wx3\": *",
		},
		"the call was refused": {
			func() []*call { c := score(7); c.sign("another key", time.Now()); return []*call{c} }, 0,
			"not on the board\n*wrong signature*",
		},
		"it was another's call that was refused": {
			func() []*call {
				return []*call{report("a", `[{"baseinfo":{"openid":"a","platid":0}},{"baseinfo":{"openid":"o1","platid":7},"battleinfo":{"score":7}}]`)}
			}, 0,
			"not on the board\n7: refused: *platid*",
		},
		"the path was a slip": {
			func() []*call { c := score(7); c.path = "/relation/profile/wxscore/"; return []*call{c} }, 0,
			"not on the board\n/relation/profile/wxscore/ was refused with ret -505: *did you mean /profile/wxscore/?",
		},
		"it was no report": {
			func() []*call {
				return []*call{newCall("/relation/wxfriends", "o1", `{"openid":"o1","accessToken":"x"}`)}
			}, 0,
			"not on the board\nno report about this openid is among the last 1 requests: is it spelt as in the reports, and of this app?",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
				sim := msdktest.New(config)
				for _, c := range tt.calls() {
					c.do(sim)
				}
				sim.Advance(tt.later)
				if got := whyOf(t, sim); !matches(got, tt.want) {
					t.Errorf("explained by\n%s\nwant\n%s", got, tt.want)
				}
			})
		})
	}
}

// matches reports whether text is want, in which each * stands for anything.
func matches(text, want string) bool {
	parts := strings.Split(want, "*")
	for i, part := range parts {
		at := strings.Index(text, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == "" || parts[len(parts)-1] == ""
}

func TestAnExplanationGoesBackSoFar(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	for range 30 {
		battle("o1").do(sim)
	}
	if n := strings.Count(whyOf(t, sim), "\n"); n != 20 {
		t.Errorf("%d reasons", n)
	}
}
